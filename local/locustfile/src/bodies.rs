//! The bodies of requests.

use ruff_python_ast::ExprCall;
use traffic::workload::json_quoted;

use crate::client::{joined, set_header};
use crate::ratio::Ratio;
use crate::reader::{Read, Reader};
use crate::run::{Body, Json};
use crate::value::{DrawKind, Piece, Value};

impl<'a> Reader<'a> {
    pub(crate) fn body(
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
                    true => self.encoded(node, &data)?,
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
    pub(crate) fn json(&mut self, node: &'a ExprCall, value: Value<'a>) -> Read<Json> {
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

    pub(crate) fn json_code(&mut self, node: &'a ExprCall, value: Value<'a>) -> Read<Json> {
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
                            .is_none_or(|part| crate::pools::plain(&part).is_none())
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
        let text = |text: &str| vec![Piece::Literal(json_quoted(text))];
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
                            if json_quoted(&text) == format!("\"{text}\""))
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
                    pieces.push(Piece::Literal(format!("{comma}{}: ", json_quoted(&key))));
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
}

/// A key as `json.dumps` writes it.
pub(crate) fn json_key(key: &Value<'_>) -> Option<String> {
    match key {
        Value::Bool(yes) => Some(yes.to_string()),
        Value::None => Some("null".to_owned()),
        key => key.show(),
    }
}
