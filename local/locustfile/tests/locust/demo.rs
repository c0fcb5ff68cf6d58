//! The demo's own file, by the structure that its documentation has: it converts whole, and its plan is the
//! built-in workload's.

use std::collections::BTreeMap;

use traffic::random::Draws;
use traffic::workload::{Task, UserClass, Workload};

#[test]
fn the_demos_file_has_the_classes_tasks_weights_and_waits_of_the_built_in_workload() {
    let reading = super::read(&super::folder().join("demo.py"));
    let conversion = reading
        .conversion
        .unwrap_or_else(|problems| panic!("{problems}"));
    let converted = Workload::parse(&conversion.toml, "demo.py", &|_| None).unwrap();
    let built_in = Workload::built_in(&|_| None).unwrap();
    let order = |workload: &Workload| -> Vec<String> {
        let classes = workload.classes_as_written().into_iter();
        classes.map(|class| class.name().to_string()).collect()
    };
    assert_eq!(order(&converted), order(&built_in));
    for (own, known) in converted.classes().iter().zip(built_in.classes()) {
        assert_eq!(own.name(), known.name());
        assert_eq!(own.wait(), known.wait(), "{}", own.name());
        assert_eq!(
            (own.weight(), own.fixed_count()),
            (known.weight(), known.fixed_count()),
            "{}",
            own.name()
        );
        assert_eq!(own.host().url(), known.host().url());
        assert_eq!(own.host().variable(), known.host().variable());
        assert_eq!(shares(own), shares(known), "{}", own.name());
        for user in 0..4 {
            for iteration in 0..50 {
                let task = |class: &UserClass| {
                    let mut draws = Draws::new(7, class.name(), user, iteration);
                    sent(class.choose_task(&mut draws))
                };
                assert_eq!(task(own), task(known), "{} {user} {iteration}", own.name());
            }
        }
    }
}

/// What an iteration of a class sends, with how often of all: methods and names with their probabilities.
fn shares(class: &UserClass) -> BTreeMap<Vec<String>, u32> {
    let mut shares = BTreeMap::new();
    for task in class.tasks() {
        *shares.entry(sent(task)).or_default() += task.weight();
    }
    shares
}

fn sent(task: &Task) -> Vec<String> {
    let steps = task.steps().iter();
    let steps = steps.map(|step| format!("{} {} {}", step.method, step.name, step.probability));
    steps.collect()
}
