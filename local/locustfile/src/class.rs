//! A class of a locustfile as it is kept: its kind, its attributes and its tasks.

use std::rc::Rc;

use crate::value::{Function, Value};

/// The kind of a class, by its farthest base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Fast,
    TaskSet,
    Sequential,
    Shape,
    Plain,
}

impl Kind {
    pub(crate) fn is_user(self) -> bool {
        matches!(self, Self::Http | Self::Fast)
    }

    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::TaskSet | Self::Sequential)
    }
}

/// A task of a class.
#[derive(Clone)]
pub(crate) enum TaskOf<'a> {
    Function(Rc<Function<'a>>),
    Set(usize),
}

/// A class.
pub(crate) struct Class<'a> {
    pub(crate) name: String,
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    pub(crate) is_abstract: bool,
    /// The class and its bases, nearest first.
    pub(crate) order: Vec<usize>,
    /// What its body sets, in order.
    pub(crate) attributes: Vec<(String, Value<'a>)>,
    /// All tasks, once for each unit of weight, as Locust collects them.
    pub(crate) tasks: Vec<TaskOf<'a>>,
    /// The weight that `@task` gave the class.
    pub(crate) weight: Option<i64>,
}
