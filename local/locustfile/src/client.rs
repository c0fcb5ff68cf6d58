//! The requests of `self.client`, as a workload's requests.

use std::rc::Rc;

use ruff_python_ast::ExprCall;

use crate::class::Kind;
use crate::fields::Fields;
use crate::judgement::Judgement;
use crate::ratio::Ratio;
use crate::reader::{Mode, Read, Reader, Stop};
use crate::run::Request;
use crate::texts::text_of;
use crate::value::{DrawKind, Piece, Value};

/// The client's methods and HTTP's.
pub(crate) const METHODS: [(&str, &str); 7] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
];

/// The most requests of one task.
const MOST_REQUESTS: usize = 200;

impl<'a> Reader<'a> {
    /// A request; `is_with` where a `with` judges its response.
    pub(crate) fn client_call(
        &mut self,
        node: &'a ExprCall,
        method: &str,
        is_with: bool,
    ) -> Read<Value<'a>> {
        match self.sent(node, method, is_with) {
            // its response may never be looked at, but no request is left out in silence
            Err(Stop::Problem(problem)) => {
                self.tell(problem.clone());
                Err(Stop::Told(Rc::new(problem)))
            }
            Err(Stop::Told(problem)) => {
                self.tell((*problem).clone());
                Err(Stop::Told(problem))
            }
            done => done,
        }
    }

    fn sent(&mut self, node: &'a ExprCall, method: &str, is_with: bool) -> Read<Value<'a>> {
        let user = match (self.mode, self.user) {
            (Mode::Start | Mode::Task | Mode::Stop, Some(user)) => user,
            _ => return self.unknown(node),
        };
        let mut arguments = self.arguments(node)?;
        let method = match METHODS.iter().find(|(known, _)| *known == method) {
            Some((_, method)) => (*method).to_owned(),
            None if method == "request" => {
                let given = match arguments.given.is_empty() {
                    false => Some(arguments.given.remove(0)),
                    true => arguments
                        .named
                        .iter()
                        .find(|(name, _)| name == "method")
                        .map(|(_, value)| value.clone()),
                };
                arguments.named.retain(|(name, _)| name != "method");
                match self.constant(node, given.unwrap_or(Value::None))? {
                    Value::Str(method)
                        if METHODS
                            .iter()
                            .any(|(_, known)| **known == *method.to_uppercase()) =>
                    {
                        method.to_uppercase()
                    }
                    _ => return self.unknown(node),
                }
            }
            None => return self.stop(node, format!("a workload has no `client.{method}`")),
        };
        let is_fast = self.classes[user].kind == Kind::Fast;
        // post, put and patch take the data, and post the JSON, as second and third argument
        let positions: &[&str] = match (&*method, is_fast) {
            ("POST", _) => &["url", "data", "json"],
            ("PUT" | "PATCH", _) => &["url", "data"],
            _ => &["url"],
        };
        if arguments.given.len() > positions.len() {
            return self.unknown(node);
        }
        let given = std::mem::take(&mut arguments.given);
        let named = positions.iter().map(|name| (*name).to_owned()).zip(given);
        arguments.named.extend(named);
        let mut fields = Fields::default();
        for (name, value) in arguments.named {
            let value = self.settle(node, value)?;
            fields.set(self, node, &name, value)?;
        }
        if fields.catches != is_with {
            let message = match is_with {
                true => "a `with` around a request needs catch_response=True",
                false => {
                    "a request with catch_response=True needs a `with` around it, or Locust never counts it"
                }
            };
            return self.stop(node, message);
        }
        let request = self.request(node, user, method, is_fast, fields)?;
        if self.run.requests.len() >= MOST_REQUESTS {
            return self.stop(node, "the task has more than 200 requests");
        }
        self.run.requests.push(request);
        Ok(Value::Reply(self.run.requests.len() - 1))
    }

    pub(crate) fn request(
        &mut self,
        node: &'a ExprCall,
        user: usize,
        method: String,
        is_fast: bool,
        fields: Fields<'a>,
    ) -> Read<Request> {
        let Some(url) = fields.url else {
            return self.stop(node, "the request has no path");
        };
        let mut path = self.pieces(node, url)?;
        self.strip_host(node, user, &mut path)?;
        let mut query = Vec::new();
        if let Some(params) = fields.params {
            query = self.encoded(node, &params)?;
        }
        let mut name = match fields.name {
            Some(name) => match self.constant(node, name)? {
                Value::Str(name) if !name.is_empty() => Some(name.to_string()),
                Value::None => None,
                _ => return self.unnamed(node),
            },
            None => None,
        };
        let mut whole = path.clone();
        if !query.is_empty() {
            let joint = match is_literal(&whole).is_some_and(|path| path.contains('?')) {
                true => "&",
                false => "?",
            };
            whole.push(Piece::Literal(joint.to_owned()));
            whole.extend(query);
        }
        if name.is_none() {
            let own;
            (whole, own) = self.row(node, user, is_fast, path, whole)?;
            name = Some(own);
        }
        let path = self.request_pieces(node, joined(whole))?;
        let mut headers = Vec::new();
        for (name, pieces) in self.session.headers.clone() {
            let pieces = self.request_pieces(node, pieces)?;
            set_header(&mut headers, &name, pieces);
        }
        for (header, value) in fields.headers {
            let pieces = self.pieces(node, value)?;
            let pieces = self.request_pieces(node, joined(pieces))?;
            set_header(&mut headers, &header, pieces);
        }
        if let Some((user, password)) = fields.auth {
            set_header(
                &mut headers,
                "Authorization",
                vec![Piece::Literal(crate::form::basic(&user, &password))],
            );
        }
        let body = self.body(node, fields.data, fields.json, is_fast, &mut headers)?;
        if fields.insecure {
            self.session.insecure = true;
        }
        Ok(Request {
            file: self.file,
            line: self.line(node),
            follows: fields.follows.unwrap_or(method != "HEAD" || is_fast),
            method,
            name: name.unwrap_or_default(),
            path,
            body,
            headers,
            timeout: fields.timeout,
            judgement: Judgement::Unsaid,
            captures: Vec::new(),
            probability: Ratio::ONE,
            when: None,
        })
    }

    /// The path and the name of a request that has none.
    pub(crate) fn row(
        &mut self,
        node: &'a ExprCall,
        user: usize,
        is_fast: bool,
        path: Vec<Piece>,
        whole: Vec<Piece>,
    ) -> Read<(Vec<Piece>, String)> {
        // Locust's own rule: the path with the query; of FastHttpUser's requests the path as it is written
        let whole = self.concrete_pieces(node, whole)?;
        let named = match is_fast {
            true => self.concrete_pieces(node, path)?,
            false => whole.clone(),
        };
        let Value::Str(named) = text_of(named) else {
            return self.unnamed(node);
        };
        let base = if is_fast {
            String::new()
        } else {
            self.base_path(user)
        };
        let own = if is_fast {
            named.to_string()
        } else {
            crate::form::requoted(&named)
        };
        Ok((whole, format!("{base}{own}")))
    }

    /// A text in which each draw is one of its outcomes: a row of its own for each, as in Locust.
    pub(crate) fn concrete_pieces(
        &mut self,
        node: &'a ExprCall,
        pieces: Vec<Piece>,
    ) -> Read<Vec<Piece>> {
        let mut known = Vec::new();
        for piece in pieces {
            let drawn = match &piece {
                Piece::Code(code) => self.run.codes.borrow().get(code).cloned(),
                _ => None,
            };
            let few = drawn.filter(|drawn| {
                let outcomes = self.outcomes(drawn.draw, crate::reader::MOST_WAYS);
                outcomes.is_some() && !self.is_kept(drawn.draw)
            });
            match few {
                Some(drawn) => {
                    let value = self.concrete(node, &drawn)?;
                    known.extend(self.pieces(node, value)?);
                }
                None => known.push(piece),
            }
        }
        Ok(joined(known))
    }

    pub(crate) fn unnamed<T>(&self, node: &'a ExprCall) -> Read<T> {
        self.stop(
            node,
            "the path differs from request to request, and so would the row in the statistics: give the request a fixed `name`",
        )
    }

    /// The path of the class's base URL, which Locust has in the names of requests.
    pub(crate) fn base_path(&self, user: usize) -> String {
        let host = self.host_of(user).unwrap_or_default();
        let after = host.split_once("://").map_or("", |(_, after)| after);
        let path = after.split_once('/').map(|(_, path)| format!("/{path}"));
        path.unwrap_or_default().trim_end_matches('/').to_owned()
    }

    pub(crate) fn strip_host(
        &self,
        node: &'a ExprCall,
        user: usize,
        path: &mut [Piece],
    ) -> Read<()> {
        let first = match path.first_mut() {
            Some(Piece::Literal(first)) => first,
            _ => return Ok(()),
        };
        if !(first.starts_with("http://") || first.starts_with("https://")) {
            return match first.starts_with('/') {
                true => Ok(()),
                false => self.stop(
                    node,
                    format!("{first:?} is no path: write one that begins with `/`"),
                ),
            };
        }
        let host = self.host_of(user).unwrap_or_default();
        let host = host.trim_end_matches('/');
        match first.strip_prefix(host).filter(|rest| !host.is_empty() && rest.starts_with('/')) {
            Some(rest) => {
                *first = rest.to_owned();
                Ok(())
            }
            None => self.stop(node, "the request goes to another host than its class's: a workload's class has one host"),
        }
    }

    /// A query or a form, with its values quoted.
    pub(crate) fn encoded(&mut self, node: &'a ExprCall, value: &Value<'a>) -> Read<Vec<Piece>> {
        let pairs = match value {
            Value::Dict(dict) => dict.items.borrow().clone(),
            Value::List(_) | Value::Tuple(_) => {
                let pairs = value
                    .elements()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|pair| match pair.elements() {
                        Some(pair) if pair.len() == 2 => Some((pair[0].clone(), pair[1].clone())),
                        _ => None,
                    });
                match pairs.collect::<Option<Vec<_>>>() {
                    Some(pairs) => pairs,
                    None => return self.unknown(node),
                }
            }
            Value::None => return Ok(Vec::new()),
            _ => return self.unknown(node),
        };
        let mut pieces: Vec<Piece> = Vec::new();
        for (key, value) in pairs {
            let Some(key) = key.show() else {
                return self.unknown(node);
            };
            let value = self.settle(node, value)?;
            let values = match &value {
                Value::None => Vec::new(),
                Value::List(_) | Value::Tuple(_) => value.elements().unwrap_or_default(),
                _ => vec![value],
            };
            for value in values {
                if !pieces.is_empty() {
                    pieces.push(Piece::Literal("&".to_owned()));
                }
                pieces.push(Piece::Literal(format!(
                    "{}=",
                    crate::form::quote_plus(&key)
                )));
                for piece in self.pieces(node, value)? {
                    pieces.push(match piece {
                        Piece::Literal(text) => Piece::Literal(crate::form::quote_plus(&text)),
                        Piece::Code(code) => Piece::Code(self.quoted_code(&code)),
                        Piece::Answer(step, code) => {
                            Piece::Answer(step, crate::form::quoting(&code))
                        }
                    });
                }
            }
        }
        Ok(joined(pieces))
    }

    /// The expression with what quotes it in a query, unless none of its values needs it.
    pub(crate) fn quoted_code(&self, code: &str) -> String {
        let plain = self.run.draws.iter().any(|draw| {
            code.starts_with(&crate::value::reference(&draw.key))
                && match &draw.kind {
                    DrawKind::Outcomes(outcomes) => {
                        outcomes.iter().all(|(outcome, _)| match outcome {
                            Value::Str(text) => crate::form::quote_plus(text) == **text,
                            Value::Int(_) => true,
                            _ => false,
                        })
                    }
                    _ => true,
                }
        });
        if plain {
            code.to_owned()
        } else {
            crate::form::quoting(code)
        }
    }
}

pub(crate) fn set_header(headers: &mut Vec<(String, Vec<Piece>)>, name: &str, value: Vec<Piece>) {
    headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value));
}

fn is_literal(pieces: &[Piece]) -> Option<&str> {
    match pieces {
        [Piece::Literal(text), ..] => Some(text),
        _ => None,
    }
}

pub(crate) fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    match text_of(pieces) {
        Value::Text(pieces) => (*pieces).clone(),
        Value::Str(text) => vec![Piece::Literal(text.to_string())],
        _ => Vec::new(),
    }
}
