//! Load shapes: what a swarm by one is granted, what goes on while one is on, and Locust's own beside it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use control::ControlSettings;
use serde_json::{Value, json};
use statistics::adaptive::Looked;
use statistics::state::State;
use traffic::clock::Timestamp;
use traffic::random::Draws;
use traffic::run_rules::{Limits, RunRules};
use traffic::workload::Workload;

use crate::cicada::Cicada;

/// Two classes, and these shapes.
fn with_shapes(shapes: &str) -> Arc<Workload> {
    let source = format!(
        "hosts.h = 'http://127.0.0.1:9'\n\
         [class.A]\nwait = 'constant_pacing(1)'\ntask.t.request = '/'\n\
         [class.B]\nwait = 'constant_pacing(1)'\ntask.t.request = '/'\n{shapes}"
    );
    let workload = Workload::parse(&source, "w.toml", &|_| None);
    Arc::new(workload.unwrap_or_else(|errors| panic!("{errors}")))
}

/// A shape of two stages, one of 60 users for class B alone.
const TWO: &str = "[shape.Two]\nstages = [\n\
    { duration = 10, users = 10, spawn_rate = 10 },\n\
    { duration = 30, users = 60, spawn_rate = 10, user_classes = ['B'] },\n]\n";

const DAY: &str = "[shape.Day]\ndaily = { '04:00' = 2, '16:00' = 40 }\n";

async fn two() -> Cicada {
    Cicada::with(ControlSettings::new(with_shapes(&format!("{TWO}{DAY}"))))
}

#[track_caller]
fn refused(answer: &Value) -> String {
    assert_eq!(answer["success"], false, "{answer}");
    answer["message"].as_str().expect("it is a text").to_owned()
}

#[tokio::test(start_paused = true)]
async fn stages_follow_one_another_and_then_the_run_is_over_and_costs_nothing() {
    let cicada = two().await;
    let answer = cicada.started("shape_class=Two").await;
    let expected = json!({
        "success": true, "message": "Swarming started using shape class 'Two'", "host": null
    });
    assert_eq!(answer, expected);
    let run = cicada.run().await;
    let start = run.starts();
    assert_eq!(
        (run.segments.len(), run.ends()),
        (2, Some(start + Duration::from_secs(30)))
    );
    cicada
        .clock
        .sleep_until(start + Duration::from_secs(5))
        .await;
    assert_eq!(cicada.state().await, State::Running);
    assert_eq!(cicada.users().await, [("A".into(), 5), ("B".into(), 5)]);
    cicada
        .clock
        .sleep_until(start + Duration::from_secs(12))
        .await;
    assert_eq!(cicada.state().await, State::Spawning);
    cicada
        .clock
        .sleep_until(start + Duration::from_secs(20))
        .await;
    assert_eq!(cicada.users().await, [("B".into(), 60)]);
    assert!(cicada.beats().await);
    cicada
        .clock
        .sleep_until(start + Duration::from_secs(30))
        .await;
    assert_eq!(cicada.state().await, State::Stopped);
    // wake-ups of the last seconds may still come
    cicada
        .clock
        .sleep_until(start + Duration::from_secs(61))
        .await;
    cicada
        .deployment
        .plan_ahead()
        .await
        .expect("the store works");
    assert!(!cicada.beats().await);
    // every tick of both stages was sent, and none beyond
    let sent = cicada.wake_ups();
    let first = run.first_slot();
    for slot in (0..30).map(|second| first.plus(second)) {
        let ticks = cicada.loaded().await.plan.ticks(slot).len();
        let of_slot = sent.iter().filter(|wake_up| wake_up.slot == slot);
        assert_eq!(of_slot.count(), ticks, "{slot}");
    }
    assert!(sent.iter().all(|wake_up| wake_up.slot < first.plus(30)));
}

#[tokio::test(start_paused = true)]
async fn a_daily_curve_goes_on_until_it_is_stopped() {
    let cicada = two().await;
    let body = json!({"shape_class": "Day", "user_classes": ["A"]});
    let answer = cicada.json(&body).await.json();
    assert_eq!(answer["user_classes"], json!(["A"]));
    // it is 08:00, a third of the way: 2 + 38 / 4
    cicada.pass(60.0).await;
    assert_eq!(cicada.users().await, [("A".into(), 12)]);
    assert_eq!(cicada.state().await, State::Running);
    cicada.pass(8.0 * 3_600.0).await;
    assert_eq!(cicada.users().await, [("A".into(), 40)]);
    cicada.pass(12.0 * 3_600.0).await;
    assert_eq!(cicada.users().await, [("A".into(), 2)]);
    assert_eq!(cicada.run().await.ends(), None);
    cicada.post("/stop").await;
    cicada.pass(3.0).await;
    assert_eq!(cicada.state().await, State::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_run_time_ends_a_shape_early_and_counts_and_rates_say_nothing() {
    let cicada = two().await;
    cicada
        .started("shape_class=Two&run_time=8&user_count=500&spawn_rate=0")
        .await;
    let run = cicada.run().await;
    assert_eq!(run.ends(), Some(run.starts() + Duration::from_secs(8)));
    assert_eq!(run.segments.len(), 1, "the second stage is not reached");
    assert_eq!(run.segments[0].user_count, 10);
    let answer = cicada.post("/stop").await.json();
    assert_eq!(answer["success"], true);
    cicada.pass(3.0).await;
    cicada.started("shape_class=Day&run_time=1m").await;
    let run = cicada.run().await;
    assert_eq!(run.ends(), Some(run.starts() + Duration::from_secs(60)));
}

#[tokio::test(start_paused = true)]
async fn while_a_shape_is_on_it_says_how_many_users_there_are() {
    let cicada = two().await;
    cicada.started("shape_class=Two").await;
    cicada.pass(5.0).await;
    let before = cicada.run().await;
    let resized = cicada.form("user_count=5&spawn_rate=1").await.json();
    assert_eq!(
        refused(&resized),
        "shape_class is Two in the run that is on, which says how many users there are: stop it first"
    );
    for form in [
        "user_count=5&spawn_rate=1&shape_class=Default",
        "shape_class=Day",
    ] {
        refused(&cicada.form(form).await.json());
    }
    // as in Locust, which says "Editing is disabled" to its log
    let again = cicada.started("shape_class=Two&user_count=7").await;
    assert_eq!(again["message"], "Swarming started using shape class 'Two'");
    assert_eq!(cicada.run().await, before);
    cicada.post("/stop").await;
    cicada.pass(3.0).await;
    cicada.started("user_count=5&spawn_rate=1").await;
    assert_ne!(cicada.run().await.id, before.id);
}

#[tokio::test(start_paused = true)]
async fn a_shape_takes_a_run_over_and_counts_anew() {
    let cicada = two().await;
    cicada.started("user_count=40&spawn_rate=100").await;
    cicada.pass(5.0).await;
    let before = cicada.run().await;
    cicada.started("shape_class=Two").await;
    let run = cicada.run().await;
    assert_eq!((&run.id, run.segments.len()), (&before.id, 3));
    assert_eq!(run.segments[0], before.segments[0]);
    assert!(run.segments[1].from > cicada.clock.now());
    assert_eq!(run.reset_at, Some(cicada.clock.now()));
    assert_eq!(
        run.ends(),
        Some(run.segments[1].from + Duration::from_secs(30))
    );
    cicada.pass(7.0).await;
    let users: u32 = cicada.users().await.iter().map(|(_, count)| count).sum();
    assert_eq!(users, 10, "thirty have gone, ten a second");
}

#[tokio::test(start_paused = true)]
async fn what_a_shape_wants_at_its_peak_must_be_within_the_limits() {
    let limited = |limits| {
        let shapes = "[shape.Steep]\nspawn_rate = 1\ndaily = { '12:00' = 0, '12:01' = 50 }\n";
        let workload = with_shapes(&format!("{TWO}{DAY}{shapes}"));
        Cicada::with(ControlSettings {
            rules: RunRules {
                limits,
                ..RunRules::default()
            },
            ..ControlSettings::new(workload)
        })
    };
    let default = Limits::default();
    let cicada = limited(Limits {
        max_users: 59,
        ..default
    });
    let message = refused(&cicada.form("shape_class=Two").await.json());
    assert_eq!(
        message,
        "shape_class names Two, which has up to 60 users, above the limit of 59"
    );
    cicada.started("shape_class=Day").await;
    let cicada = limited(Limits {
        max_spawn_rate: 1.0,
        ..default
    });
    let message = refused(&cicada.form("shape_class=Two").await.json());
    assert_eq!(
        message,
        "shape_class names Two, which starts or stops up to 10.0 users a second, above the limit of 1"
    );
    let message = refused(&cicada.form("shape_class=Steep").await.json());
    assert!(message.contains("up to 1.3 users a second"), "{message}");
    cicada.started("shape_class=Day").await;
    assert!(cicada.run().await.shape().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_shape_that_there_is_not_and_one_beside_exact_counts_are_refused() {
    let cicada = two().await;
    let message = refused(&cicada.form("shape_class=Too").await.json());
    assert_eq!(
        message,
        "shape_class names the unknown shape \"Too\", perhaps Two was meant; the workload has Day, Two"
    );
    let counts = json!({"shape_class": "Two", "user_classes_count": {"A": 3}});
    let message = refused(&cicada.json(&counts).await.json());
    assert!(message.starts_with("user_classes_count is given beside shape_class"));
    let none = Cicada::with(ControlSettings::new(with_shapes("")));
    let message = refused(&none.form("shape_class=Two").await.json());
    assert!(message.ends_with("the workload has none: leave it out"));
    assert!(none.store_is_empty().await && cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn a_configured_shape_is_every_swarms_that_does_not_name_another() {
    let workload = with_shapes(&format!("{TWO}{DAY}"));
    let cicada = Cicada::with(ControlSettings {
        shape: Some("Two".into()),
        ..ControlSettings::new(Arc::clone(&workload))
    });
    cicada.started("").await;
    assert_eq!(cicada.run().await.shape().unwrap().name, "Two");
    // Locust's page sends these on "Edit": they change nothing
    cicada.started("user_count=5&spawn_rate=1").await;
    cicada.post("/stop").await;
    cicada.pass(3.0).await;
    for none in ["", "Default"] {
        let form = format!("shape_class={none}&user_count=5&spawn_rate=1&run_time=1");
        cicada.started(&form).await;
        assert_eq!(cicada.run().await.shape(), None);
        cicada.pass(5.0).await;
    }
    // a workload without it could not be started
    let without = with_shapes(DAY);
    let put = cicada
        .call("PUT", "/workload", None, without.source().to_string())
        .await;
    let message = put.json()["message"].to_string();
    assert!(
        put.status == 422 && message.contains("unknown shape"),
        "{message}"
    );
    let put = cicada
        .call("PUT", "/workload", None, workload.source().to_string())
        .await;
    assert_eq!(put.json()["shape_classes"], json!(["Day", "Two"]));
}

#[tokio::test(start_paused = true)]
async fn a_schedule_starts_a_shape() {
    let cicada = Cicada::new();
    let body = "name=days&start=0+8+*+*+*&stop=0+18+*+*+*&shape_class=DailyCurve";
    let form = Some(crate::cicada::FORM);
    let saved = cicada.call("POST", "/schedules", form, body).await;
    let schedule = saved.json()["schedule"].clone();
    assert_eq!(schedule["shape_class"], "DailyCurve", "{schedule}");
    assert_eq!(schedule.get("user_count"), None);
    let wrong = body.replace("DailyCurve", "Nightly");
    let wrong = cicada.call("POST", "/schedules", form, wrong).await.json();
    assert!(refused(&wrong).contains("unknown shape"));
    // what is kept is what `/swarm` takes when the time has come
    let kept = cicada.control.schedules().await.expect("they are there");
    let request = web::api::swarm_from_json(&kept[0].swarm).unwrap();
    cicada.control.swarm(request).await.expect("it is granted");
    assert_eq!(cicada.run().await.shape().unwrap().name, "DailyCurve");
}

/// Stages that Locust's runner also gets through, and some that it does not.
fn random_stages(number: u64, whole: bool) -> Vec<(u64, u64, f64)> {
    let mut draws = Draws::new(7, "stages", 0, number);
    let mut ends = 0;
    let stages = (0..1 + draws.below(6)).map(|_| {
        ends += 1 + draws.below(20);
        let rate = if whole {
            1.0 + draws.below(9) as f64
        } else {
            0.2 + draws.below(200) as f64 / 20.0
        };
        (ends, draws.below(60), rate)
    });
    stages.collect()
}

fn question(stages: &[(u64, u64, f64)]) -> Value {
    let stages = stages
        .iter()
        .map(|(ends, users, rate)| json!({"duration": ends, "users": users, "spawn_rate": rate}));
    json!({"stages": stages.collect::<Vec<_>>(), "classes": [["A", 1], ["B", 1]]})
}

/// Our users just before every quarter of a second.
async fn counts(stages: &[(u64, u64, f64)]) -> Vec<u64> {
    let stages = stages.iter().map(|(ends, users, rate)| {
        format!("{{ duration = {ends}, users = {users}, spawn_rate = {rate:?} }},")
    });
    let shape = format!("[shape.S]\nstages = [{}]\n", stages.collect::<String>());
    let cicada = Cicada::with(ControlSettings::new(with_shapes(&shape)));
    cicada.started("shape_class=S").await;
    let run = cicada.loaded().await;
    let end = run.plan.run().ends().expect("stages end");
    let start = run.plan.run().starts();
    let quarters = (1..).map(|quarter| start + Duration::from_millis(250 * quarter));
    quarters
        .take_while(|quarter| *quarter <= end)
        .map(|quarter| Timestamp::from_micros(quarter.micros() - 1))
        .map(|before| run.plan.user_count(before))
        .collect()
}

/// Where Locust starts a second's worth of users at once, we start them one after the other: at the end
/// of each second both have as many, from the first stage to the last, whether or not a stage is long enough
/// for its users.
#[tokio::test(start_paused = true)]
async fn stages_have_as_many_users_as_locust_at_the_end_of_every_second() {
    let cases: Vec<_> = (0..60).map(|number| random_stages(number, true)).collect();
    let answers: Value = testing::tools::ask(
        "shapes.py",
        &cases.iter().map(|case| question(case)).collect(),
    );
    for (case, theirs) in cases.iter().zip(answers.as_array().unwrap()) {
        let ours = counts(case).await;
        let theirs: Vec<u64> = serde_json::from_value(theirs.clone()).unwrap();
        assert_eq!(ours.len(), theirs.len(), "{case:?}");
        let fastest = case.iter().map(|(.., rate)| *rate as u64).max().unwrap();
        for (quarter, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
            let apart = ours.abs_diff(theirs);
            let most = if quarter % 4 == 3 { 0 } else { fastest - 1 };
            assert!(apart <= most, "{ours} and {theirs} at {quarter}: {case:?}");
        }
    }
}

/// With rates that are no whole numbers Locust starts several users every so often: we are never further
/// apart than it starts at once in each of the stages so far.
#[tokio::test(start_paused = true)]
async fn stages_with_other_rates_are_never_further_from_locust_than_it_starts_at_once() {
    let cases: Vec<_> = (0..60).map(|number| random_stages(number, false)).collect();
    let answers: Value = testing::tools::ask(
        "shapes.py",
        &cases.iter().map(|case| question(case)).collect(),
    );
    for (case, theirs) in cases.iter().zip(answers.as_array().unwrap()) {
        let theirs: Vec<u64> = serde_json::from_value(theirs.clone()).unwrap();
        let ours = counts(case).await;
        assert_eq!(ours.len(), theirs.len(), "{case:?}");
        for (quarter, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
            let so_far = |(ends, ..): &&(u64, u64, f64)| *ends <= quarter as u64 / 4;
            let begun = case.iter().filter(so_far).count() + 1;
            let at_once = case
                .iter()
                .take(begun)
                .map(|(.., rate)| rate.max(1.0).floor());
            let most: f64 = at_once.sum();
            assert!(
                (ours.abs_diff(theirs) as f64) <= most,
                "{ours} and {theirs} at {quarter}: {case:?}"
            );
        }
    }
}

const CLIMB: &str = "[shape.Climb]\nadaptive = { start = 2, step = 3, every = 20, at_most = 9, \
    until = 'p95 < 800 and fail_ratio < 0.5 of GET /' }\n";

#[tokio::test(start_paused = true)]
async fn an_adaptive_load_goes_on_by_its_results_and_every_page_says_why() {
    let cicada = Cicada::with(ControlSettings::new(with_shapes(CLIMB)));
    cicada.started("shape_class=Climb&run_time=1h").await;
    let end = cicada.run().await.ends();
    cicada.pass(15.0).await;
    let ledger = cicada.get("/ledger").await.json();
    assert_eq!(ledger["adaptive"]["step"], 1, "{ledger}");
    for slowest in [700.0, 900.0] {
        let took = |_| crate::records::Request::took("GET /", slowest);
        let requests: Vec<_> = (0..12).map(took).collect();
        cicada.completed(&requests).await;
        cicada.pass(12.0).await;
        let looked = cicada.control.adapt().await.expect("the store works");
        assert_eq!(looked, Looked::Decided);
        let again = cicada.control.adapt().await.expect("the store works");
        assert_ne!(again, Looked::Decided);
        cicada.pass(15.0).await;
    }
    let ledger = cicada.get("/ledger").await.json();
    let said: Vec<_> = [
        "p95 700 ms, fail_ratio of GET / 0 at 2 users: on to 5",
        "p95 900 ms at 5 users: back to 2",
    ]
    .into();
    let adaptive = &ledger["adaptive"];
    let reasons: Vec<_> = adaptive["decisions"]
        .as_array()
        .expect("they are there")
        .iter()
        .map(|one| &one["reason"])
        .collect();
    assert_eq!(reasons, said, "{ledger}");
    assert_eq!(
        (&adaptive["users"], &adaptive["is_settled"]),
        (&json!(2), &json!(true))
    );
    let markers = cicada.get("/markers").await.json();
    assert_eq!(markers["markers"][2]["name"], said[1], "{markers}");
    // the whole climb is one run, with the end that it was given
    assert_eq!(cicada.run().await.ends(), end);
    assert_eq!(cicada.state().await, State::Running);
    assert_eq!(cicada.users().await, [("A".into(), 1), ("B".into(), 1)]);
    let refused = refused(&cicada.form("user_count=5&spawn_rate=1").await.json());
    assert!(refused.contains("stop it first"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_load_climbs_within_the_limits_or_not_at_all() {
    let settings = ControlSettings::new(with_shapes(CLIMB));
    let limits = Limits {
        max_users: 8,
        ..Limits::default()
    };
    let rules = RunRules {
        limits,
        ..settings.rules.clone()
    };
    let cicada = Cicada::with(ControlSettings { rules, ..settings });
    let message = refused(&cicada.form("shape_class=Climb").await.json());
    assert_eq!(
        message,
        "shape_class names Climb, which has up to 9 users, above the limit of 8"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_iterations_holds_over_all_processes_and_changes() {
    let cicada = two().await;
    cicada
        .started("user_count=4&spawn_rate=4&iterations=50")
        .await;
    cicada.pass(5.0).await;
    cicada.started("user_count=20&spawn_rate=4").await;
    cicada.pass(30.0).await;
    cicada
        .deployment
        .plan_ahead()
        .await
        .expect("the store works");
    assert_eq!(cicada.state().await, State::Stopped);
    // whoever takes a wake-up finds no more than that
    let run = cicada.loaded().await;
    let mut due = 0;
    let wake_ups: HashSet<_> = cicada.wake_ups().into_iter().collect();
    for wake_up in wake_ups {
        let class = run.plan.class_number(&wake_up.class).expect("it is there");
        due += run.plan.due_count(class, wake_up.block, wake_up.slot);
    }
    assert_eq!(due, 50);
    let message = refused(
        &cicada
            .form("user_count=4&spawn_rate=4&iterations=0")
            .await
            .json(),
    );
    assert_eq!(
        message,
        "iterations is 0: write how many iterations the run is to have, such as 100"
    );
    let constant =
        "hosts.h = 'http://127.0.0.1:9'\n[class.A]\nwait = 'constant(1)'\ntask.t.request = '/'\n";
    let constant = Workload::parse(constant, "w.toml", &|_| None).expect("it is valid");
    let cicada = Cicada::with(ControlSettings::new(Arc::new(constant)));
    let message = refused(
        &cicada
            .form("user_count=4&spawn_rate=4&iterations=5")
            .await
            .json(),
    );
    assert!(
        message.starts_with("iterations cannot be counted ahead of A, which waits constant"),
        "{message}"
    );
}
