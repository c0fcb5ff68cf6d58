//! The values that a locustfile's expressions have while nothing is executed: constants, what an iteration
//! draws, what a response holds, and what is not known.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use ruff_python_ast::{ExprLambda, StmtFunctionDef};

use crate::problem::Problem;
use crate::ratio::Ratio;

/// A value.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    List(Rc<Sequence<'a>>),
    Tuple(Rc<Vec<Value<'a>>>),
    Dict(Rc<Mapping<'a>>),
    /// An environment variable, which is a string.
    Env(Rc<Variable>),
    /// A value that each iteration draws, or a part of it.
    Drawn(Rc<Drawn<'a>>),
    /// A text of which parts are not known before an iteration.
    Text(Rc<Vec<Piece>>),
    /// The response of a request, by the request's number in its iteration.
    Reply(usize),
    /// A value that depends on a response.
    Answer(Rc<Answer>),
    Function(Rc<Function<'a>>),
    Lambda(Rc<Lambda<'a>>),
    Class(usize),
    /// `self` in a user, a task set or a shape: an instance of the class.
    Object(usize),
    Client,
    /// A name of a library by its path, such as `random.choice`.
    Library(Rc<str>),
    Method(Rc<(Value<'a>, String)>),
    /// What a function of a class and its object come to.
    Bound(Rc<Function<'a>>, usize),
    /// A wait, as a workload writes it.
    Wait(Rc<str>),
    /// Something that no workload can say; a mistake as soon as it is needed.
    Poison(Rc<Problem>),
}

/// A list, and whether it lasts longer than an iteration.
pub(crate) struct Sequence<'a> {
    pub(crate) items: RefCell<Vec<Value<'a>>>,
    pub(crate) lasts: bool,
}

/// A dictionary in the order of its keys, and whether it lasts longer than an iteration.
pub(crate) struct Mapping<'a> {
    pub(crate) items: RefCell<Vec<(Value<'a>, Value<'a>)>>,
    pub(crate) lasts: bool,
}

/// An environment variable and what stands in for it.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) set: Option<String>,
    pub(crate) default: Option<String>,
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// A draw, and the way from its outcome to the value.
pub(crate) struct Drawn<'a> {
    pub(crate) draw: usize,
    pub(crate) path: Vec<Value<'a>>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    /// An expression; draws stand in it by their keys, see [`reference`].
    Code(String),
    /// An expression about the response of a request.
    Answer(usize, String),
}

/// The expression of a value that a response has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) step: usize,
    pub(crate) code: String,
    pub(crate) kind: AnswerKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    Status,
    Body,
    Json,
    Headers,
    Truth,
}

pub(crate) struct Function<'a> {
    pub(crate) definition: &'a StmtFunctionDef,
    pub(crate) file: usize,
    /// The weight that `@task` gave it.
    pub(crate) weight: Cell<Option<i64>>,
    /// The tags that `@tag` gave it.
    pub(crate) tags: RefCell<BTreeSet<String>>,
}

pub(crate) struct Lambda<'a> {
    pub(crate) expression: &'a ExprLambda,
    pub(crate) file: usize,
}

/// What is drawn, once or many times in an iteration.
#[derive(Clone)]
pub(crate) struct Draw<'a> {
    /// The place of the call and which call of this iteration it is: the same on every way through a task.
    pub(crate) key: String,
    pub(crate) kind: DrawKind<'a>,
    /// The name that it is best called by.
    pub(crate) name: Option<String>,
    pub(crate) pool: Option<String>,
}

#[derive(Clone)]
pub(crate) enum DrawKind<'a> {
    /// `random.random()`, narrowed by what it was compared with.
    Unit(Ratio, Ratio),
    /// One of these, by weight.
    Outcomes(Vec<(Value<'a>, i64)>),
    Whole(i64, i64),
    Real(f64, f64, Option<u32>),
}

/// The marks around a draw's key in an expression.
pub(crate) const MARKS: [char; 2] = ['\u{E000}', '\u{E001}'];

/// A draw in an expression, until it is known how it is written.
pub(crate) fn reference(key: &str) -> String {
    let [open, close] = MARKS;
    format!("{open}{key}{close}")
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: &str) -> Self {
        Self::Str(Rc::from(text))
    }

    pub(crate) fn list(items: Vec<Value<'a>>, lasts: bool) -> Self {
        Self::List(Rc::new(Sequence {
            items: RefCell::new(items),
            lasts,
        }))
    }

    pub(crate) fn dict(items: Vec<(Value<'a>, Value<'a>)>, lasts: bool) -> Self {
        Self::Dict(Rc::new(Mapping {
            items: RefCell::new(items),
            lasts,
        }))
    }

    /// The number of bytes of a text.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            Self::Text(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(text) | Piece::Code(text) | Piece::Answer(_, text) => text.len(),
                })
                .sum(),
            _ => 0,
        }
    }

    /// True if it is known now, whole.
    pub(crate) fn is_constant(&self) -> bool {
        match self {
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Str(_) => true,
            Self::List(list) => list.items.borrow().iter().all(Value::is_constant),
            Self::Tuple(items) => items.iter().all(Value::is_constant),
            Self::Dict(dict) => {
                let items = dict.items.borrow();
                items
                    .iter()
                    .all(|(key, value)| key.is_constant() && value.is_constant())
            }
            _ => false,
        }
    }

    /// A list, a tuple, or what stands for one.
    pub(crate) fn elements(&self) -> Option<Vec<Value<'a>>> {
        match self {
            Self::List(list) => Some(list.items.borrow().clone()),
            Self::Tuple(items) => Some((**items).clone()),
            Self::Dict(dict) => Some(
                dict.items
                    .borrow()
                    .iter()
                    .map(|(key, _)| key.clone())
                    .collect(),
            ),
            Self::Str(text) => Some(
                text.chars()
                    .map(|c| Self::text(c.encode_utf8(&mut [0; 4])))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// Python's `==` of two constants.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Str(one), Self::Str(other)) => one == other,
            (Self::List(_), Self::List(_)) | (Self::Tuple(_), Self::Tuple(_)) => {
                let (one, other) = (
                    self.elements().unwrap_or_default(),
                    other.elements().unwrap_or_default(),
                );
                one.len() == other.len()
                    && one.iter().zip(&other).all(|(one, other)| one.equals(other))
            }
            (Self::Dict(one), Self::Dict(other)) => {
                let (one, other) = (one.items.borrow(), other.items.borrow());
                one.len() == other.len()
                    && one.iter().all(|(key, value)| {
                        other
                            .iter()
                            .any(|(known, other)| known.equals(key) && other.equals(value))
                    })
            }
            (Self::Function(one), Self::Function(other)) => Rc::ptr_eq(one, other),
            (Self::Class(one), Self::Class(other)) => one == other,
            _ => match (self.number(), other.number()) {
                (Some(one), Some(other)) => one == other,
                _ => false,
            },
        }
    }

    /// True if both are the same value of the same type, so that they are sent as the same bytes.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.equals(other)
    }

    /// A number or a truth as a number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Python's truth of a constant.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::None => Some(false),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => {
                self.number().map(|number| number != 0.0)
            }
            Self::Str(text) => Some(!text.is_empty()),
            Self::List(list) => Some(!list.items.borrow().is_empty()),
            Self::Tuple(items) => Some(!items.is_empty()),
            Self::Dict(dict) => Some(!dict.items.borrow().is_empty()),
            Self::Function(_) | Self::Class(_) | Self::Object(_) | Self::Client => Some(true),
            _ => None,
        }
    }

    /// Python's `str` of a constant.
    pub(crate) fn show(&self) -> Option<String> {
        Some(match self {
            Self::None => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => show_float(*number)?,
            Self::Str(text) => (**text).to_owned(),
            _ => return None,
        })
    }
}

/// Python's `str` of a float, where it has no exponent.
pub(crate) fn show_float(number: f64) -> Option<String> {
    let plain = number == 0.0 || (1e-4..1e16).contains(&number.abs());
    plain.then(|| format!("{number:?}"))
}
