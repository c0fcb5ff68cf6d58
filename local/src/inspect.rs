//! The answers about a workload that need no run: `--list`, `--check`, `--show-task-ratio`.

use std::fmt::Write as _;

use export::json::indented;
use serde::Serialize;
use traffic::workload::{Course, Stage, TaskRatios, UserClass, Workload, calc_distribution};

use crate::options::Options;

/// True if the options ask for a text instead of a run.
pub fn is_asked_for(options: &Options) -> bool {
    let output = &options.output;
    options.own.check || output.show_task_ratio || output.show_task_ratio_json
}

/// The text that the options ask for instead of a run, if any; the classes that they name must be known.
pub fn asked_for(options: &Options, workload: &Workload) -> Option<String> {
    if options.own.check {
        return Some(check(workload));
    }
    let ratios = |total| {
        let selected = selected(options, workload);
        let users = options.common.users.map_or(0, u64::from);
        let counts = calc_distribution(selected.iter().copied(), users);
        workload.task_ratio(&counts, total)
    };
    if options.output.show_task_ratio {
        let rule = "-".repeat(80);
        return Some(format!(
            "\n Task ratio per User class\n{rule}\n{}\n Total task ratio\n{rule}\n{}",
            table(&ratios(false)),
            table(&ratios(true)),
        ));
    }
    options
        .output
        .show_task_ratio_json
        .then(|| json(&ratios(false), &ratios(true)))
}

/// The names of the user classes, as Locust's `--list` prints them, and those of the load shapes.
pub fn list(workload: &Workload) -> String {
    let mut text = String::from("Available Users:\n");
    for class in workload.classes_as_written() {
        let _ = writeln!(text, "    {}", class.name());
    }
    if !workload.shapes().is_empty() {
        text.push_str("Available Shapes:\n");
    }
    for shape in workload.shapes() {
        let _ = writeln!(text, "    {}", shape.name());
    }
    text
}

fn check(workload: &Workload) -> String {
    let mut text = format!("The workload is valid: version {}\n", workload.version());
    for class in workload.classes() {
        let requests: usize = class.tasks().iter().map(|task| task.steps().len()).sum();
        let _ = writeln!(
            text,
            "    {}: {} to {}, {} with {}",
            class.name(),
            class.wait(),
            class.host().url(),
            counted(class.tasks().len(), "task"),
            counted(requests, "request"),
        );
    }
    for shape in workload.shapes() {
        let _ = writeln!(text, "    {}: {shape}", shape.name());
        if let Course::Stages(stages) = shape.course() {
            list_stages(&mut text, stages);
        }
    }
    text
}

/// Adds a line with the first and the last second of each stage, so that an end written as a length is seen.
fn list_stages(text: &mut String, stages: &[Stage]) {
    let mut from = 0;
    for stage in stages {
        let (ends, users, rate) = (stage.ends, stage.users, stage.spawn_rate);
        let _ = writeln!(
            text,
            "        {from} to {ends} s: {users} users, {rate} a second"
        );
        from = ends;
    }
}

fn selected<'w>(options: &Options, workload: &'w Workload) -> Vec<&'w UserClass> {
    let named = |class: &&UserClass| {
        let mut names = options
            .user_classes
            .iter()
            // a shape may be named among the classes
            .filter(|name| !name.is_empty() && workload.shape(name).is_none())
            .peekable();
        names.peek().is_none() || names.any(|name| **name == **class.name())
    };
    let classes = workload.classes_as_written().into_iter();
    classes.filter(named).collect()
}

/// The lines of Locust's `print_task_ratio`.
fn table(ratios: &TaskRatios) -> String {
    let mut text = String::new();
    let mut line = |level: usize, ratio: f64, name: &str| {
        let padding = "  ".repeat(level);
        let share = format!("{padding}{:<6.1}", ratio * 100.0);
        let _ = writeln!(text, " {share:<10} {:<50}", format!("{padding}{name}"));
    };
    for class in &ratios.0 {
        line(0, class.ratio, &class.name);
        for task in &class.tasks {
            line(1, task.ratio, &task.name);
        }
    }
    text
}

/// As Python's `json.dumps(..., indent=4)` writes it.
fn json(per_class: &TaskRatios, total: &TaskRatios) -> String {
    #[derive(Serialize)]
    struct Both<'r> {
        per_class: &'r TaskRatios,
        total: &'r TaskRatios,
    }
    indented(&Both { per_class, total }) + "\n"
}

fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}
