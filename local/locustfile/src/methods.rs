//! The methods of values: of texts, lists and dictionaries, and of responses.

use std::rc::Rc;

use ruff_python_ast::ExprCall;
use ruff_text_size::Ranged;

use crate::calls::Arguments;
use crate::members::optional;
use crate::reader::{Mode, Read, Reader, Stop, item, quoted};
use crate::run::Raised;
use crate::texts::{formatted, text_of};
use crate::value::{Answer, AnswerKind, Mapping, Piece, Value};

impl<'a> Reader<'a> {
    /// A method of a value.
    pub(crate) fn method(
        &mut self,
        node: &'a ExprCall,
        receiver: Value<'a>,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        match (&receiver, name) {
            (Value::Reply(step), _) => return self.reply_method(node, *step, name, arguments),
            (Value::Answer(answer), _) => return self.answer_method(node, answer, name, arguments),
            (Value::Method(client), "update")
                if matches!((&client.0, client.1.as_str()), (Value::Client, "headers")) =>
            {
                let given = arguments.given.first().cloned().unwrap_or(Value::None);
                let Value::Dict(dict) = self.settle(node, given)? else {
                    return self.unknown(node);
                };
                let items = dict.items.borrow().clone();
                for (key, value) in items {
                    self.session_header(node, &key, value)?;
                }
                return Ok(Value::None);
            }
            (Value::Object(_), "get_run_time") => return Ok(Value::Float(self.elapsed)),
            (Value::Str(separator), "join") => return self.join(node, separator, arguments),
            (Value::Str(format), "format") => {
                return self.format(node, format.as_ref(), arguments);
            }
            (Value::List(list), "append") => {
                self.check_lasts(node, list.lasts)?;
                list.items
                    .borrow_mut()
                    .extend(arguments.given.first().cloned());
                return Ok(Value::None);
            }
            (Value::Dict(dict), "update") => return self.update(node, dict, arguments),
            (Value::Dict(dict), "get") => {
                let key = arguments.given.first().cloned().unwrap_or(Value::None);
                let key = self.constant(node, key)?;
                let default = arguments.given.get(1).cloned().unwrap_or(Value::None);
                return Ok(item(&Value::Dict(Rc::clone(dict)), &key).unwrap_or(default));
            }
            (Value::Drawn(_), "get") => {
                let key = arguments.given.first().cloned().unwrap_or(Value::None);
                return self.take(node, receiver, key);
            }
            _ => {}
        }
        let receiver = self.constant(node, receiver)?;
        let mut given = Vec::new();
        for value in &arguments.given {
            given.push(self.constant(node, value.clone())?);
        }
        match constant_method(&receiver, name, &given).filter(|_| arguments.named.is_empty()) {
            Some(value) => Ok(value),
            None => self.unknown(node),
        }
    }

    pub(crate) fn update(
        &mut self,
        node: &'a ExprCall,
        dict: &Mapping<'a>,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        self.check_lasts(node, dict.lasts)?;
        let other = arguments
            .given
            .first()
            .cloned()
            .unwrap_or(Value::dict(Vec::new(), false));
        let Value::Dict(other) = self.settle(node, other)? else {
            return self.unknown(node);
        };
        let more = other.items.borrow().clone();
        let named = arguments
            .named
            .iter()
            .map(|(name, value)| (Value::text(name), value.clone()));
        for (key, value) in more.into_iter().chain(named) {
            crate::eval::put(&mut dict.items.borrow_mut(), key, value);
        }
        Ok(Value::None)
    }

    pub(crate) fn join(
        &mut self,
        node: &'a ExprCall,
        separator: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let parts = arguments.given.first().cloned().unwrap_or(Value::None);
        let mut pieces = Vec::new();
        for (index, part) in self.iterate(node, parts)?.into_iter().enumerate() {
            if index > 0 {
                pieces.push(Piece::Literal(separator.to_owned()));
            }
            pieces.extend(self.pieces(node, part)?);
        }
        Ok(text_of(pieces))
    }

    pub(crate) fn check_lasts(&self, node: &impl Ranged, lasts: bool) -> Read<()> {
        if lasts && matches!(self.mode, Mode::Start | Mode::Task | Mode::Stop) {
            return self.stop(
                node,
                format!(
                    "`{}` changes what lasts longer than an iteration: a workload's user keeps only what on_start sets",
                    self.snippet(node)
                ),
            );
        }
        Ok(())
    }

    pub(crate) fn check_changes(&self, node: &impl Ranged, value: &Value<'a>) -> Read<()> {
        match value {
            Value::List(list) => self.check_lasts(node, list.lasts),
            Value::Dict(dict) => self.check_lasts(node, dict.lasts),
            _ => Ok(()),
        }
    }

    pub(crate) fn format(
        &mut self,
        node: &'a ExprCall,
        format: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let mut pieces = Vec::new();
        let mut next = 0;
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            pieces.push(Piece::Literal(rest[..at].to_owned()));
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                pieces.push(Piece::Literal(brace.to_owned()));
                rest = after;
                continue;
            }
            let Some((field, after)) = rest.split_once('}') else {
                return self.unknown(node);
            };
            rest = after;
            let (field, spec) = field.split_once(':').unwrap_or((field, ""));
            let value = match field.parse::<usize>() {
                Ok(index) => arguments.given.get(index),
                Err(_) if field.is_empty() => {
                    next += 1;
                    arguments.given.get(next - 1)
                }
                Err(_) => arguments.get(usize::MAX, field),
            };
            let Some(value) = value.cloned() else {
                return self.unknown(node);
            };
            if spec.is_empty() {
                pieces.extend(self.pieces(node, value)?);
                continue;
            }
            let value = self.constant(node, value)?;
            match formatted(&value, spec) {
                Some(text) => pieces.push(Piece::Literal(text)),
                None => return self.unknown(node),
            }
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Ok(text_of(pieces))
    }

    pub(crate) fn reply_method(
        &mut self,
        node: &'a ExprCall,
        step: usize,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        match name {
            "json" => {
                if self.run.catches(Raised::NoJson) && !self.ask(node, step, "json is not none")? {
                    return Err(Stop::Raised(Raised::NoJson));
                }
                let answer = Answer {
                    step,
                    code: "json".to_owned(),
                    kind: AnswerKind::Json,
                };
                Ok(Value::Answer(Rc::new(answer)))
            }
            "raise_for_status" if self.mode == Mode::Start => {
                match self.ask(node, step, crate::judgement::BELOW_400)? {
                    true => Ok(Value::None),
                    false => Err(Stop::Raised(Raised::Gone)),
                }
            }
            "success" | "failure" if !self.run.open.contains(&step) => self.stop(
                node,
                format!(
                    "`{}` stands outside of the `with` of its request",
                    self.snippet(node)
                ),
            ),
            "success" => {
                self.run.requests[step].judgement = crate::judgement::Judgement::Success;
                Ok(Value::None)
            }
            "failure" => {
                let said = arguments.given.first().cloned().unwrap_or(Value::None);
                let pieces = self.pieces(node, said)?;
                let pieces = self.response_pieces(node, step, pieces)?;
                self.run.requests[step].judgement = crate::judgement::Judgement::Failure(pieces);
                Ok(Value::None)
            }
            _ => self.unknown(node),
        }
    }

    pub(crate) fn answer_method(
        &mut self,
        node: &'a ExprCall,
        answer: &Answer,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let mut given = Vec::new();
        for value in &arguments.given {
            given.push(self.constant(node, value.clone())?);
        }
        let code = &answer.code;
        match (name, answer.kind, given.as_slice()) {
            ("get", AnswerKind::Json | AnswerKind::Headers, [Value::Str(key)]) => {
                let code = optional(&crate::members::member(code, key));
                Ok(self.answer(answer, code, AnswerKind::Json))
            }
            ("get", AnswerKind::Json | AnswerKind::Headers, [Value::Str(key), default]) => {
                let Some(default) = crate::texts::literal(default) else {
                    return self.unknown(node);
                };
                let code = format!(
                    "({} | default({default}))",
                    crate::members::member(code, key)
                );
                Ok(self.answer(answer, code, AnswerKind::Json))
            }
            ("lower" | "upper", AnswerKind::Body, []) => {
                Ok(self.answer(answer, format!("({code} | {name})"), AnswerKind::Body))
            }
            ("startswith", AnswerKind::Body, [Value::Str(text)]) => {
                let code = format!("{code} is startingwith({})", quoted(text));
                Ok(self.answer(answer, code, AnswerKind::Truth))
            }
            ("endswith", AnswerKind::Body, [Value::Str(text)]) => {
                let code = format!("{code} is endingwith({})", quoted(text));
                Ok(self.answer(answer, code, AnswerKind::Truth))
            }
            _ => self.unknown(node),
        }
    }
}

pub(crate) fn constant_method<'a>(
    receiver: &Value<'a>,
    name: &str,
    given: &[Value<'a>],
) -> Option<Value<'a>> {
    match (receiver, name, given) {
        (Value::Str(text), "upper", []) => Some(Value::text(&text.to_uppercase())),
        (Value::Str(text), "lower", []) => Some(Value::text(&text.to_lowercase())),
        (Value::Str(text), "strip", []) => Some(Value::text(text.trim())),
        (Value::Str(text), "title" | "capitalize", [])
            if text.is_ascii() && !text.contains(|c: char| !c.is_alphabetic()) =>
        {
            let (first, rest) = text.split_at(text.len().min(1));
            Some(Value::text(&format!(
                "{}{}",
                first.to_uppercase(),
                rest.to_lowercase()
            )))
        }
        (Value::Str(text), "rstrip", [Value::Str(end)]) => Some(Value::text(
            text.trim_end_matches(|c: char| end.contains(c)),
        )),
        (Value::Str(text), "replace", [Value::Str(from), Value::Str(to)]) => {
            Some(Value::text(&text.replace(&**from, to)))
        }
        (Value::Str(text), "split", [Value::Str(by)]) if !by.is_empty() => Some(Value::list(
            text.split(&**by).map(Value::text).collect(),
            false,
        )),
        (Value::Str(text), "startswith", [Value::Str(part)]) => {
            Some(Value::Bool(text.starts_with(&**part)))
        }
        (Value::Str(text), "endswith", [Value::Str(part)]) => {
            Some(Value::Bool(text.ends_with(&**part)))
        }
        (Value::List(_), "copy", []) => Some(Value::list(receiver.elements()?, false)),
        (Value::Dict(dict), "copy", []) => Some(Value::dict(dict.items.borrow().clone(), false)),
        (Value::Dict(_), "keys", []) => Some(Value::list(receiver.elements()?, false)),
        (Value::Dict(dict), "values", []) => Some(Value::list(
            dict.items
                .borrow()
                .iter()
                .map(|(_, value)| value.clone())
                .collect(),
            false,
        )),
        (Value::Dict(dict), "items", []) => {
            let pairs = dict.items.borrow();
            let pairs = pairs
                .iter()
                .map(|(key, value)| Value::Tuple(Rc::new(vec![key.clone(), value.clone()])));
            Some(Value::list(pairs.collect(), false))
        }
        _ => None,
    }
}
