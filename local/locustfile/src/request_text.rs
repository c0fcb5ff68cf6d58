//! A request as a workload writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::judgement::{BELOW_400, Good, exact_status};
use crate::ratio::Ratio;
use crate::run::{Body, Json, Request};
use crate::toml_text::{float, key, seconds, string};
use crate::value::{MARKS, Piece};

/// How draws are written: by their keys; and what a task draws once, with the pools.
#[derive(Default)]
pub(crate) struct DrawNames {
    pub(crate) codes: BTreeMap<String, String>,
    pub(crate) drawn: Vec<(String, String)>,
    /// The names of the values that the user's session keeps.
    pub(crate) kept: Vec<String>,
}

impl DrawNames {
    /// Those of a task whose users have a session with these names.
    pub(crate) fn within(session: &Self) -> Self {
        let drawn = session.drawn.iter().map(|(name, _)| name.clone());
        Self {
            codes: session.codes.clone(),
            drawn: Vec::new(),
            kept: session.kept.iter().cloned().chain(drawn).collect(),
        }
    }

    /// True if a value has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let drawn = self.drawn.iter().map(|(name, _)| name);
        self.kept.iter().chain(drawn).any(|known| known == name)
    }

    /// An expression with its draws as they are written.
    fn code(&self, code: &str) -> String {
        let [open, close] = MARKS;
        let mut written = String::new();
        let mut rest = code;
        while let Some((before, after)) = rest.split_once(open) {
            let (key, after) = after.split_once(close).unwrap_or((after, ""));
            written.push_str(before);
            written.push_str(self.codes.get(key).map_or("", String::as_str));
            rest = after;
        }
        written + rest
    }

    /// Pieces as a template.
    fn template(&self, pieces: &[Piece]) -> String {
        let mut text = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Literal(literal) => {
                    let follows = matches!(pieces.get(index + 1), Some(Piece::Code(_)));
                    text.push_str(&escaped(literal, follows));
                }
                Piece::Code(code) | Piece::Answer(_, code) => {
                    let _ = write!(text, "{{{{ {} }}}}", self.code(code));
                }
            }
        }
        text
    }
}

/// A text in a template that stands for itself.
pub(crate) fn escaped(literal: &str, code_follows: bool) -> String {
    let mut text = String::new();
    let mut characters = literal.chars().peekable();
    while let Some(c) = characters.next() {
        let special = match characters.peek() {
            Some(next) => matches!(next, '{' | '%' | '#'),
            None => code_follows,
        };
        match c {
            '{' if special => text.push_str("{{ '{' }}"),
            c => text.push(c),
        }
    }
    text
}

pub(crate) fn request_text(text: &mut String, request: &Request, names: &DrawNames) {
    let _ = writeln!(text, "name = {}", string(&request.name));
    if request.method != "GET" {
        let _ = writeln!(text, "method = {}", string(&request.method));
    }
    let _ = writeln!(text, "path = {}", string(&names.template(&request.path)));
    if !request.headers.is_empty() {
        let headers = request.headers.iter();
        let headers: Vec<String> = headers
            .map(|(name, value)| format!("{} = {}", key(name), string(&names.template(value))))
            .collect();
        let _ = writeln!(text, "headers = {{ {} }}", headers.join(", "));
    }
    match &request.body {
        Some(Body::Json(json)) => {
            let _ = writeln!(text, "json = {}", json_text(json, names));
        }
        Some(Body::Text(pieces)) => {
            let _ = writeln!(text, "body = {}", string(&names.template(pieces)));
        }
        None => {}
    }
    if request.probability != Ratio::ONE {
        let _ = writeln!(text, "probability = {}", float(request.probability.value()));
    }
    if let Some(when) = &request.when {
        let _ = writeln!(text, "when = {}", string(&names.code(when)));
    }
    if let Some(timeout) = request.timeout {
        let _ = writeln!(text, "timeout = {}", seconds(timeout));
    }
    if !request.follows {
        let _ = writeln!(text, "redirects = 0");
    }
    judgement_text(text, request, names);
    if !request.captures.is_empty() {
        let captures = request.captures.iter();
        let captures: Vec<String> = captures
            .map(|(name, code)| format!("{} = {}", key(name), string(code)))
            .collect();
        let _ = writeln!(text, "capture = {{ {} }}", captures.join(", "));
    }
}

/// What is expected of the response: by its status where that is all.
pub(crate) fn judgement_text(text: &mut String, request: &Request, names: &DrawNames) {
    match request.judgement.good(None) {
        Good::When(condition) if condition == BELOW_400 => {}
        Good::Always => {
            let _ = writeln!(text, "status = \"any\"");
        }
        Good::Never => {
            let _ = writeln!(text, "status = \"any\"\nexpect = \"false\"");
        }
        Good::When(condition) => {
            match (exact_status(&condition), condition.strip_prefix("status ")) {
                (Some(status), _) if (100..=999).contains(&status) => {
                    let _ = writeln!(text, "status = {status}");
                }
                (_, Some(rule)) if is_rule(rule) => {
                    let _ = writeln!(text, "status = {}", string(&rule.replace(' ', "")));
                }
                _ => {
                    let _ = writeln!(
                        text,
                        "status = \"any\"\nexpect = {}",
                        string(&names.code(&condition))
                    );
                }
            }
        }
    }
    if let Some(failure) = request.judgement.failure(&|pieces| names.template(pieces)) {
        let _ = writeln!(text, "failure = {}", string(&names.code(&failure)));
    }
}

/// True for `< 400`, `!= 404` and the like.
pub(crate) fn is_rule(rule: &str) -> bool {
    rule.split_once(' ').is_some_and(|(op, bound)| {
        ["<", "<=", ">", ">=", "!="].contains(&op)
            && bound
                .parse::<u16>()
                .is_ok_and(|bound| (100..=999).contains(&bound))
    })
}

pub(crate) fn json_text(json: &Json, names: &DrawNames) -> String {
    match json {
        Json::Raw(value) => value.to_string(),
        Json::Null => string("{{ none }}"),
        Json::Code(code) => string(&format!("{{{{ {} }}}}", names.code(code))),
        Json::Text(pieces) => match pieces.as_slice() {
            // a string that is one expression would have the expression's type
            [Piece::Code(code)] => string(&format!("{{{{ {} ~ '' }}}}", names.code(code))),
            pieces => string(&names.template(pieces)),
        },
        Json::List(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| json_text(element, names))
                .collect();
            format!("[{}]", elements.join(", "))
        }
        Json::Table(items) if items.is_empty() => "{}".to_owned(),
        Json::Table(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), json_text(value, names)))
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
    }
}
