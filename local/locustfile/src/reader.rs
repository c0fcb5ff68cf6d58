//! The reading of locustfiles: the state that expressions and statements are gone through in, and its mistakes.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use ruff_text_size::{Ranged, TextRange};

use crate::classes::Class;
use crate::problem::Problem;
use crate::ratio::Ratio;
use crate::run::{DecisionKind, Run};
use crate::source::Parsing;
use crate::value::{Draw, DrawKind, Drawn, Value, reference};

/// Why an expression has no value.
pub(crate) enum Stop {
    Problem(Problem),
    /// It is already told, or it follows from something that is.
    Told(Rc<Problem>),
    /// An exception that a `try` around it catches.
    Raised(Raised),
}

/// An exception that a response can raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Raised {
    /// The body is no JSON.
    NoJson,
    /// The JSON lacks a key.
    NoKey,
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
    /// What `on_start` says about every request of the user.
    pub(crate) session: Session,
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

/// What `on_start` says about every request of the user.
#[derive(Clone, Default)]
pub(crate) struct Session {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) insecure: bool,
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

    /// A new draw of the iteration, or what a draw is outside of one.
    pub(crate) fn draw(&mut self, node: &impl Ranged, kind: DrawKind<'a>) -> Value<'a> {
        self.named_draw(node, kind, None)
    }

    pub(crate) fn named_draw(
        &mut self,
        node: &impl Ranged,
        kind: DrawKind<'a>,
        pool: Option<String>,
    ) -> Value<'a> {
        if self.mode != Mode::Task {
            let when = match self.mode {
                Mode::Start => "once for each user",
                _ => "once, when the file is loaded",
            };
            let message = format!(
                "`{}` is drawn {when}: a workload draws in each iteration, so draw it in the task",
                self.snippet(node)
            );
            return Value::Poison(Rc::new(self.problem_at(node.range(), message)));
        }
        let place = format!("{}.{}", self.file, usize::from(node.range().start()));
        let count = self.run.calls.entry(place.clone()).or_default();
        *count += 1;
        let key = format!("{place}.{count}");
        self.run.draws.push(Draw {
            key,
            kind,
            name: None,
            pool,
        });
        Value::Drawn(Rc::new(Drawn {
            draw: self.run.draws.len() - 1,
            path: Vec::new(),
        }))
    }

    /// The outcomes of a draw one by one, with their weights, if they are few enough.
    pub(crate) fn outcomes(&self, draw: usize, most: usize) -> Option<Vec<(Value<'a>, i64)>> {
        match &self.run.draws[draw].kind {
            DrawKind::Outcomes(outcomes) => Some(outcomes.clone()).filter(|all| all.len() <= most),
            DrawKind::Whole(low, high) => {
                let count = high.checked_sub(*low)?;
                let few = usize::try_from(count).is_ok_and(|count| count < most);
                few.then(|| {
                    (*low..=*high)
                        .map(|number| (Value::Int(number), 1))
                        .collect()
                })
            }
            _ => None,
        }
    }

    /// The value of a part of an outcome.
    pub(crate) fn part(&self, outcome: &Value<'a>, path: &[Value<'a>]) -> Option<Value<'a>> {
        let mut value = outcome.clone();
        for key in path {
            value = item(&value, key)?;
        }
        Some(value)
    }

    /// Decides which outcomes a draw has by what `of` says about each.
    pub(crate) fn split(
        &mut self,
        draw: usize,
        outcomes: Vec<(Value<'a>, i64)>,
        yes: &[bool],
    ) -> bool {
        let weigh = |wanted: bool| -> i64 {
            let outcomes = outcomes.iter().zip(yes);
            outcomes
                .filter(|(_, yes)| **yes == wanted)
                .map(|((_, weight), _)| *weight)
                .sum()
        };
        let (true_weight, false_weight) = (weigh(true), weigh(false));
        let decided = if false_weight == 0 || true_weight == 0 {
            false_weight == 0
        } else {
            let all = i128::from(true_weight) + i128::from(false_weight);
            let chance = |weight: i64| Ratio::new(i128::from(weight), all).unwrap_or(Ratio::ONE);
            let chances = vec![chance(true_weight), chance(false_weight)];
            self.run.decide(DecisionKind::Chance(chances)) == 0
        };
        let left = outcomes
            .into_iter()
            .zip(yes)
            .filter(|(_, yes)| **yes == decided);
        self.run.draws[draw].kind = DrawKind::Outcomes(left.map(|(outcome, _)| outcome).collect());
        decided
    }

    /// One of a draw's outcomes: each is a way of its own.
    pub(crate) fn concrete(&mut self, node: &impl Ranged, drawn: &Drawn<'a>) -> Read<Value<'a>> {
        let outcomes = match self.outcomes(drawn.draw, MOST_WAYS) {
            Some(outcomes) if !outcomes.is_empty() => outcomes,
            _ => {
                let message = format!(
                    "`{}` depends on a draw with too many outcomes to go through one by one",
                    self.snippet(node)
                );
                return self.stop(node, message);
            }
        };
        let all: i128 = outcomes.iter().map(|(_, weight)| i128::from(*weight)).sum();
        let choice = if outcomes.len() == 1 {
            0
        } else {
            let chances = outcomes.iter();
            let chances = chances
                .map(|(_, weight)| Ratio::new(i128::from(*weight), all).unwrap_or(Ratio::ONE));
            self.run.decide(DecisionKind::Chance(chances.collect()))
        };
        let outcome = outcomes[choice].clone();
        let value = self.part(&outcome.0, &drawn.path);
        self.run.draws[drawn.draw].kind = DrawKind::Outcomes(vec![(outcome.0, 1)]);
        match value {
            Some(value) => Ok(value),
            None => self.stop(
                node,
                format!(
                    "`{}` is not in every value that is drawn",
                    self.snippet(node)
                ),
            ),
        }
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

    /// The expression of a draw.
    pub(crate) fn draw_code(&self, drawn: &Drawn<'a>) -> Option<String> {
        let mut code = reference(&self.run.draws[drawn.draw].key);
        for key in &drawn.path {
            match key {
                Value::Str(text) if is_name(text) => code.push_str(&format!(".{text}")),
                Value::Str(text) => code.push_str(&format!("[{}]", quoted(text))),
                Value::Int(index) if *index >= 0 => code.push_str(&format!("[{index}]")),
                _ => return None,
            }
        }
        let drawn = Drawn {
            draw: drawn.draw,
            path: drawn.path.clone(),
        };
        self.run
            .codes
            .borrow_mut()
            .insert(code.clone(), Rc::new(drawn));
        Some(code)
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
