//! Ratios and distributions are Locust's own; `locust_ratios.py` beside this file asks it.

use serde_json::Value;
use traffic::workload::{Workload, calc_distribution};

use super::{no_variables, parse};

fn golden() -> Value {
    serde_json::from_str(include_str!("locust_ratios.json")).expect("the file is JSON")
}

#[test]
fn task_ratios_equal_locusts() {
    let workload = Workload::built_in(&no_variables).expect("the built-in workload is right");
    for case in golden()["ratios"].as_array().expect("cases") {
        let counts: Vec<(&str, u64)> = case["counts"]
            .as_object()
            .expect("counts")
            .iter()
            .map(|(class, count)| (&**class, count.as_u64().expect("a count")))
            .collect();
        for (total, key) in [(false, "per_class"), (true, "total")] {
            let ours = serde_json::to_value(workload.task_ratio(&counts, total)).expect("JSON");
            assert_eq!(ours, case[key], "{counts:?}");
        }
    }
}

#[test]
fn distributions_equal_locusts() {
    for case in golden()["distributions"].as_array().expect("cases") {
        let classes = case["classes"]
            .as_array()
            .expect("classes")
            .iter()
            .enumerate();
        let tables = classes.map(|(index, class)| {
            let (weight, fixed) = (&class[0], &class[1]);
            format!("[class.C{index}]\nweight={weight}\nfixed_count={fixed}\nwait='constant(0)'\ntask.t.request='/'\n")
        });
        let workload = parse(&format!(
            "hosts.h='http://h'\n{}",
            tables.collect::<String>()
        ));
        let classes = workload.classes().iter().map(|class| &**class);
        let counts: Vec<u64> = calc_distribution(classes, case["users"].as_u64().expect("users"))
            .into_iter()
            .map(|(_, count)| count)
            .collect();
        assert_eq!(serde_json::json!(counts), case["counts"], "{case}");
    }
}

#[test]
fn ratios_keep_the_order_of_the_file() {
    let source = "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\ntask.z.request='/'\ntask.a.request='/'\n";
    let json = serde_json::to_string(&parse(source).task_ratio(&[("A", 4)], false)).expect("JSON");
    let expected = r#"{"A":{"ratio":1.0,"tasks":{"z":{"ratio":0.5},"a":{"ratio":0.5}}}}"#;
    assert_eq!(json, expected);
}
