//! What is promised of spending little, and what a month comes to.

use super::*;

#[test]
fn a_million_iterations_of_a_thousand_users_cost_at_most_15_cents() {
    let usd = per_million(&[("TargetAppUser", 1_000)], &Assumptions::default());
    assert!((0.02..=0.15).contains(&usd), "{usd}");
}

#[test]
fn what_is_stopped_costs_its_alarms_and_nothing_else() {
    let run = run(&[("TargetAppUser", 10)]);
    let never = Schedule {
        hours: "0/day".parse().unwrap(),
        watch_hours: "0/day".parse().unwrap(),
    };
    for (alarms, usd) in [(0, 0.0), (3, 0.3)] {
        let assumptions = Assumptions {
            alarms,
            ..Assumptions::default()
        };
        let estimate = Estimate::of(&run, never, &assumptions, &Prices::built_in());
        assert_eq!(estimate.lines, estimate.stopped);
        assert_eq!(
            estimate.lines.len(),
            usize::from(alarms > 0),
            "{:?}",
            estimate.lines
        );
        assert_eq!(estimate.usd_per_million_iterations, None);
        assert!((estimate.usd - usd).abs() < 1e-9, "{}", estimate.usd);
    }
}

#[test]
fn what_is_busy_is_paid_for_as_long_as_the_slowest_request_takes() {
    let quick = per_million(&[("ChatModelAUser", 6)], &fixed(0.1));
    let slow = per_million(&[("ChatModelAUser", 6)], &fixed(20.1));
    // twenty more seconds of 128 MB, at US$ 0.0000166667 per GB-second
    let expected = 20.0 * 0.125 * 16.666_7;
    assert!(
        (slow - quick - expected).abs() < expected / 20.0,
        "{quick} {slow}"
    );
}

#[test]
fn a_few_more_users_cost_hardly_more_and_a_thousand_times_as_many_far_less_than_that() {
    let assumptions = Assumptions::default();
    let of_users = |users| per_million(&[("TargetAppUser", users)], &assumptions);
    let (one, hundred, ten_thousand) = (of_users(1), of_users(100), of_users(10_000));
    assert!(hundred < one / 20.0, "{one} {hundred}");
    assert!(ten_thousand <= hundred, "{hundred} {ten_thousand}");
}

#[test]
fn arm_is_a_fifth_cheaper_where_time_is_paid_for() {
    let usd = |architecture| {
        let assumptions = Assumptions {
            architecture,
            ..fixed(10.0)
        };
        let prices = Prices::built_in();
        let estimate = Estimate::of(
            &run(&[("ChatModelAUser", 50)]),
            ALWAYS,
            &assumptions,
            &prices,
        );
        let times = estimate
            .lines
            .iter()
            .filter(|line| line.unit == "GB-seconds");
        times.map(|line| line.usd).sum::<f64>()
    };
    let (x86, arm) = (usd(Architecture::X86), usd(Architecture::Arm));
    assert!((arm / x86 - 0.8).abs() < 0.001, "{x86} {arm}");
}

#[test]
fn the_lines_add_up_and_half_the_hours_cost_half_of_what_runs() {
    let (run, prices) = (run(&[("TargetAppUser", 50)]), Prices::built_in());
    let of_hours = |hours: &str| {
        let schedule = Schedule {
            hours: hours.parse().unwrap(),
            watch_hours: "0/day".parse().unwrap(),
        };
        Estimate::of(&run, schedule, &Assumptions::default(), &prices)
    };
    let (full, half) = (of_hours("24/day"), of_hours("12/day"));
    assert!((full.usd - full.lines.iter().map(|line| line.usd).sum::<f64>()).abs() < 1e-9);
    assert!((full.iterations - 2.0 * half.iterations).abs() < 1.0);
    let runs = |estimate: &Estimate| estimate.usd - estimate.stopped_usd;
    // but for a start and a stop a day, which the half has
    let switches = 2.0 * runs(&half) - runs(&full);
    assert!((0.0..0.05).contains(&switches), "{switches}");
}

#[test]
fn an_estimate_is_read_by_people_and_by_programs() {
    let run = run(&[("TargetAppUser", 50)]);
    let estimate = Estimate::of(&run, ALWAYS, &Assumptions::default(), &Prices::built_in());
    let text = estimate.to_string();
    let widths = text.lines().filter(|line| line.starts_with("DynamoDB"));
    let mut widths: Vec<usize> = widths.map(str::len).collect();
    widths.dedup();
    assert_eq!(widths.len(), 1, "columns are aligned:\n{text}");
    for said in [
        "List prices of 2026-11",
        "without free tier",
        "Fargate",
        "Synthetics",
        "Stopped",
    ] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
    let json = serde_json::to_value(&estimate).unwrap();
    assert_eq!(json["users"], 50);
    assert_eq!(
        json["lines"].as_array().unwrap().len(),
        estimate.lines.len()
    );
    assert!(json["stretch"]["calls"][0]["service"].is_string());
}
