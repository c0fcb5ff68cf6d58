//! The calls besides those of ticks: the fan-out's, once a minute, and the polls of somebody who watches.

use std::time::Duration;

use traffic::fanout::FAR_STRIDE;
use traffic::record::BUCKET_SECONDS;

use super::assumptions::Assumptions;
use super::aws_calls;
use super::calls::{Calls, Function};

/// Seconds after its end for which a bucket is read, until it is sealed: `reader`.
const SEALED_AFTER: u64 = 60;

/// The duration of an invocation besides its calls.
const BASE: Duration = Duration::from_millis(150);

/// The duration of a poll.
const POLL: Duration = Duration::from_millis(60);

/// The duration of one call among those that are made one after the other.
const EACH_CALL: Duration = Duration::from_millis(10);

/// From a start until the queue delivers, while which a fan-out stays and calls the ticks: AWS says up to a minute.
const DELIVERS_AFTER: u64 = 60;

/// Seconds that are planned ahead on average, whose wake-ups a stop makes needless,
const AHEAD: u64 = 270;

/// and of which so many are delivered all the same: the beat that finds the run over comes 30 to 149 s after its end.
const DELIVERED_AFTER_STOP: u64 = 90;

/// The duration of a message of which nothing is executed.
const NOTHING_TO_DO: Duration = Duration::from_millis(15);

/// The wait of the queue for the right moment to send, on average.
const WAITS: Duration = Duration::from_millis(350);

/// Adds the calls of the fan-out in some minutes to those of the tick function, which sent requests of `names` names.
pub(super) fn play(minutes: u64, names: u64, calls: &mut Calls) {
    let sends = calls.of(aws_calls::SEND).calls;
    let strides = calls.seconds.div_ceil(FAR_STRIDE);
    calls.add(aws_calls::HEARTBEAT, minutes, 1);
    // which run is on, and which have something left to fold
    calls.add(aws_calls::LATEST_RUN, 2 * minutes, 1);
    calls.add(aws_calls::PLANNED, minutes, 1);
    calls.add(aws_calls::RUN, minutes, 1);
    calls.add(aws_calls::ADVANCE, strides, 1);
    // folding reads what is new since a minute ago, and the statistics of the minute what is open then
    let during = calls.clone();
    let open = SEALED_AFTER / BUCKET_SECONDS + 1;
    let minute = Duration::from_secs(60);
    read_records(calls, &during, minutes, open + 60 / BUCKET_SECONDS, minute);
    read_records(calls, &during, minutes, open, Duration::ZERO);
    let rows = names * aws_calls::CHECKPOINT_ROW_BYTES;
    let checkpoint = aws_calls::CHECKPOINT_BYTES + rows + aws_calls::HISTORY_BYTES;
    let units = aws_calls::write_units(checkpoint);
    calls.add(aws_calls::PUT_CHECKPOINT, minutes, units);
    let each = (sends + strides) / minutes.max(1) + 6;
    let busy = BASE + WAITS + EACH_CALL * u32::try_from(each).unwrap_or(u32::MAX);
    for _ in 0..minutes {
        calls.invoke(Function::FanOut, busy, aws_calls::FAN_OUT_LOG);
    }
}

/// The calls that a start and a stop add to those that a run makes meanwhile.
pub(super) fn switching(during: &Calls) -> Calls {
    let mut calls = Calls {
        seconds: 1,
        ..Calls::default()
    };
    let messages = |seconds: u64| (during.messages * seconds).div_ceil(during.seconds.max(1));
    calls.invoke(Function::FanOut, Duration::from_secs(DELIVERS_AFTER), 0);
    let needless = messages(AHEAD).div_ceil(aws_calls::SEND_BATCH);
    calls.add(aws_calls::SEND, needless, 1);
    // what came by hand comes by the queue once more
    let twice = messages(DELIVERS_AFTER + DELIVERED_AFTER_STOP);
    calls.add(aws_calls::RECEIVE, twice, 1);
    calls.add(aws_calls::DELETE, twice, 1);
    calls.add(aws_calls::RUN, twice, 1);
    for _ in 0..twice {
        calls.invoke(Function::Tick, NOTHING_TO_DO, 0);
    }
    calls
}

/// Adds the calls of a page that is open for `time` while `during` goes on.
pub(super) fn watch(during: &Calls, time: Duration, assumptions: &Assumptions, calls: &mut Calls) {
    let every = assumptions.poll_every.max(Duration::from_millis(100));
    let polls = (time.as_secs_f64() / every.as_secs_f64()).round() as u64;
    calls.add(aws_calls::LATEST_RUN, polls, 1);
    let buckets = SEALED_AFTER / BUCKET_SECONDS + 1;
    read_records(calls, during, polls, buckets, every);
    for _ in 0..polls {
        calls.invoke(Function::Aggregator, POLL, 0);
    }
}

/// Adds `times` reads of each of some buckets, each with the records since the read before, `every` ago, and those of the
/// time that the cursor goes back beyond that.
fn read_records(calls: &mut Calls, during: &Calls, times: u64, buckets: u64, every: Duration) {
    let shards = during.shards.max(1);
    let window = (every + aws_calls::OVERLAP).as_secs_f64();
    let rate = during.record_bytes as f64 / during.seconds.max(1) as f64 / shards as f64;
    let with_news = ((window / BUCKET_SECONDS as f64).ceil() as u64).clamp(1, buckets);
    let bytes = (rate * window / with_news as f64) as u64;
    let units = aws_calls::read_units(bytes);
    calls.add(aws_calls::READ_RECORDS, times * shards * with_news, units);
    calls.add(
        aws_calls::READ_RECORDS,
        times * shards * (buckets - with_news),
        1,
    );
}
