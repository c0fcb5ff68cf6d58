//! The values that `on_start` leaves in `self`, as tasks see them; and whether two ways through it leave the same.

use std::rc::Rc;

use crate::codes::keys;
use crate::session::OF_START;
use crate::value::{Answer, Draw, Piece, Value};
use crate::variant::same_kind;

/// The deepest nesting of lists and dictionaries.
const DEEPEST: usize = 50;

/// The value as tasks see it; nothing if it is nested too deeply.
pub(crate) fn kept<'a>(value: &Value<'a>, depth: usize) -> Option<Value<'a>> {
    if depth > DEEPEST {
        return None;
    }
    Some(match value {
        Value::Answer(answer) => Value::Answer(Rc::new(Answer {
            step: answer.step + OF_START,
            ..(**answer).clone()
        })),
        Value::Reply(step) => Value::Reply(step + OF_START),
        Value::Text(pieces) => Value::Text(Rc::new(kept_pieces(pieces))),
        // what the file itself has made stays as it is
        Value::List(list) if list.lasts => value.clone(),
        Value::Dict(dict) if dict.lasts => value.clone(),
        Value::List(_) => Value::list(all_kept(&value.elements()?, depth)?, true),
        Value::Tuple(items) => Value::Tuple(Rc::new(all_kept(items, depth)?)),
        Value::Dict(dict) => {
            let items = dict.items.borrow();
            let items = items
                .iter()
                .map(|(key, value)| Some((key.clone(), kept(value, depth + 1)?)));
            Value::dict(items.collect::<Option<_>>()?, true)
        }
        Value::Method(method) => {
            let (receiver, name) = &**method;
            Value::Method(Rc::new((kept(receiver, depth + 1)?, name.clone())))
        }
        value => value.clone(),
    })
}

fn all_kept<'a>(values: &[Value<'a>], depth: usize) -> Option<Vec<Value<'a>>> {
    values.iter().map(|value| kept(value, depth + 1)).collect()
}

/// The same of a text.
pub(crate) fn kept_pieces(pieces: &[Piece]) -> Vec<Piece> {
    let kept = pieces.iter().map(|piece| match piece {
        Piece::Answer(step, code) => Piece::Answer(step + OF_START, code.clone()),
        piece => piece.clone(),
    });
    kept.collect()
}

/// True if a draw is in the value, or a part of one.
pub(crate) fn is_drawn(value: &Value<'_>) -> bool {
    holds(value, 0, &|value| match value {
        Value::Drawn(_) => true,
        Value::Text(pieces) => are_drawn(pieces),
        _ => false,
    })
}

/// True if a draw is in the text.
pub(crate) fn are_drawn(pieces: &[Piece]) -> bool {
    let drawn = |piece: &Piece| matches!(piece, Piece::Code(code) if !keys(code).is_empty());
    pieces.iter().any(drawn)
}

/// True if something of a response is in the value.
pub(crate) fn is_answered(value: &Value<'_>) -> bool {
    holds(value, 0, &|value| match value {
        Value::Answer(_) | Value::Reply(_) => true,
        Value::Text(pieces) => are_answered(pieces),
        _ => false,
    })
}

/// True if something of a response is in the text.
pub(crate) fn are_answered(pieces: &[Piece]) -> bool {
    pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Answer(..)))
}

fn holds(value: &Value<'_>, depth: usize, is_one: &dyn Fn(&Value<'_>) -> bool) -> bool {
    let all = |values: &[Value<'_>]| values.iter().any(|value| holds(value, depth + 1, is_one));
    match value {
        _ if depth > DEEPEST => false,
        Value::List(list) => all(&list.items.borrow()),
        Value::Tuple(items) => all(items),
        Value::Dict(dict) => {
            let items = dict.items.borrow();
            items
                .iter()
                .any(|(_, value)| holds(value, depth + 1, is_one))
        }
        value => is_one(value),
    }
}

/// True if two ways leave the same value; each has its draws.
pub(crate) fn is_alike<'a>(
    (one, draws): (&Value<'a>, &[Draw<'a>]),
    (other, other_draws): (&Value<'a>, &[Draw<'a>]),
    depth: usize,
) -> bool {
    if depth > DEEPEST {
        return false;
    }
    let alike = |one: &Value<'a>, other: &Value<'a>| {
        is_alike((one, draws), (other, other_draws), depth + 1)
    };
    match (one, other) {
        (Value::Answer(one), Value::Answer(other)) => one == other,
        (Value::Reply(one), Value::Reply(other)) => one == other,
        (Value::Text(one), Value::Text(other)) => one == other,
        (Value::Drawn(one), Value::Drawn(other)) => {
            let (mine, theirs) = (&draws[one.draw], &other_draws[other.draw]);
            mine.key == theirs.key
                && same_kind(&mine.kind, &theirs.kind)
                && one.path.len() == other.path.len()
                && one
                    .path
                    .iter()
                    .zip(&other.path)
                    .all(|(one, other)| one.is_same(other))
        }
        (Value::Env(one), Value::Env(other)) => {
            (&one.name, &one.default) == (&other.name, &other.default)
        }
        (Value::Object(one), Value::Object(other)) => one == other,
        (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) => {
            let (one, other) = (
                one.elements().unwrap_or_default(),
                other.elements().unwrap_or_default(),
            );
            one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| alike(one, other))
        }
        (Value::Dict(one), Value::Dict(other)) => {
            let (one, other) = (one.items.borrow(), other.items.borrow());
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other.iter())
                    .all(|(one, other)| one.0.is_same(&other.0) && alike(&one.1, &other.1))
        }
        (Value::Poison(_), Value::Poison(_)) => true,
        _ => one.is_same(other),
    }
}
