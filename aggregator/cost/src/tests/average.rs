//! Users who are not there all the time: shapes and ramps.

use super::*;

/// As many iterations as the plan has from the shape's beginning to its end, but for users that are no whole
/// ones on average.
#[test]
fn a_shape_costs_what_its_users_do_on_average() {
    let text = "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n\
        [class.A]\nwait = \"constant_pacing(1)\"\ntask.look.request = \"GET /a\"\n\
        [class.B]\nwait = \"constant_pacing(2)\"\ntask.look.request = \"GET /b\"\n\
        [shape.Stages]\nstages = [\n\
          { lasts = \"2m\", users = 300, spawn_rate = 5 },\n\
          { lasts = \"2m\", users = 60, spawn_rate = 100, user_classes = [\"B\"] },\n\
        ]\n\
        [shape.Day]\ndaily = { \"06:00\" = 20, \"18:00\" = 220 }\n";
    let workload = Arc::new(Workload::parse(text, "shapes.toml", &|_| None).unwrap());
    let estimate = |shape: &str| {
        let run = run_of_shape(Arc::clone(&workload), shape, BlockSize::default()).unwrap();
        let estimate = Estimate::of(&run, ALWAYS, &Assumptions::default(), &Prices::built_in());
        let a_second = estimate.iterations / (HOURS_IN_MONTH * 3_600.0);
        (run, estimate.users, a_second)
    };
    let (run, users, a_second) = estimate("Stages");
    let plan = &run.plan;
    let slots = (0..240).map(|second| plan.run().first_slot().plus(second));
    let planned: usize = slots
        .flat_map(|slot| plan.slot(slot))
        .map(|(.., due)| due.len())
        .sum();
    let planned = planned as f64 / 240.0;
    assert!(
        (a_second / planned - 1.0).abs() < 0.02,
        "{a_second}, not {planned}"
    );
    assert!((142..=143).contains(&users), "{users}");
    // 120 users on average, of whom half have an iteration a second
    let (_, users, a_second) = estimate("Day");
    assert_eq!(users, 120);
    assert!((a_second - 90.0).abs() < 0.5, "{a_second}");
    let unknown = run_of_shape(workload, "Night", BlockSize::default()).unwrap_err();
    assert!(unknown.problem.contains("Day, Stages"), "{unknown}");
}

/// A ramp of an hour has half of the users on average, and its calls follow.
#[test]
fn a_ramp_costs_what_its_users_do() {
    let run = |spawn_rate| {
        let text = "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n[class.Paced]\nwait = \"constant_pacing(2)\"\n\
            task.look.request = \"GET /look\"\n";
        let workload = Workload::parse(text, "ramp.toml", &|_| None).unwrap();
        let share = Share::new("Paced", 1, 720);
        run_of(
            Arc::new(workload),
            vec![share],
            720,
            BlockSize::default(),
            spawn_rate,
        )
    };
    let estimate = |spawn_rate: Option<f64>, hours: &str| {
        let schedule = Schedule {
            hours: hours.parse().unwrap(),
            watch_hours: "0/day".parse().unwrap(),
        };
        let assumptions = Assumptions {
            has_ramp: spawn_rate.is_some(),
            ..fixed(0.05)
        };
        Estimate::of(
            &run(spawn_rate),
            schedule,
            &assumptions,
            &Prices::built_in(),
        )
    };
    let flat = estimate(None, "2/day");
    // all of it is played where it is short, and parts of it where it is long
    for (spawn_rate, hours) in [(2.0, 0.1), (0.2, 1.0)] {
        let ramp = estimate(Some(spawn_rate), "2/day");
        let expected = (2.0 - hours / 2.0) / 2.0;
        let share = ramp.iterations / flat.iterations;
        assert!(
            (share / expected - 1.0).abs() < 0.01,
            "{share}, not {expected}"
        );
        assert!(ramp.usd < flat.usd, "{} {}", ramp.usd, flat.usd);
        assert_eq!(ramp.users, 720);
    }
    // traffic that never ends has no ramp in a month
    let endless = estimate(Some(0.2), "24/day");
    let flat = estimate(None, "24/day");
    assert!((endless.iterations / flat.iterations - 1.0).abs() < 0.001);
}
