//! The functions of Python that have a value once their arguments are known.

use std::rc::Rc;

use ruff_python_ast::ExprCall;

use crate::arithmetic::arithmetic;
use crate::calls::Arguments;
use crate::comparisons::compared;
use crate::reader::{Read, Reader};
use crate::value::{Draw, DrawKind, Value};

impl<'a> Reader<'a> {
    /// A function of constants.
    pub(crate) fn pure(
        &mut self,
        node: &'a ExprCall,
        path: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let mut given = Vec::new();
        for value in &arguments.given {
            given.push(self.constant(node, value.clone())?);
        }
        if !arguments.named.is_empty() && path != "dict" {
            return self.unknown(node);
        }
        let numbers = || {
            given
                .iter()
                .map(Value::number)
                .collect::<Option<Vec<f64>>>()
        };
        let value = match (path, given.as_slice()) {
            ("int", [Value::Str(text)]) => text.trim().parse().ok().map(Value::Int),
            ("int", [value]) => value
                .number()
                .filter(|number| number.abs() < 1e15)
                .map(|number| Value::Int(number as i64)),
            ("float", [Value::Str(text)]) => text
                .trim()
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .map(Value::Float),
            ("float", [value]) => value.number().map(Value::Float),
            ("bool", [value]) => value.truth().map(Value::Bool),
            ("abs", [Value::Int(number)]) => number.checked_abs().map(Value::Int),
            ("dict", []) => {
                let items = arguments
                    .named
                    .iter()
                    .map(|(name, value)| (Value::text(name), value.clone()));
                Some(Value::dict(items.collect(), false))
            }
            ("dict", [Value::Dict(dict)]) if arguments.named.is_empty() => {
                Some(Value::dict(dict.items.borrow().clone(), false))
            }
            ("min" | "max", [value]) => value
                .elements()
                .and_then(|elements| extreme(path, &elements)),
            ("min" | "max", values) => extreme(path, values),
            ("math.floor" | "math.ceil", _) => numbers().filter(|all| all.len() == 1).map(|all| {
                let number = if path == "math.floor" {
                    all[0].floor()
                } else {
                    all[0].ceil()
                };
                Value::Int(number as i64)
            }),
            _ => of_sequences(path, &given),
        };
        match value {
            Some(value) => Ok(value),
            None => self.unknown(node),
        }
    }

    pub(crate) fn round(
        &mut self,
        node: &'a ExprCall,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let value = arguments.get(0, "number").cloned().unwrap_or(Value::None);
        let digits = match arguments.get(1, "ndigits") {
            Some(digits) => Some(self.constant(node, digits.clone())?),
            None => None,
        };
        let digits = match digits {
            None => None,
            Some(Value::Int(digits)) if (0..=9).contains(&digits) => Some(digits as u32),
            _ => return self.unknown(node),
        };
        match self.settle(node, value)? {
            Value::Drawn(drawn) if drawn.path.is_empty() && !self.is_kept(drawn.draw) => {
                match (&self.run.draws[drawn.draw].kind, digits) {
                    (DrawKind::Real(low, high, None), Some(digits)) => {
                        let kind = DrawKind::Real(*low, *high, Some(digits));
                        // the draw itself must not be used unrounded as well
                        let key = format!("{}.round", self.run.draws[drawn.draw].key);
                        self.run.draws.push(Draw {
                            key,
                            kind,
                            name: None,
                            pool: None,
                        });
                        let draw = self.run.draws.len() - 1;
                        Ok(Value::Drawn(Rc::new(crate::value::Drawn {
                            draw,
                            path: Vec::new(),
                        })))
                    }
                    _ => self.unknown(node),
                }
            }
            value => match (value, digits) {
                (Value::Float(number), Some(digits)) => {
                    let rounded = format!("{number:.*}", digits as usize).parse();
                    Ok(Value::Float(rounded.unwrap_or(number)))
                }
                (Value::Float(number), None) if number.abs() < 1e15 => {
                    Ok(Value::Int(number.round_ties_even() as i64))
                }
                (value @ Value::Int(_), _) => Ok(value),
                _ => self.unknown(node),
            },
        }
    }
}

/// A function of sequences.
pub(crate) fn of_sequences<'a>(path: &str, given: &[Value<'a>]) -> Option<Value<'a>> {
    match (path, given) {
        ("range", bounds) => range(bounds),
        ("list" | "tuple" | "reversed" | "set", [value]) => value.elements().map(|mut elements| {
            if path == "reversed" {
                elements.reverse();
            }
            if path == "tuple" {
                Value::Tuple(Rc::new(elements))
            } else {
                Value::list(elements, false)
            }
        }),
        ("list" | "set", []) => Some(Value::list(Vec::new(), false)),
        ("enumerate", [value]) => value.elements().map(|elements| {
            let pairs = elements.into_iter().enumerate();
            let pairs = pairs
                .map(|(index, value)| Value::Tuple(Rc::new(vec![Value::Int(index as i64), value])));
            Value::list(pairs.collect(), false)
        }),
        ("zip", [one, other]) => one.elements().zip(other.elements()).map(|(one, other)| {
            let pairs = one
                .into_iter()
                .zip(other)
                .map(|(one, other)| Value::Tuple(Rc::new(vec![one, other])));
            Value::list(pairs.collect(), false)
        }),
        ("sum", [value]) => value.elements().and_then(|elements| {
            let add = |sum: Value<'a>, next: &Value<'a>| {
                arithmetic(&sum, ruff_python_ast::Operator::Add, next)
            };
            elements.iter().try_fold(Value::Int(0), add)
        }),
        _ => None,
    }
}

pub(crate) fn extreme<'a>(path: &str, values: &[Value<'a>]) -> Option<Value<'a>> {
    let mut values = values.iter();
    let mut best = values.next()?.clone();
    let op = if path == "min" {
        ruff_python_ast::CmpOp::Lt
    } else {
        ruff_python_ast::CmpOp::Gt
    };
    for value in values {
        if compared(value, op, &best)? {
            best = value.clone();
        }
    }
    Some(best)
}

pub(crate) fn range<'a>(bounds: &[Value<'a>]) -> Option<Value<'a>> {
    let (from, to, step) = match bounds {
        [Value::Int(to)] => (0, *to, 1),
        [Value::Int(from), Value::Int(to)] => (*from, *to, 1),
        [Value::Int(from), Value::Int(to), Value::Int(step)] if *step > 0 => (*from, *to, *step),
        _ => return None,
    };
    if to.checked_sub(from)? / step > 10_000 {
        return None;
    }
    let numbers = (from..to)
        .step_by(usize::try_from(step).ok()?)
        .map(Value::Int);
    Some(Value::list(numbers.collect(), false))
}
