//! The shares of classes and tasks in the traffic, as Locust's `/tasks` and `--show-task-ratio` say them.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::class::{Task, UserClass};

/// The classes' shares and within them the tasks': Locust's `get_ratio`.
///
/// Serializes to `{"Class": {"ratio": 0.5, "tasks": {"task": {"ratio": 1.0}}}}`.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRatios(pub Vec<ClassRatio>);

/// One class's share.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRatio {
    /// The class's name.
    pub name: String,
    /// Its share of the users.
    pub ratio: f64,
    /// Its tasks, in the order of the file.
    pub tasks: Vec<TaskRatio>,
}

/// One task's share.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRatio {
    /// The task's name.
    pub name: String,
    /// Its share of the class's iterations, or of all.
    pub ratio: f64,
}

impl TaskRatios {
    /// The shares of classes by their numbers of users, and of their tasks; with `total` a task's share is one of
    /// all iterations, else one of its class's.
    ///
    /// The arithmetic is Locust's, operation for operation.
    pub(super) fn of<'c>(
        classes: impl Iterator<Item = (&'c UserClass, u64)>,
        users: u64,
        total: bool,
    ) -> Self {
        let users = users.max(1) as f64;
        let ratio = |(class, count)| class_ratio(class, count as f64 / users, total);
        Self(classes.map(ratio).collect())
    }
}

fn class_ratio(class: &UserClass, ratio: f64, total: bool) -> ClassRatio {
    let parent = if total { ratio } else { 1.0 };
    let weights: u64 = class
        .tasks()
        .iter()
        .map(|task| u64::from(task.weight()))
        .sum();
    let task = |task: &Task| TaskRatio {
        name: task.name().to_string(),
        ratio: f64::from(task.weight()) * parent / weights as f64,
    };
    ClassRatio {
        name: class.name().to_string(),
        ratio,
        tasks: class.tasks().iter().map(task).collect(),
    }
}

/// The number of users of each class for `--show-task-ratio`: Locust's `_calc_distribution`, which rounds each
/// class for itself, so the sum may differ from `users`. 0 users stands for the sum of the weights.
pub fn calc_distribution<'c>(
    classes: impl IntoIterator<Item = &'c UserClass>,
    users: u64,
) -> Vec<(&'c str, u64)> {
    let classes: Vec<&UserClass> = classes.into_iter().collect();
    let fixed: u64 = classes
        .iter()
        .map(|class| u64::from(class.fixed_count()))
        .sum();
    let weighted = classes.iter().filter(|class| class.fixed_count() == 0);
    let weights: u64 = weighted.map(|class| u64::from(class.weight())).sum();
    let users = match (users, fixed) {
        (0, 0) => weights,
        (0, _) => 1,
        (users, _) => users,
    };
    let left = users.saturating_sub(fixed) as f64;
    let count = |class: &UserClass| match class.fixed_count() {
        0 => (f64::from(class.weight()) / weights as f64 * left).round_ties_even() as u64,
        fixed => u64::from(fixed),
    };
    classes
        .into_iter()
        .map(|class| (&**class.name(), count(class)))
        .collect()
}

impl Serialize for TaskRatios {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|class| (&class.name, class)))
    }
}

impl Serialize for ClassRatio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Tasks<'r>(&'r [TaskRatio]);
        impl Serialize for Tasks<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|task| (&task.name, task)))
            }
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("ratio", &self.ratio)?;
        map.serialize_entry("tasks", &Tasks(&self.tasks))?;
        map.end()
    }
}

impl Serialize for TaskRatio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("ratio", self.ratio)])
    }
}
