//! Attributes and elements of values.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprAttribute, ExprSubscript};
use ruff_text_size::Ranged;

use crate::eval::MOST_ITEMS;
use crate::reader::{Read, Reader, Stop, item, quoted};
use crate::run::Raised;
use crate::value::{Answer, AnswerKind, Drawn, Value, Variable};

impl<'a> Reader<'a> {
    pub(crate) fn attribute(&mut self, node: &'a ExprAttribute) -> Read<Value<'a>> {
        let value = self.eval(&node.value)?;
        let name = node.attr.as_str();
        match self.settle(node, value)? {
            Value::Library(path) => self.library_attribute(node, &path, name),
            Value::Object(class) => self.object_attribute(node, class, name),
            Value::Class(class) => match self.class_attribute(class, name) {
                Some(value) => Ok(value),
                None => self.stop(node, format!("`{}` is not known here", self.snippet(node))),
            },
            Value::Reply(step) => self.reply_attribute(node, step, name),
            value => Ok(Value::Method(Rc::new((value, name.to_owned())))),
        }
    }

    pub(crate) fn library_attribute(
        &mut self,
        node: &'a ExprAttribute,
        path: &str,
        name: &str,
    ) -> Read<Value<'a>> {
        const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
        let letters = LETTERS.to_uppercase();
        match (path, name) {
            ("string", "ascii_lowercase") => Ok(Value::text(LETTERS)),
            ("string", "ascii_uppercase") => Ok(Value::text(&letters)),
            ("string", "ascii_letters") => Ok(Value::text(&format!("{LETTERS}{letters}"))),
            ("string", "digits") => Ok(Value::text("0123456789")),
            ("string", "hexdigits") => Ok(Value::text("0123456789abcdefABCDEF")),
            ("math", "pi") => Ok(Value::Float(std::f64::consts::PI)),
            ("math", "e") => Ok(Value::Float(std::f64::consts::E)),
            (
                "random" | "os" | "os.environ" | "json" | "uuid" | "string" | "math" | "time"
                | "datetime" | "logging" | "logger" | "locust" | "events" | "event" | "base64"
                | "urllib3" | "urllib3.exceptions",
                _,
            ) => {
                let path = match (path, name) {
                    ("locust", "events") => "events".to_owned(),
                    ("events", _) => "event".to_owned(),
                    _ => format!("{path}.{name}"),
                };
                Ok(Value::Library(Rc::from(path)))
            }
            _ => self.unknown(node),
        }
    }

    pub(crate) fn reply_attribute(
        &mut self,
        node: &'a ExprAttribute,
        step: usize,
        name: &str,
    ) -> Read<Value<'a>> {
        let answer = |code: &str, kind| {
            Ok(Value::Answer(Rc::new(Answer {
                step,
                code: code.to_owned(),
                kind,
            })))
        };
        match name {
            "status_code" => answer("status", AnswerKind::Status),
            "text" => answer("body", AnswerKind::Body),
            "ok" => answer("status < 400", AnswerKind::Truth),
            "headers" => answer("headers", AnswerKind::Headers),
            "json" | "success" | "failure" | "raise_for_status" => Ok(Value::Method(Rc::new((
                Value::Reply(step),
                name.to_owned(),
            )))),
            "elapsed" => self.stop(node, "a workload has no `elapsed` of a response"),
            _ => self.stop(node, format!("a workload has no `{name}` of a response")),
        }
    }

    pub(crate) fn subscript(&mut self, node: &'a ExprSubscript) -> Read<Value<'a>> {
        let value = self.eval(&node.value)?;
        if let Expr::Slice(slice) = &*node.slice {
            let value = self.constant(&*node.value, value)?;
            let Some(elements) = value.elements() else {
                return self.unknown(node);
            };
            let length = elements.len() as i64;
            let mut bounds = [0, length];
            for (bound, given) in bounds.iter_mut().zip([&slice.lower, &slice.upper]) {
                if let Some(given) = given {
                    let value = self.eval(given)?;
                    match self.constant(&**given, value)? {
                        Value::Int(index) if index < 0 => *bound = (length + index).max(0),
                        Value::Int(index) => *bound = index.min(length),
                        _ => return self.unknown(node),
                    }
                }
            }
            if slice.step.is_some() {
                return self.unknown(node);
            }
            let range = bounds[0] as usize..(bounds[1].max(bounds[0])) as usize;
            let part = elements.get(range).unwrap_or_default().to_vec();
            return Ok(match value {
                Value::Str(_) => {
                    let text: String = part.iter().filter_map(Value::show).collect();
                    Value::text(&text)
                }
                _ => Value::list(part, false),
            });
        }
        let key = self.eval(&node.slice)?;
        self.take(node, value, key)
    }

    /// The element of a value.
    pub(crate) fn take(
        &mut self,
        node: &impl Ranged,
        value: Value<'a>,
        key: Value<'a>,
    ) -> Read<Value<'a>> {
        match self.settle(node, value)? {
            Value::Library(path) if &*path == "os.environ" => {
                let key = self.constant(node, key)?;
                match self.variable(node, &key, None)? {
                    Value::Env(variable) if variable.set.is_none() => {
                        let name = &variable.name;
                        self.stop(node, format!("the environment variable {name} is not set: set it, or give it a default"))
                    }
                    value => Ok(value),
                }
            }
            Value::Answer(answer) => {
                let key = self.constant(node, key)?;
                let code = match (&key, answer.kind) {
                    (Value::Str(name), AnswerKind::Json | AnswerKind::Headers) => {
                        member(&answer.code, name)
                    }
                    (Value::Int(index), AnswerKind::Json) if *index >= 0 => {
                        format!("{}[{index}]", answer.code)
                    }
                    (Value::Int(-1), AnswerKind::Json) => format!("({} | last)", answer.code),
                    _ => return self.unknown(node),
                };
                let answer = Answer {
                    step: answer.step,
                    code,
                    kind: answer.kind,
                };
                if self.run.catches(Raised::NoKey) && answer.kind == AnswerKind::Json {
                    let condition = format!("{} is defined", answer.code);
                    if !self.ask(node, answer.step, &condition)? {
                        return Err(Stop::Raised(Raised::NoKey));
                    }
                }
                Ok(Value::Answer(Rc::new(answer)))
            }
            Value::Drawn(drawn) => {
                let key = self.constant(node, key)?;
                let mut path = drawn.path.clone();
                path.push(key.clone());
                let has = |outcome: &Value<'a>| self.part(outcome, &path).is_some();
                let plain = matches!(&key, Value::Str(_))
                    || matches!(&key, Value::Int(index) if *index >= 0);
                let all = self.outcomes(drawn.draw, MOST_ITEMS);
                if plain && all.is_some_and(|all| all.iter().all(|(outcome, _)| has(outcome))) {
                    return Ok(Value::Drawn(Rc::new(Drawn {
                        draw: drawn.draw,
                        path,
                    })));
                }
                let value = self.concrete(node, &drawn)?;
                self.take(node, value, key)
            }
            value => {
                let key = self.constant(node, key)?;
                match item(&value, &key) {
                    Some(value) => Ok(value),
                    None if self.run.catches(Raised::NoKey) => Err(Stop::Raised(Raised::NoKey)),
                    None => self.stop(node, format!("`{}` has no value", self.snippet(node))),
                }
            }
        }
    }

    /// An environment variable by its name.
    pub(crate) fn variable(
        &mut self,
        node: &impl Ranged,
        name: &Value<'a>,
        default: Option<Value<'a>>,
    ) -> Read<Value<'a>> {
        let Value::Str(name) = name else {
            return self.unknown(node);
        };
        let set = (self.environment)(name);
        let default = match default {
            None | Some(Value::None) => None,
            Some(Value::Str(default)) => Some(default.to_string()),
            // what is no string is the value itself, where nothing is set
            Some(other) if set.is_none() => return Ok(other),
            Some(_) => None,
        };
        Ok(Value::Env(Rc::new(Variable {
            name: name.to_string(),
            set,
            default,
            file: self.files[self.file].name.clone(),
            line: self.line(node),
        })))
    }
}

/// A value that may be missing.
pub(crate) fn optional(code: &str) -> String {
    match code.ends_with("| default(none))") {
        true => code.to_owned(),
        false => format!("({code} | default(none))"),
    }
}

/// The element of a JSON object.
pub(crate) fn member(code: &str, name: &str) -> String {
    match crate::reader::is_name(name) {
        true => format!("{code}.{name}"),
        false => format!("{code}[{}]", quoted(name)),
    }
}
