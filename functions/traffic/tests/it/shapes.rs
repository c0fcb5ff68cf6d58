//! Load shapes as a file says them: stages, and curves by the time of day.

use std::time::Duration;

use traffic::workload::{Course, Shape, Stage, Workload};

use super::{mistakes, no_variables, parse};

const CLASSES: &str = "hosts.h = 'http://h'\n\
    [class.A]\nwait = 'constant(1)'\ntask.t.request = '/'\n\
    [class.B]\nwait = 'constant(1)'\ntask.t.request = '/'\n";

/// A file with one shape `S` that says this; its line comes after eight others.
fn with_shape(shape: &str) -> String {
    format!("{CLASSES}[shape.S]\n{shape}\n")
}

fn stages(workload: &Workload) -> Vec<Stage> {
    match workload.shapes()[0].course() {
        Course::Stages(stages) => stages.clone(),
        other => panic!("{other:?}"),
    }
}

fn stage(ends: u64, users: u32, spawn_rate: f64) -> Stage {
    Stage {
        ends,
        users,
        spawn_rate,
        user_classes: Vec::new(),
    }
}

#[test]
fn stages_are_read_as_in_locusts_examples() {
    let workload = parse(&with_shape(
        "stages = [\n\
           { duration = 60, users = 10, spawn_rate = 10 },\n\
           { duration = 100, users = 50, spawn_rate = 0.5, user_classes = ['B'] },\n\
           { duration = '1h', users = 0, spawn_rate = 1 },\n\
         ]",
    ));
    let expected = [
        stage(60, 10, 10.0),
        Stage {
            user_classes: vec!["B".into()],
            ..stage(100, 50, 0.5)
        },
        stage(3_600, 0, 1.0),
    ];
    assert_eq!(stages(&workload), expected);
    let shape = &workload.shapes()[0];
    assert_eq!((&**shape.name(), shape.peak()), ("S", 50));
    assert_eq!(shape.fastest(), 10.0);
    assert_eq!(shape.lasts(), Some(Duration::from_secs(3_600)));
    assert_eq!(shape.to_string(), "3 stages in 3600 s, up to 50 users");
}

#[test]
fn a_stage_may_say_what_it_lasts_itself() {
    let workload = parse(&with_shape(
        "stages = [\n\
           { lasts = '1m', users = 1, spawn_rate = 1 },\n\
           { lasts = '30s', users = 2, spawn_rate = 1 },\n\
           { duration = '2m', users = 3, spawn_rate = 1 },\n\
           { lasts = '1s', users = 4, spawn_rate = 1 },\n\
         ]",
    ));
    let ends: Vec<_> = stages(&workload).iter().map(|stage| stage.ends).collect();
    assert_eq!(ends, [60, 90, 120, 121]);
}

#[test]
fn a_daily_curve_has_points_in_the_order_of_the_day_and_a_zone() {
    let workload = parse(&with_shape(
        "time_zone = 'europe/berlin'\ndaily = { '14:00' = 20, '04:30' = 2, '00:00' = 5, '23:59' = 6 }",
    ));
    let shape = &workload.shapes()[0];
    let Course::Daily(daily) = shape.course() else {
        panic!("{shape:?}");
    };
    let points = daily
        .points()
        .iter()
        .map(|point| (point.at / 60, point.users));
    assert_eq!(
        points.collect::<Vec<_>>(),
        [(0, 5), (270, 2), (840, 20), (1_439, 6)]
    );
    assert_eq!(
        (daily.time_zone(), daily.spawn_rate()),
        ("Europe/Berlin", 1.0)
    );
    assert_eq!((shape.peak(), shape.lasts()), (20, None));
    assert_eq!(
        shape.to_string(),
        "day after day, 2 to 20 users by the time of Europe/Berlin"
    );
}

#[test]
fn a_curve_without_a_zone_goes_by_utc_and_is_reached_within_a_minute() {
    let workload = parse(&with_shape("daily.'12:00' = 600"));
    let Course::Daily(daily) = workload.shapes()[0].course() else {
        panic!("it is a curve");
    };
    assert_eq!((daily.time_zone(), daily.spawn_rate()), ("UTC", 10.0));
    assert_eq!(workload.shapes()[0].fastest(), 10.0);
}

/// From 0 to 1,000 users in the minute before midnight, and back in the one after it.
#[test]
fn how_fast_users_come_is_known_where_the_curve_is_steepest() {
    let workload = parse(&with_shape(
        "spawn_rate = 2\ndaily = { '23:59' = 0, '00:00' = 1000, '00:01' = 0 }",
    ));
    let fastest = workload.shapes()[0].fastest();
    assert!(
        (fastest - 1_000.0 / 60.0 * std::f64::consts::FRAC_PI_2).abs() < 0.01,
        "{fastest}"
    );
}

#[test]
fn the_built_in_workload_has_a_shape_of_each_kind() {
    let workload = Workload::built_in(&no_variables).unwrap();
    let names: Vec<_> = workload
        .shapes()
        .iter()
        .map(|shape| &**shape.name())
        .collect();
    assert_eq!(names, ["DailyCurve", "StepLoad"]);
    let lasts = |name| {
        workload
            .shape(name)
            .and_then(|shape: &std::sync::Arc<Shape>| shape.lasts())
    };
    assert_eq!(lasts("StepLoad"), Some(Duration::from_secs(120)));
    assert_eq!(lasts("DailyCurve"), None);
    assert_eq!(workload.shape_like("stepload"), Some("StepLoad"));
}

/// A shape with one mistake, and what is said about it.
#[track_caller]
fn wrong(shape: &str, expected: &str) {
    assert_eq!(mistakes(&with_shape(shape)), format!("w.toml:{expected}"));
}

#[test]
fn mistakes_in_stages_are_named_with_their_lines() {
    let stage = |stage: &str| {
        format!("stages = [\n{{ duration = '9s', users = 1, spawn_rate = 1 }},\n{{ {stage} }},\n]")
    };
    wrong(
        "",
        "8: shape `S`: it has neither `stages` nor `daily` nor `adaptive`: write an array with at least one stage, such as \
         [{ duration = \"60s\", users = 10, spawn_rate = 2 }], or a table of times of the day and users, such as \
         { \"04:00\" = 2, \"14:00\" = 20 }, or a table such as { start = 10, step = 10, every = \"60s\", until = \
         \"p95 < 800 and fail_ratio < 0.02\", at_most = 500 }",
    );
    wrong(
        "stages = []",
        "9: shape `S`, `stages` is an empty array: write an array with at least one stage, such as \
         [{ duration = \"60s\", users = 10, spawn_rate = 2 }]",
    );
    wrong(
        &stage("duration = '9s', users = 2, spawn_rate = 1"),
        "11: shape `S`, `stages`[1], `duration` is 9 s, but the stage before it ends at 9 s: `duration` counts \
         from the beginning, as in Locust; write `lasts` for a stage's own time",
    );
    wrong(
        &stage("users = 2, spawn_rate = 1"),
        "11: shape `S`, `stages`[1]: it has no `duration`: write when it ends, from the beginning of the run, \
         such as duration = \"60s\", or what it lasts itself, such as lasts = \"60s\"",
    );
    wrong(
        &stage("duration = '20s', lasts = '9s', users = 2, spawn_rate = 1"),
        "11: shape `S`, `stages`[1]: it has both `duration` and `lasts`: leave out one of them",
    );
    wrong(
        &stage("lasts = '1.5s', users = 2, spawn_rate = 1"),
        "11: shape `S`, `stages`[1], `lasts` is \"1.5s\": write whole seconds up to a year, such as \"60s\"",
    );
    wrong(
        &stage("lasts = '1s', users = -2, spawn_rate = 1"),
        "11: shape `S`, `stages`[1], `users` is -2: write a whole number from 0 to 1000000",
    );
    wrong(
        &stage("lasts = '1s', users = 2, spawn_rate = 0"),
        "11: shape `S`, `stages`[1], `spawn_rate` is 0: write a number above 0 and up to 1000000, such as 2 \
         users a second",
    );
    wrong(
        &stage("lasts = '1s', users = 2"),
        "11: shape `S`, `stages`[1]: it has no `spawn_rate`: write for example spawn_rate = 2",
    );
    wrong(
        &stage("lasts = '1s', users = 2, spawn_rate = 1, user_classes = ['AA', 'B']"),
        "11: shape `S`, `stages`[1], `user_classes`[0]: unknown class `AA`: did you mean `A`?",
    );
    wrong(
        &stage("lasts = '1s', user = 2, spawn_rate = 1, users = 3"),
        "11: shape `S`, `stages`[1] has an unknown key `user`: did you mean `users`?",
    );
}

#[test]
fn mistakes_in_curves_are_named_with_their_lines() {
    wrong(
        "daily = {}",
        "9: shape `S`, `daily` has 0 times: write 1 to 96 of them, such as { \"04:00\" = 2, \"14:00\" = 20 }",
    );
    for time in ["24:00", "9:00", "12:60", "noon", "12:00:00", "+1:00"] {
        wrong(
            &format!("daily = {{ '{time}' = 2, '12:30' = 3 }}"),
            &format!(
                "9: shape `S`, `daily`: {time:?} is no time of the day: write \"00:00\" to \"23:59\""
            ),
        );
    }
    wrong(
        "daily = { '12:00' = 2.5 }",
        "9: shape `S`, `daily` `12:00` is 2.5: write a whole number from 0 to 1000000",
    );
    wrong(
        "daily = { '12:00' = 2 }\ntime_zone = 'Berlin'",
        "10: shape `S`, `time_zone` is \"Berlin\", did you mean \"Europe/Berlin\": write the name of a time \
         zone, such as \"Europe/Berlin\"",
    );
    wrong(
        "daily = { '12:00' = 2 }\nstages = [{ lasts = 1, users = 1, spawn_rate = 1 }]",
        "8: shape `S`: it has more than one of `stages`, `daily` and `adaptive`: leave only one of them",
    );
}

#[test]
fn names_that_mean_something_else_are_refused() {
    for name in ["A", "default"] {
        let source = format!("{CLASSES}[shape.{name}]\ndaily.'12:00' = 1\n");
        assert_eq!(
            mistakes(&source),
            format!(
                "w.toml:8: `{name}` is no name for a shape, it means something else: choose another name"
            )
        );
    }
}

#[test]
fn an_adaptive_load_is_read_with_the_grammar_of_thresholds() {
    let workload = parse(&with_shape(
        "adaptive = { start = 10, step = 10, every = '60s', until = 'p95 < 800 and fail_ratio < 0.02', at_most = 45 }",
    ));
    let shape = &workload.shapes()[0];
    let Course::Adaptive(adaptive) = shape.course() else {
        panic!("{shape:?}");
    };
    assert_eq!((shape.peak(), shape.lasts()), (45, None));
    // a step's users are there after a tenth of its time
    assert_eq!(shape.fastest(), 10.0 / 6.0);
    assert_eq!(adaptive.above(10), Some(20));
    assert_eq!(adaptive.above(40), Some(45));
    assert_eq!(adaptive.above(45), None);
    assert_eq!(
        shape.to_string(),
        "from 10 users by 10 every 60 s up to 45 while p95<800 and fail_ratio<0.02"
    );
}

#[test]
fn mistakes_of_an_adaptive_load_are_said_with_their_line_and_key() {
    let all = "start = 10, step = 10, every = '60s', until = 'p95 < 800', at_most = 500";
    let place = "w.toml:9: shape `S`, `adaptive`";
    for (from, to, said) in [
        (
            "start = 10",
            "start = 0",
            ", `start` is 0: write a whole number from 1",
        ),
        (
            "step = 10",
            "step = 'x'",
            ", `step` is \"x\": write a whole number",
        ),
        (
            "every = '60s'",
            "every = '31m'",
            ", `every` is \"31m\": write whole seconds up to half an hour",
        ),
        (
            "every = '60s', ",
            "",
            ": it has no `every`: write for example every = \"60s\"",
        ),
        ("until = 'p95 < 800', ", "", ": it has no `until`"),
        (
            "p95 < 800",
            "p95 > 800",
            ", `until` is \"p95 > 800\": write a figure and the number",
        ),
        (
            "p95 < 800",
            "p95 < 800 and median < 3",
            ", `until` is \"p95 < 800 and median < 3\": \"median\" is no figure of a threshold",
        ),
        (
            "p95 < 800",
            "missing < 3",
            ", `until` is \"missing < 3\": missing is not known while a step lasts",
        ),
        (
            "p95 < 800",
            "p95 < 800 of GET /x",
            ", `until`: unknown request `GET /x`",
        ),
        (
            "at_most = 500",
            "at_most = 5",
            ": `at_most` is 5, less than `start`, which is 10",
        ),
        (
            "at_most = 500",
            "at_most = 1000000",
            ": from 10 to 1000000 users by 10 are more than 1000 steps",
        ),
        (
            "at_most = 500",
            "at_most = 500, spawn_rate = 0.1",
            ": 10 users at 0.1 a second take more than half of `every`",
        ),
        (
            "at_most = 500",
            "at_most = 500, evry = 1",
            " has an unknown key `evry`: did you mean",
        ),
        (
            "p95 < 800",
            "",
            ", `until` is \"\": write a figure and the number",
        ),
    ] {
        assert!(all.contains(from), "{from}");
        let text = with_shape(&format!("adaptive = {{ {} }}", all.replace(from, to)));
        let mistakes = mistakes(&text);
        let expected = format!("{place}{said}");
        assert!(mistakes.starts_with(&expected), "{expected}: {mistakes}");
    }
    let both =
        format!("adaptive = {{ {all} }}\nstages = [{{ duration = 1, users = 1, spawn_rate = 1 }}]");
    assert!(mistakes(&with_shape(&both)).contains("it has more than one of `stages`"));
}
