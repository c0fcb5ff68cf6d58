//! Calls to AWS, counted.

use super::*;

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
fn watching_costs_by_the_poll() {
    let during = ten_minutes(&run(&[("TargetAppUser", 50)]), &fixed(0.05));
    let hour = watching(&during, Duration::from_secs(3_600), &Assumptions::default());
    assert_eq!(hour.functions[&Function::Aggregator].count, 1_800);
    // seven buckets that are still open, one query each
    assert_eq!(made_for(&hour, "records"), 1_800 * 7);
    assert_eq!(hour.write_units(), 0);
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
