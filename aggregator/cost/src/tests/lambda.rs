//! Functions at once, and their memory.

use super::*;

#[test]
fn slow_answers_need_more_environments_at_once_and_a_shape_those_of_its_fullest_moment() {
    let of = |seconds| {
        let run = run(&[("ChatModelAUser", 450)]);
        Estimate::of(&run, ALWAYS, &fixed(seconds), &Prices::built_in()).concurrency
    };
    // ten users begin in each second, in one message, which is held from 0.4 s before it
    assert_eq!(of(0.05), 2);
    assert!((21..=23).contains(&of(20.0)), "{}", of(20.0));
    let text = "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n\
        [class.A]\nwait = \"constant_pacing(1)\"\ntask.look.request = \"GET /a\"\n\
        [shape.Peak]\nstages = [\n\
          { lasts = \"10m\", users = 10, spawn_rate = 100 },\n\
          { lasts = \"1m\", users = 5000, spawn_rate = 1000 },\n\
        ]\n";
    let workload = Arc::new(Workload::parse(text, "peak.toml", &|_| None).unwrap());
    let run = run_of_shape(workload, "Peak", BlockSize::default()).unwrap();
    let estimate = Estimate::of(&run, ALWAYS, &fixed(0.05), &Prices::built_in());
    assert!(estimate.concurrency >= 25, "{}", estimate.concurrency);
    assert_eq!(estimate.late, None);
}

#[test]
fn too_few_functions_at_once_are_said_with_how_late_it_will_be() {
    let run = run(&[("ChatModelAUser", 450)]);
    let late = |tick_concurrency| {
        let assumptions = Assumptions {
            tick_concurrency,
            ..fixed(20.0)
        };
        Estimate::of(&run, ALWAYS, &assumptions, &Prices::built_in()).late
    };
    assert_eq!(late(100), None);
    let said = late(10).unwrap();
    assert!(
        said.starts_with("too few functions at once: this traffic needs 2"),
        "{said}"
    );
    assert!(
        said.ends_with("iterations will be up to 2.1 s late"),
        "{said}"
    );
    // at the response times that are assumed
    assert_eq!(lateness_of_run(&run, 100, 10), None);
    assert!(lateness_of_run(&run, 1, 10).is_some());
}

#[test]
fn the_least_memory_that_suffices_is_chosen_and_less_is_said_to_be_too_little() {
    let run = run(&[("TargetAppUser", 1_000)]);
    let of = |tick_memory_mb, ticks_per_message| {
        let assumptions = Assumptions {
            tick_memory_mb,
            ticks_per_message,
            ..Assumptions::default()
        };
        Estimate::of(&run, ALWAYS, &assumptions, &Prices::built_in())
    };
    let usual = of(None, 10);
    assert_eq!((usual.memory, &usual.starved), (128, &None));
    assert!(usual.own_share_ms < 2.0, "{}", usual.own_share_ms);
    let said = usual.to_string();
    assert!(
        said.contains("memory: 128 MB, the least with which"),
        "{said}"
    );
    // messages of 400 users
    let long = of(None, 40);
    assert_eq!((long.memory, &long.starved), (256, &None));
    let said = of(Some(128), 40).to_string();
    assert!(
        said.contains("too little memory by what was measured in 2026-11: with 128 MB and "),
        "{said}"
    );
    assert!(
        said.contains("of the tick's own at p95; 256 MB are enough (--memory)"),
        "{said}"
    );
    assert_eq!(of(Some(256), 40).starved, None);
}
