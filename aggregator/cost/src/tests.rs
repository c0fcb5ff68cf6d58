//! What an estimate comes to: what is promised of spending little, and figures worked out by hand.

use std::sync::Arc;
use std::time::Duration;

use traffic::clock::Slot;
use traffic::record::BlockSize;
use traffic::run::Share;
use traffic::runs::LoadedRun;
use traffic::workload::Workload;

use super::*;

const ALWAYS: Schedule = Schedule {
    hours: Hours::ALWAYS,
    watch_hours: Hours::a_day(1.0),
};

const CLASSES: [&str; 6] = [
    "ChatModelAUser",
    "ChatModelBUser",
    "ModelAUser",
    "ModelBUser",
    "PassiveLoadUser",
    "TargetAppUser",
];

fn run(counts: &[(&str, u32)]) -> LoadedRun {
    run_over(Workload::built_in(&|_| None).unwrap(), counts)
}

fn run_over(workload: Workload, counts: &[(&str, u32)]) -> LoadedRun {
    let share = |&(class, fixed_count): &(&str, u32)| Share::new(class, 1, fixed_count);
    let users = counts.iter().map(|(_, count)| count).sum();
    let shares = counts.iter().map(share).collect();
    let block_size = BlockSize::default();
    run_of(Arc::new(workload), shares, users, block_size, None)
}

/// A class `Paced` that is due every so often, whatever else its one request does.
fn paced(wait: &str, timeout: &str) -> LoadedRun {
    let text = format!(
        "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n[class.Paced]\nwait = \"{wait}\"\n\
         timeout = \"{timeout}\"\ntask.look.request = \"GET /look\"\n"
    );
    let workload = Workload::parse(&text, "paced.toml", &|_| None).unwrap();
    run_over(workload, &[("Paced", 1)])
}

fn fixed(seconds: f64) -> Assumptions {
    Assumptions {
        response_times: ResponseTimes::fixed(seconds),
        ..Assumptions::default()
    }
}

/// Ten minutes of a run that begin a minute after its start.
fn ten_minutes(run: &LoadedRun, assumptions: &Assumptions) -> Calls {
    let from = run.plan.run().first_slot().plus(60);
    calls(run, from, from.plus(600), assumptions)
}

/// Calls with this purpose.
fn made_for(calls: &Calls, purpose: &str) -> u64 {
    let of_purpose = calls
        .calls
        .iter()
        .filter(|(call, _)| call.purpose == purpose);
    of_purpose.map(|(_, usage)| usage.calls).sum()
}

fn per_million(counts: &[(&str, u32)], assumptions: &Assumptions) -> f64 {
    let estimate = Estimate::of(&run(counts), ALWAYS, assumptions, &Prices::built_in());
    estimate.usd_per_million_iterations.unwrap()
}

#[test]
fn at_one_user_per_class_a_tick_costs_two_write_units_and_at_most_four_sqs_requests() {
    let run = run(&CLASSES.map(|class| (class, 1)));
    let calls = ten_minutes(&run, &fixed(0.05));
    assert!(calls.ticks > 300, "{calls:?}");
    let written = [
        aws_calls::CLAIM,
        aws_calls::RECORD,
        aws_calls::PUT_MARKER,
        aws_calls::CLEAR_MARKER,
    ];
    let writes: u64 = written.map(|call| calls.of(call).units).iter().sum();
    assert_eq!(writes, 2 * calls.ticks);
    let polls = idle(Duration::from_secs(600)).requests_to(Service::Sqs);
    let requests = calls.requests_to(Service::Sqs) + polls;
    assert!(
        requests <= 4 * calls.ticks,
        "{requests} for {}",
        calls.ticks
    );
}

#[test]
fn slow_targets_add_little_to_what_a_tick_writes() {
    let run = run(&CLASSES.map(|class| (class, 1)));
    let (calls, users) = steady(&run, &Assumptions::default());
    assert_eq!(users, 6);
    // all that anybody writes: progress and checkpoints once a minute too
    let each = calls.write_units() as f64 / calls.ticks as f64;
    assert!((2.0..2.6).contains(&each), "{each}");
}

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
fn a_tick_a_second_is_counted_call_by_call() {
    // due on the second, so that no iteration of 50 ms leaves its bucket
    let calls = ten_minutes(&paced("constant_pacing(1)", "10s"), &fixed(0.05));
    assert_eq!(
        (calls.ticks, calls.iterations, calls.messages),
        (600, 600, 600)
    );
    assert_eq!(
        (calls.requests, calls.skipped, calls.concurrency),
        (600, 0, 1)
    );
    assert_eq!(made_for(&calls, "claims of ticks"), 600);
    assert_eq!(
        calls.of(aws_calls::RECORD),
        Usage {
            calls: 600,
            units: 600
        }
    );
    assert_eq!(
        made_for(&calls, "markers of busy users"),
        600,
        "one look each"
    );
    assert_eq!(calls.of(aws_calls::SEND).calls, 60);
    assert_eq!(calls.of(aws_calls::RECEIVE).calls, 600);
    assert_eq!(calls.of(aws_calls::HEARTBEAT).calls, 10);
    assert_eq!(calls.of(aws_calls::ADVANCE).calls, 10);
    let by_operation = calls.by_operation();
    assert_eq!(by_operation["DynamoDB.PutItem"], 600 + 600 + 10 + 10);
    assert_eq!(by_operation["AmazonSQS.SendMessageBatch"], 60);
    let tick = calls.functions[&Function::Tick];
    // 400 ms early, 50 ms for the response, and 15 ms to write and to end
    assert_eq!((tick.count, tick.busy_ms), (600, 600 * 465));
}

#[test]
fn an_iteration_that_lasts_until_its_users_next_one_is_marked_and_one_longer_skips() {
    let quick = ten_minutes(&paced("constant_pacing(10)", "20s"), &fixed(8.9));
    assert_eq!(
        (quick.of(aws_calls::PUT_MARKER).calls, quick.skipped),
        (0, 0)
    );
    let close = ten_minutes(&paced("constant_pacing(10)", "20s"), &fixed(9.1));
    assert_eq!(
        (close.of(aws_calls::PUT_MARKER).calls, close.skipped),
        (60, 0)
    );
    assert_eq!(close.of(aws_calls::CLEAR_MARKER).calls, 60);
    let long = ten_minutes(&paced("constant_pacing(10)", "20s"), &fixed(15.0));
    assert_eq!((long.iterations, long.skipped), (30, 30));
    let never = ten_minutes(&paced("constant_pacing(10)", "5s"), &fixed(5.0));
    assert_eq!(
        made_for(&never, "markers of busy users"),
        0,
        "it cannot last so long"
    );
}

#[test]
fn users_that_never_wait_loop_until_shortly_before_the_end_of_their_turn() {
    let calls = ten_minutes(&paced("constant(0)", "10s"), &fixed(0.1));
    // at 0, 0.1, ... 0.8 s of each second; the last ends 100 ms before the turn does
    assert_eq!((calls.iterations, calls.requests), (600 * 9, 600 * 9));
    assert_eq!(calls.of(aws_calls::PUT_MARKER).calls, 0);
    assert_eq!(calls.of(aws_calls::RECORD).calls, 600);
}

#[test]
fn two_requests_far_apart_make_two_records() {
    let run = run(&[("PassiveLoadUser", 1)]);
    let calls = |seconds| ten_minutes(&run, &fixed(seconds));
    let (near, far) = (calls(1.0), calls(2.0));
    assert_eq!(near.requests, 2 * near.iterations);
    let crossing = far.ticks / 2;
    let records = |calls: &Calls| calls.of(aws_calls::RECORD).calls;
    assert_eq!(records(&far), 2 * far.ticks);
    assert!((near.ticks..near.ticks + crossing).contains(&records(&near)));
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
fn watching_costs_by_the_poll() {
    let during = ten_minutes(&run(&[("TargetAppUser", 50)]), &fixed(0.05));
    let hour = watching(&during, Duration::from_secs(3_600), &Assumptions::default());
    assert_eq!(hour.functions[&Function::Aggregator].count, 1_800);
    // seven buckets that are still open, one query each
    assert_eq!(made_for(&hour, "records"), 1_800 * 7);
    assert_eq!(hour.write_units(), 0);
}

#[test]
fn the_stretch_is_the_same_every_time_and_begins_where_everybody_is_there() {
    let run = run(&[("TargetAppUser", 300), ("ModelAUser", 20)]);
    let assumptions = Assumptions::default();
    let (calls, users) = steady(&run, &assumptions);
    assert_eq!(users, 320);
    assert_eq!(steady(&run, &assumptions).0, calls);
    let each_second = calls.iterations as f64 / calls.seconds as f64;
    assert!(
        (each_second - (150.0 + 20.0 / 30.0)).abs() < 2.0,
        "{each_second}"
    );
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

#[test]
fn a_call_is_a_write_or_a_read() {
    let operations = |write| {
        let calls = ten_minutes(&paced("constant_pacing(5)", "20s"), &fixed(4.5));
        let calls: Vec<Call> = calls.calls.into_keys().collect();
        let dynamodb = calls
            .into_iter()
            .filter(|call| call.service == Service::DynamoDb);
        let mut names: Vec<_> = dynamodb
            .filter(|call| call.is_write() == write)
            .map(|call| call.operation)
            .collect();
        names.dedup();
        names.sort_unstable();
        names.dedup();
        names
    };
    assert_eq!(operations(true), ["DeleteItem", "PutItem"]);
    assert_eq!(operations(false), ["GetItem", "Query"]);
}

#[test]
fn a_stretch_of_nothing_is_nothing() {
    let run = run(&[("TargetAppUser", 1)]);
    let nothing = calls(&run, Slot(1), Slot(1), &Assumptions::default());
    assert_eq!((nothing.seconds, nothing.write_units()), (0, 0));
}

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
fn the_documents_bounds_are_those_that_hold() {
    let parameters = serde_json::to_value(<Question as utoipa::IntoParams>::into_params(|| None));
    let parameters = parameters.unwrap();
    let workload = Arc::new(Workload::built_in(&|_| None).unwrap());
    let mut bounds = 0;
    for parameter in parameters.as_array().unwrap() {
        let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
        for (bound, beyond) in [("minimum", -1.0), ("maximum", 1.0)] {
            let Some(bound) = schema[bound].as_f64() else {
                continue;
            };
            bounds += 1;
            let estimate = |value: f64| {
                let value = (name.into(), value.to_string().into());
                let users = ("users".into(), "3".into());
                let question = Question::of_parameters([value, users].into_iter())?;
                let estimate = question.estimate(&workload, &Prices::built_in(), 10_000);
                estimate.map_err(|error| error.to_string())
            };
            if name == "spawn_rate" || (name == "users" && bound > 1.0) {
                continue;
            }
            assert!(estimate(bound).is_ok(), "{name} {bound}");
            assert!(estimate(bound + beyond).is_err(), "{name} {bound}");
        }
    }
    assert!(bounds >= 12, "{parameters}");
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
