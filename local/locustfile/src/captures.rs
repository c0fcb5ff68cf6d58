//! Values of responses that later requests and failure texts need.

use ruff_text_size::Ranged;

use crate::reader::{Read, Reader};
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
        let Some(request) = self.run.requests.get(step) else {
            return self.unknown(node);
        };
        if let Some((name, _)) = request.captures.iter().find(|(_, known)| known == code) {
            return Ok(name.clone());
        }
        let last = code
            .trim_end_matches([')', ']'])
            .rsplit(['.', '\'', ' '])
            .next()
            .unwrap_or_default();
        let last: String = last
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        let number = self
            .run
            .requests
            .iter()
            .map(|request| request.captures.len())
            .sum::<usize>()
            + 1;
        let name = match last.starts_with(|c: char| c.is_ascii_alphabetic()) {
            true => format!("got_{last}_{number}"),
            false => format!("got_value_{number}"),
        };
        self.run.requests[step]
            .captures
            .push((name.clone(), code.to_owned()));
        Ok(name)
    }
}
