//! The reading of locustfiles: the state that expressions and statements are gone through in, and its mistakes.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use ruff_text_size::{Ranged, TextRange};

use crate::class::Class;
use crate::problem::Problem;
use crate::run::{Raised, Run};
use crate::session::Session;
use crate::source::Parsing;
use crate::value::Value;

/// Why an expression has no value.
pub(crate) enum Stop {
    Problem(Problem),
    /// It is already told, or it follows from something that is.
    Told(Rc<Problem>),
    /// An exception that a `try` around it catches.
    Raised(Raised),
}

pub(crate) type Read<T> = Result<T, Stop>;

/// What is being gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The file itself and its classes: this is done once.
    Module,
    /// `on_start`, once for each user.
    Start,
    /// A task, in each iteration.
    Task,
    /// `on_stop`, once for each user.
    Stop,
    /// A load shape's `tick`, at a known time.
    Shape,
}

/// The most outcomes of a draw that are gone through one by one.
pub(crate) const MOST_WAYS: usize = 24;

/// The most statements and expressions that are gone through for one task.
const MOST_STEPS: usize = 400_000;

/// The deepest nesting of expressions and calls.
const DEEPEST: usize = 300;

pub(crate) struct Reader<'a> {
    pub(crate) files: &'a [Parsing],
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The base URL for classes without one.
    pub(crate) host: Option<&'a str>,
    pub(crate) globals: Vec<HashMap<String, Value<'a>>>,
    /// True for files that have been gone through.
    pub(crate) loaded: Vec<bool>,
    pub(crate) classes: Vec<Class<'a>>,
    pub(crate) frames: Vec<HashMap<String, Value<'a>>>,
    pub(crate) file: usize,
    pub(crate) mode: Mode,
    pub(crate) run: Run<'a>,
    /// The class whose tasks are gone through.
    pub(crate) user: Option<usize>,
    /// What the user keeps of its `on_start`.
    pub(crate) session: Session<'a>,
    /// The attributes that `on_start` gives a user.
    pub(crate) started: HashMap<String, Value<'a>>,
    pub(crate) elapsed: f64,
    pub(crate) problems: RefCell<Vec<Problem>>,
    /// What is left out without a change to the traffic, by file and line.
    pub(crate) notes: BTreeSet<(String, usize, String)>,
    /// Attributes of `self` that tasks set, and those that they read without having set them.
    pub(crate) written: HashMap<String, (usize, usize)>,
    pub(crate) unset_reads: BTreeSet<String>,
    pub(crate) depth: usize,
    pub(crate) spent: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn problem_at(&self, range: TextRange, message: impl Into<String>) -> Problem {
        let parsing = &self.files[self.file];
        Problem {
            file: parsing.name.clone(),
            line: parsing.line(range.start()),
            column: None,
            message: message.into(),
        }
    }

    pub(crate) fn stop<T>(&self, node: &impl Ranged, message: impl Into<String>) -> Read<T> {
        Err(Stop::Problem(self.problem_at(node.range(), message)))
    }

    pub(crate) fn snippet(&self, node: &impl Ranged) -> String {
        self.files[self.file].snippet(node.range())
    }

    /// The text of a node as it stands in its file.
    pub(crate) fn source(&self, node: &impl Ranged) -> &str {
        let range = node.range();
        &self.files[self.file].text[usize::from(range.start())..usize::from(range.end())]
    }

    pub(crate) fn line(&self, node: &impl Ranged) -> usize {
        self.files[self.file].line_of(node)
    }

    pub(crate) fn tell(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < 1_000 {
            problems.push(problem);
        }
    }

    /// Tells of what stopped an expression; returns what stands in its place.
    pub(crate) fn tell_stop(&self, stop: Stop) -> Value<'a> {
        match stop {
            Stop::Problem(problem) => {
                self.tell(problem.clone());
                Value::Poison(Rc::new(problem))
            }
            Stop::Told(problem) => {
                self.tell((*problem).clone());
                Value::Poison(problem)
            }
            Stop::Raised(_) => Value::None,
        }
    }

    pub(crate) fn note(&mut self, node: &impl Ranged, message: impl Into<String>) {
        let (file, line) = (self.files[self.file].name.clone(), self.line(node));
        self.notes.insert((file, line, message.into()));
    }

    /// Counts steps, of which a task has a limited number.
    pub(crate) fn spend(&mut self, node: &impl Ranged, steps: usize) -> Read<()> {
        self.spent = self.spent.saturating_add(steps);
        match self.spent > MOST_STEPS {
            true => self.stop(node, "going through this takes too long: make it simpler"),
            false => Ok(()),
        }
    }

    pub(crate) fn deeper<T>(
        &mut self,
        node: &impl Ranged,
        go: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        self.spend(node, 1)?;
        if self.depth >= DEEPEST {
            return self.stop(node, "this is nested too deeply: make it simpler");
        }
        self.depth += 1;
        let done = go(self);
        self.depth -= 1;
        done
    }

    /// The value as far as it is known: variables are read, and a draw with one outcome is that outcome.
    pub(crate) fn settle(&self, node: &impl Ranged, value: Value<'a>) -> Read<Value<'a>> {
        match &value {
            Value::Poison(problem) => Err(Stop::Told(Rc::clone(problem))),
            Value::Env(variable) => {
                let Some(set) = variable.set.as_deref() else {
                    return Ok(variable.default.as_deref().map_or(Value::None, Value::text));
                };
                if looks_secret(&variable.name) {
                    let message = format!(
                        "the value of {} looks like a secret, and everybody who sees the workload could read it: \
                         unset it while converting",
                        variable.name
                    );
                    return self.stop(node, message);
                }
                Ok(Value::text(set))
            }
            Value::Drawn(drawn) => match self.outcomes(drawn.draw, 1) {
                Some(outcomes) => {
                    let part = outcomes
                        .first()
                        .and_then(|(outcome, _)| self.part(outcome, &drawn.path));
                    Ok(part.unwrap_or(value))
                }
                None => Ok(value),
            },
            _ => Ok(value),
        }
    }

    /// The value as it is known now; a draw is gone through one outcome after the other.
    pub(crate) fn constant(&mut self, node: &impl Ranged, value: Value<'a>) -> Read<Value<'a>> {
        match self.settle(node, value)? {
            Value::Drawn(drawn) => self.concrete(node, &drawn),
            value => Ok(value),
        }
    }
}

/// Whether a variable's name says that its value is for nobody else.
fn looks_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    let words = [
        "TOKEN",
        "SECRET",
        "PASSW",
        "PWD",
        "KEY",
        "CREDENTIAL",
        "AUTH",
        "COOKIE",
        "SESSION",
        "PRIVATE",
    ];
    words.iter().any(|word| name.contains(word))
}

pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A text in quotes, as a template's expression has it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A constant's element.
pub(crate) fn item<'a>(value: &Value<'a>, key: &Value<'a>) -> Option<Value<'a>> {
    match (value, key) {
        (Value::Dict(dict), key) => {
            let items = dict.items.borrow();
            items
                .iter()
                .find(|(known, _)| known.equals(key))
                .map(|(_, value)| value.clone())
        }
        (_, Value::Int(index)) => {
            let elements = value.elements()?;
            let length = i64::try_from(elements.len()).ok()?;
            let index = if *index < 0 {
                index.checked_add(length)?
            } else {
                *index
            };
            elements.get(usize::try_from(index).ok()?).cloned()
        }
        _ => None,
    }
}
