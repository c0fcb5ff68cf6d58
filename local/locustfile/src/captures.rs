//! Values of responses that later requests and failure texts need.

use ruff_text_size::Ranged;

use crate::names::value_name;
use crate::reader::{Mode, Read, Reader};
use crate::session::{SessionCapture, start_request};
use crate::value::Piece;

impl<'a> Reader<'a> {
    /// The pieces of a request, in which values of earlier responses are captured ones.
    pub(crate) fn request_pieces(
        &mut self,
        node: &impl Ranged,
        pieces: Vec<Piece>,
    ) -> Read<Vec<Piece>> {
        let mut ready = Vec::new();
        for piece in pieces {
            ready.push(match piece {
                Piece::Answer(step, code) => Piece::Code(self.capture(node, step, &code)?),
                piece => piece,
            });
        }
        Ok(ready)
    }

    /// The pieces of a failure's text, which knows its own response.
    pub(crate) fn response_pieces(
        &mut self,
        node: &impl Ranged,
        own: usize,
        pieces: Vec<Piece>,
    ) -> Read<Vec<Piece>> {
        let mut ready = Vec::new();
        for piece in pieces {
            ready.push(match piece {
                Piece::Answer(step, code) if step == own => Piece::Code(code),
                Piece::Answer(step, code) => Piece::Code(self.capture(node, step, &code)?),
                piece => piece,
            });
        }
        Ok(ready)
    }

    /// Keeps a value of a response for later requests; its name.
    pub(crate) fn capture(&mut self, node: &impl Ranged, step: usize, code: &str) -> Read<String> {
        if let Some(request) = start_request(step) {
            return Ok(self.capture_in_session(request, code));
        }
        let Some(request) = self.run.requests.get(step) else {
            return self.unknown(node);
        };
        if let Some((name, _)) = request.captures.iter().find(|(_, known)| known == code) {
            return Ok(name.clone());
        }
        let requests = self.run.requests.iter();
        let all = requests.flat_map(|request| &request.captures);
        let name = match self.mode {
            // it may stay with the user
            Mode::Start => {
                let names: Vec<&str> = all.map(|(name, _)| name.as_str()).collect();
                session_name(code, |name| names.contains(&name))
            }
            _ => format!("got_{}_{}", last_word(code), all.count() + 1),
        };
        self.run.requests[step]
            .captures
            .push((name.clone(), code.to_owned()));
        Ok(name)
    }

    /// Keeps a value of a response of `on_start` in the user's session; its name.
    fn capture_in_session(&mut self, request: usize, code: &str) -> String {
        let captures = &mut self.session.captures;
        let is_it =
            |known: &&SessionCapture| (known.request, known.code.as_str()) == (request, code);
        if let Some(known) = captures.iter().find(is_it) {
            return known.name.clone();
        }
        let name = session_name(code, |name| captures.iter().any(|known| known.name == name));
        captures.push(SessionCapture {
            request,
            name: name.clone(),
            code: code.to_owned(),
        });
        name
    }
}

/// A name for a value of a user's session, which no task's value has.
fn session_name(code: &str, taken: impl Fn(&str) -> bool) -> String {
    let plain = code
        .strip_prefix('(')
        .and_then(|code| code.strip_suffix(" | default(none))"));
    let word = last_word(plain.unwrap_or(code));
    let word = match word.starts_with("got_") {
        true => format!("kept_{word}"),
        false => word,
    };
    value_name(&word, "kept_", taken)
}

/// The last name in an expression, which says best what its value is.
fn last_word(code: &str) -> String {
    let last = code
        .trim_end_matches([')', ']', '\''])
        .rsplit(['.', '\'', ' '])
        .next()
        .unwrap_or_default();
    let last: String = last
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(60)
        .collect();
    match last.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => last,
        false => "value".to_owned(),
    }
}
