//! One way through a task: the draws that were made, what was decided by them and by responses, and the requests.
//!
//! A task is gone through again for each way: what is decided first comes from the way before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::judgement::Judgement;
use crate::ratio::Ratio;
use crate::session::Headers;
use crate::value::{Draw, Drawn, Piece, Value};

/// A request as it stands in a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) method: String,
    pub(crate) name: String,
    pub(crate) path: Vec<Piece>,
    pub(crate) body: Option<Body>,
    pub(crate) headers: Vec<(String, Vec<Piece>)>,
    pub(crate) timeout: Option<f64>,
    pub(crate) follows: bool,
    pub(crate) judgement: Judgement,
    /// Names and expressions of what later requests need.
    pub(crate) captures: Vec<(String, String)>,
    pub(crate) probability: Ratio,
    /// What of the user's session decides whether it is sent.
    pub(crate) when: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Text(Vec<Piece>),
    Json(Json),
}

/// A JSON document as a workload writes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Raw(toml::Value),
    Null,
    Text(Vec<Piece>),
    /// The value of an expression, of any type.
    Code(String),
    List(Vec<Json>),
    Table(Vec<(String, Json)>),
}

/// A decision, and what was decided.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) kind: DecisionKind,
    pub(crate) choice: usize,
    /// The number of requests before it.
    pub(crate) after: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DecisionKind {
    /// By a draw: the probability of each choice.
    Chance(Vec<Ratio>),
    /// By a response: the first choice if the expression is true, else the second.
    Response {
        request: usize,
        condition: String,
        file: usize,
        line: usize,
    },
    /// By what the user keeps: the first choice if the expression is true, else the second.
    Session {
        condition: String,
        file: usize,
        line: usize,
    },
}

/// An exception that a response can raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Raised {
    /// The body is no JSON.
    NoJson,
    /// The JSON lacks a key.
    NoKey,
    /// The user is given up in its `on_start`.
    Gone,
}

/// One way through a task.
#[derive(Clone, Default)]
pub(crate) struct Run<'a> {
    pub(crate) decided: Vec<usize>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) draws: Vec<Draw<'a>>,
    pub(crate) calls: HashMap<String, usize>,
    pub(crate) requests: Vec<Request>,
    /// The attributes of `self` that the task has set.
    pub(crate) own: HashMap<String, Value<'a>>,
    /// What is known of responses already: the same is not asked twice.
    pub(crate) known: Vec<(usize, String, bool)>,
    /// The requests whose `with` block is being read.
    pub(crate) open: Vec<usize>,
    /// The draw behind an expression, and the way to its value.
    pub(crate) codes: RefCell<HashMap<String, Rc<Drawn<'a>>>>,
    /// What the `try` blocks around catch.
    pub(crate) tries: Vec<Vec<Raised>>,
}

/// One way through methods, and what it leaves.
#[derive(Clone)]
pub(crate) struct Passage<'a> {
    pub(crate) run: Run<'a>,
    /// The client's headers at the end.
    pub(crate) headers: Headers,
    /// The attributes of `self`, where the methods are those of `on_start`.
    pub(crate) started: HashMap<String, Value<'a>>,
    /// True if an exception has ended it.
    pub(crate) has_ended: bool,
}

impl Run<'_> {
    /// True if a `try` around catches what is raised.
    pub(crate) fn catches(&self, raised: Raised) -> bool {
        self.tries.iter().flatten().any(|caught| *caught == raised)
    }

    /// The number of the choice of a decision.
    pub(crate) fn decide(&mut self, kind: DecisionKind) -> usize {
        let choice = self.decided.get(self.decisions.len()).copied().unwrap_or(0);
        self.decisions.push(Decision {
            kind,
            choice,
            after: self.requests.len(),
        });
        choice
    }

    /// What is to be decided on the next way; nothing after the last one.
    pub(crate) fn next_way(&self) -> Option<Vec<usize>> {
        let mut decided: Vec<usize> = self.decisions.iter().map(|one| one.choice).collect();
        while let Some(last) = decided.pop() {
            let choices = match &self.decisions[decided.len()].kind {
                DecisionKind::Chance(chances) => chances.len(),
                DecisionKind::Response { .. } | DecisionKind::Session { .. } => 2,
            };
            if last + 1 < choices {
                decided.push(last + 1);
                return Some(decided);
            }
        }
        None
    }
}
