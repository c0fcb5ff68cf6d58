//! Python's operators on constants.

use std::rc::Rc;

use ruff_python_ast::{Expr, Operator};

use crate::eval::{MOST_ITEMS, put};
use crate::reader::{Read, Reader};
use crate::texts::text_of;
use crate::value::Value;

impl<'a> Reader<'a> {
    pub(crate) fn binary(
        &mut self,
        node: &Expr,
        left: Value<'a>,
        op: Operator,
        right: Value<'a>,
    ) -> Read<Value<'a>> {
        let (left, right) = (self.settle(node, left)?, self.settle(node, right)?);
        let is_text = |value: &Value<'a>| matches!(value, Value::Str(_) | Value::Text(_));
        if op == Operator::Add && (is_text(&left) || is_text(&right)) {
            let mut pieces = self.pieces(node, left)?;
            pieces.extend(self.pieces(node, right)?);
            return Ok(text_of(pieces));
        }
        if let (Operator::Mod, Value::Str(format)) = (op, &left) {
            return self.percent(node, format.as_ref(), right);
        }
        let (left, right) = (self.constant(node, left)?, self.constant(node, right)?);
        match arithmetic(&left, op, &right) {
            Some(value) => Ok(value),
            None => self.unknown(node),
        }
    }
}

/// Python's arithmetic of constants.
pub(crate) fn arithmetic<'a>(
    left: &Value<'a>,
    op: Operator,
    right: &Value<'a>,
) -> Option<Value<'a>> {
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        let whole = match op {
            Operator::Add => left.checked_add(*right),
            Operator::Sub => left.checked_sub(*right),
            Operator::Mult => left.checked_mul(*right),
            Operator::FloorDiv if *right > 0 => Some(left.div_euclid(*right)),
            Operator::Mod if *right > 0 => Some(left.rem_euclid(*right)),
            Operator::Pow => left.checked_pow(u32::try_from(*right).ok()?),
            Operator::Div if *right != 0 => {
                return Some(Value::Float(*left as f64 / *right as f64));
            }
            _ => None,
        };
        return whole.map(Value::Int);
    }
    if let (Some(left), Some(right)) = (left.number(), right.number()) {
        return Some(Value::Float(match op {
            Operator::Add => left + right,
            Operator::Sub => left - right,
            Operator::Mult => left * right,
            Operator::Div if right != 0.0 => left / right,
            Operator::FloorDiv if right > 0.0 => (left / right).floor(),
            Operator::Mod if right > 0.0 => left.rem_euclid(right),
            Operator::Pow => left.powf(right),
            _ => return None,
        }));
    }
    match (left, op, right) {
        (Value::Str(text), Operator::Mult, Value::Int(times))
        | (Value::Int(times), Operator::Mult, Value::Str(text)) => {
            let times = usize::try_from(*times).unwrap_or(0);
            let small = text.len().checked_mul(times)? <= 1_000_000;
            small.then(|| Value::text(&text.repeat(times)))
        }
        (Value::List(list), Operator::Mult, Value::Int(times)) => {
            let items = list.items.borrow();
            let times = usize::try_from(*times).unwrap_or(0);
            let few = items.len().checked_mul(times)? <= MOST_ITEMS;
            few.then(|| {
                Value::list(
                    std::iter::repeat_n(items.to_vec(), times)
                        .flatten()
                        .collect(),
                    false,
                )
            })
        }
        (Value::List(one), Operator::Add, Value::List(other)) => {
            let all = [one.items.borrow().to_vec(), other.items.borrow().to_vec()].concat();
            (all.len() <= MOST_ITEMS).then(|| Value::list(all, false))
        }
        (Value::Tuple(one), Operator::Add, Value::Tuple(other)) => {
            let all = [(**one).clone(), (**other).clone()].concat();
            (all.len() <= MOST_ITEMS).then(|| Value::Tuple(Rc::new(all)))
        }
        (Value::Dict(one), Operator::BitOr, Value::Dict(other)) => {
            let mut items = one.items.borrow().to_vec();
            for (key, value) in other.items.borrow().iter() {
                put(&mut items, key.clone(), value.clone());
            }
            Some(Value::dict(items, false))
        }
        _ => None,
    }
}
