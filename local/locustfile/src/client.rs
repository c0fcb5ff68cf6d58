//! The requests of `self.client`, as a workload's requests.

use ruff_python_ast::ExprCall;
use ruff_text_size::Ranged;

use crate::classes::Kind;
use crate::eval::text_of;
use crate::judgement::Judgement;
use crate::ratio::Ratio;
use crate::reader::{Mode, Read, Reader};
use crate::run::{Body, Json, Request};
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
        let user = match (self.mode, self.user) {
            (Mode::Start, _) => {
                return self.stop(
                    node,
                    format!("`{}` is sent once by each user, when it starts: a workload has requests in tasks only", self.snippet(node)),
                );
            }
            (Mode::Task, Some(user)) => user,
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

    fn request(
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
            query = self.encoded(node, params)?;
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
            // Locust's own rule: the path with the query; of FastHttpUser's requests the path as it is written
            whole = self.concrete_pieces(node, whole)?;
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
            name = Some(format!("{base}{own}"));
        }
        let path = self.request_pieces(node, joined(whole))?;
        let mut headers = Vec::new();
        for (name, value) in self.session.headers.clone() {
            set_header(&mut headers, &name, vec![Piece::Literal(value)]);
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
        })
    }

    /// A text in which each draw is one of its outcomes: a row of its own for each, as in Locust.
    fn concrete_pieces(&mut self, node: &'a ExprCall, pieces: Vec<Piece>) -> Read<Vec<Piece>> {
        let mut known = Vec::new();
        for piece in pieces {
            let drawn = match &piece {
                Piece::Code(code) => self.run.codes.borrow().get(code).cloned(),
                _ => None,
            };
            let few = drawn.filter(|drawn| {
                self.outcomes(drawn.draw, crate::reader::MOST_WAYS)
                    .is_some()
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

    fn unnamed<T>(&self, node: &'a ExprCall) -> Read<T> {
        self.stop(
            node,
            "the path differs from request to request, and so would the row in the statistics: give the request a fixed `name`",
        )
    }

    /// The path of the class's base URL, which Locust has in the names of requests.
    fn base_path(&self, user: usize) -> String {
        let host = self.host_of(user).unwrap_or_default();
        let after = host.split_once("://").map_or("", |(_, after)| after);
        let path = after.split_once('/').map(|(_, path)| format!("/{path}"));
        path.unwrap_or_default().trim_end_matches('/').to_owned()
    }

    fn strip_host(&self, node: &'a ExprCall, user: usize, path: &mut Vec<Piece>) -> Read<()> {
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
    fn encoded(&mut self, node: &'a ExprCall, value: Value<'a>) -> Read<Vec<Piece>> {
        let pairs = match &value {
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
    fn quoted_code(&self, code: &str) -> String {
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

    fn body(
        &mut self,
        node: &'a ExprCall,
        data: Option<Value<'a>>,
        json: Option<Value<'a>>,
        is_fast: bool,
        headers: &mut Vec<(String, Vec<Piece>)>,
    ) -> Read<Option<Body>> {
        let has_type = headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let data = data.filter(|data| !matches!(data, Value::None) && data.truth() != Some(false));
        match (data, json.filter(|json| !matches!(json, Value::None))) {
            (None, None) => Ok(None),
            (None, Some(json)) => {
                if is_fast
                    && !headers
                        .iter()
                        .any(|(name, _)| name.eq_ignore_ascii_case("accept"))
                {
                    set_header(
                        headers,
                        "Accept",
                        vec![Piece::Literal("application/json".to_owned())],
                    );
                }
                Ok(Some(Body::Json(self.json(node, json)?)))
            }
            (Some(data), _) => {
                let is_form = matches!(&data, Value::Dict(_) | Value::List(_) | Value::Tuple(_));
                if is_form && is_fast {
                    return self.stop(node, "`data` of FastHttpUser's requests is a text");
                }
                let pieces = match is_form {
                    true => self.encoded(node, data)?,
                    false => self.pieces(node, data)?,
                };
                if is_form && !has_type {
                    let form = "application/x-www-form-urlencoded".to_owned();
                    set_header(headers, "Content-Type", vec![Piece::Literal(form)]);
                }
                let pieces = self.request_pieces(node, joined(pieces))?;
                Ok(Some(Body::Text(pieces)))
            }
        }
    }

    /// A value as JSON.
    fn json(&mut self, node: &'a ExprCall, value: Value<'a>) -> Read<Json> {
        self.spend(node, 1)?;
        Ok(match self.settle(node, value)? {
            Value::None => Json::Null,
            Value::Bool(yes) => Json::Raw(toml::Value::Boolean(yes)),
            Value::Int(number) => Json::Raw(toml::Value::Integer(number)),
            Value::Float(number) if number.is_finite() => Json::Raw(toml::Value::Float(number)),
            Value::Str(text) => Json::Text(vec![Piece::Literal(text.to_string())]),
            Value::Text(pieces) => Json::Text(self.request_pieces(node, (*pieces).clone())?),
            value @ (Value::Drawn(_) | Value::Answer(_)) => self.json_code(node, value)?,
            value @ (Value::List(_) | Value::Tuple(_)) => {
                let elements = value.elements().unwrap_or_default().into_iter();
                let elements: Read<Vec<Json>> =
                    elements.map(|element| self.json(node, element)).collect();
                Json::List(elements?)
            }
            Value::Dict(dict) => {
                let items = dict.items.borrow().clone();
                let mut table = Vec::new();
                for (key, value) in items {
                    let Some(key) = json_key(&key) else {
                        return self.unknown(node);
                    };
                    table.push((key, self.json(node, value)?));
                }
                Json::Table(table)
            }
            _ => return self.unknown(node),
        })
    }

    fn json_code(&mut self, node: &'a ExprCall, value: Value<'a>) -> Read<Json> {
        Ok(match value {
            Value::Drawn(drawn) => {
                if let DrawKind::Unit(low, high) = &self.run.draws[drawn.draw].kind
                    && (*low, *high) != (Ratio { top: 0, bottom: 1 }, Ratio::ONE)
                {
                    return self.unknown(node);
                }
                let holds_nothing = match &self.run.draws[drawn.draw].kind {
                    DrawKind::Outcomes(outcomes) => outcomes.iter().any(|(outcome, _)| {
                        self.part(outcome, &drawn.path)
                            .is_none_or(|part| crate::emit::plain(&part).is_none())
                    }),
                    _ => false,
                };
                match self.draw_code(&drawn).filter(|_| !holds_nothing) {
                    Some(code) => Json::Code(code),
                    None => {
                        let value = self.concrete(node, &drawn)?;
                        self.json(node, value)?
                    }
                }
            }
            Value::Answer(answer) => Json::Code(self.capture(node, answer.step, &answer.code)?),
            _ => return self.unknown(node),
        })
    }

    /// A value as the text that `json.dumps` makes of it, where all of it is known or plain.
    pub(crate) fn json_pieces(&mut self, node: &'a ExprCall, value: Value<'a>) -> Read<Vec<Piece>> {
        self.spend(node, 1)?;
        let text = |text: &str| vec![Piece::Literal(crate::form::json_quoted(text))];
        Ok(match self.settle(node, value)? {
            Value::None => vec![Piece::Literal("null".to_owned())],
            Value::Bool(yes) => vec![Piece::Literal(yes.to_string())],
            value @ (Value::Int(_) | Value::Float(_)) => {
                vec![Piece::Literal(value.show().unwrap_or_default())]
            }
            Value::Str(value) => text(&value),
            Value::Drawn(drawn) => {
                let is_number = match &self.run.draws[drawn.draw].kind {
                    DrawKind::Whole(..) | DrawKind::Real(..) => true,
                    DrawKind::Outcomes(outcomes) => outcomes.iter().all(|(outcome, _)| {
                        matches!(self.part(outcome, &drawn.path), Some(Value::Int(_)))
                    }),
                    DrawKind::Unit(..) => false,
                };
                let plain_text = match &self.run.draws[drawn.draw].kind {
                    DrawKind::Outcomes(outcomes) => outcomes.iter().all(|(outcome, _)| {
                        matches!(self.part(outcome, &drawn.path), Some(Value::Str(text))
                            if crate::form::json_quoted(&text) == format!("\"{text}\""))
                    }),
                    _ => false,
                };
                match self.draw_code(&drawn) {
                    Some(code) if is_number => vec![Piece::Code(code)],
                    Some(code) if plain_text => vec![
                        Piece::Literal("\"".to_owned()),
                        Piece::Code(code),
                        Piece::Literal("\"".to_owned()),
                    ],
                    _ => {
                        let value = self.concrete(node, &drawn)?;
                        self.json_pieces(node, value)?
                    }
                }
            }
            value @ (Value::List(_) | Value::Tuple(_)) => {
                let mut pieces = vec![Piece::Literal("[".to_owned())];
                for (index, element) in value.elements().unwrap_or_default().into_iter().enumerate()
                {
                    if index > 0 {
                        pieces.push(Piece::Literal(", ".to_owned()));
                    }
                    pieces.extend(self.json_pieces(node, element)?);
                }
                pieces.push(Piece::Literal("]".to_owned()));
                pieces
            }
            Value::Dict(dict) => {
                let items = dict.items.borrow().clone();
                let mut pieces = vec![Piece::Literal("{".to_owned())];
                for (index, (key, value)) in items.into_iter().enumerate() {
                    let Some(key) = json_key(&key) else {
                        return self.unknown(node);
                    };
                    let comma = if index > 0 { ", " } else { "" };
                    pieces.push(Piece::Literal(format!(
                        "{comma}{}: ",
                        crate::form::json_quoted(&key)
                    )));
                    pieces.extend(self.json_pieces(node, value)?);
                }
                pieces.push(Piece::Literal("}".to_owned()));
                pieces
            }
            _ => {
                return self.stop(
                    node,
                    "a workload cannot say this json.dumps: write json=... in the request",
                );
            }
        })
    }

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

/// What a request's arguments say.
#[derive(Default)]
struct Fields<'a> {
    url: Option<Value<'a>>,
    name: Option<Value<'a>>,
    json: Option<Value<'a>>,
    data: Option<Value<'a>>,
    params: Option<Value<'a>>,
    headers: Vec<(String, Value<'a>)>,
    auth: Option<(String, String)>,
    timeout: Option<f64>,
    follows: Option<bool>,
    catches: bool,
    insecure: bool,
}

impl<'a> Fields<'a> {
    fn set(
        &mut self,
        reader: &mut Reader<'a>,
        node: &'a ExprCall,
        name: &str,
        value: Value<'a>,
    ) -> Read<()> {
        if reader.is_fast() && matches!(name, "timeout" | "verify") {
            return reader.stop(node, format!("FastHttpUser has no `{name}` of a request"));
        }
        match name {
            "url" | "path" => self.url = Some(value),
            "name" => self.name = Some(value),
            "json" => self.json = Some(value),
            "data" => self.data = Some(value),
            "params" => self.params = Some(value),
            "headers" => match value {
                Value::None => {}
                Value::Dict(dict) => {
                    for (key, value) in dict.items.borrow().iter() {
                        let Some(key) = key.show() else {
                            return reader.unknown(node);
                        };
                        self.headers.push((key, value.clone()));
                    }
                }
                _ => return reader.unknown(node),
            },
            "auth" => match value.elements().as_deref() {
                Some([user, password]) => {
                    let user = reader.constant(node, user.clone())?;
                    let password = reader.constant(node, password.clone())?;
                    match (user, password) {
                        (Value::Str(user), Value::Str(password)) => {
                            self.auth = Some((user.to_string(), password.to_string()));
                        }
                        _ => return reader.unknown(node),
                    }
                }
                _ => {
                    return reader.stop(
                        node,
                        "a workload knows `auth` as a pair of user and password only",
                    );
                }
            },
            "timeout" => match reader.constant(node, value)? {
                Value::None => {}
                value => match value.number().filter(|time| *time >= 0.001) {
                    Some(time) => self.timeout = Some(time),
                    None => {
                        return reader.stop(node, "a workload's timeout is one number of seconds");
                    }
                },
            },
            "allow_redirects" => match reader.constant(node, value)?.truth() {
                Some(follows) => self.follows = Some(follows),
                None => return reader.unknown(node),
            },
            "catch_response" => match reader.constant(node, value)?.truth() {
                Some(catches) => self.catches = catches,
                None => return reader.unknown(node),
            },
            "verify" => match reader.constant(node, value)? {
                Value::Bool(verifies) => self.insecure = !verifies,
                _ => return reader.unknown(node),
            },
            "stream" if value.truth() == Some(false) => {}
            "context" => reader.note(node, "`context` is left out"),
            _ => return reader.stop(node, format!("a workload has no `{name}` of a request")),
        }
        Ok(())
    }
}

fn set_header(headers: &mut Vec<(String, Vec<Piece>)>, name: &str, value: Vec<Piece>) {
    headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value));
}

fn is_literal(pieces: &[Piece]) -> Option<&str> {
    match pieces {
        [Piece::Literal(text), ..] => Some(text),
        _ => None,
    }
}

fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    match text_of(pieces) {
        Value::Text(pieces) => (*pieces).clone(),
        Value::Str(text) => vec![Piece::Literal(text.to_string())],
        _ => Vec::new(),
    }
}

/// A key as `json.dumps` writes it.
fn json_key(key: &Value<'_>) -> Option<String> {
    match key {
        Value::Bool(yes) => Some(yes.to_string()),
        Value::None => Some("null".to_owned()),
        key => key.show(),
    }
}
