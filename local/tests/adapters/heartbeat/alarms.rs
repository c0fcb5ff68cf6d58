//! Schedules as they fall due, in paused time: two weeks in a moment.

use std::time::Duration;

use local::heartbeat::{Action, Alarm, Alarms, Beats, TokioHeartbeat};
use local::store::SqliteStore;
use tokio::time::{Instant, timeout};
use traffic::clock::{Clock, Timestamp};
use traffic::ports::{Heartbeat, Schedule};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// What a machine has whose time begins at some instant of UTC.
struct Machine {
    clock: Clock,
    heartbeat: TokioHeartbeat,
    alarms: Alarms,
    _beats: Beats,
}

impl Machine {
    fn new(began: &str) -> Self {
        let clock = Clock::following_tokio(utc(began));
        let store = SqliteStore::temporary(clock.clone()).unwrap();
        Self::on(store, clock)
    }

    fn on(store: SqliteStore, clock: Clock) -> Self {
        let (heartbeat, beats) = TokioHeartbeat::new(clock.clone(), store);
        Self {
            alarms: Alarms::new(
                without_time_passing(heartbeat.subscribe()).unwrap(),
                clock.clone(),
            ),
            clock,
            heartbeat,
            _beats: beats,
        }
    }

    fn put(&self, schedule: &Schedule) {
        put(&self.heartbeat, schedule);
    }

    /// Everything that is due in the time to come, with how late it rang.
    async fn ring_for(&mut self, time: Duration) -> Vec<Alarm> {
        let until = Instant::now() + time;
        let mut rung = Vec::new();
        while let Ok(alarm) = tokio::time::timeout_at(until, self.alarms.next()).await {
            let alarm = alarm.expect("the heartbeat is there");
            let late = self.clock.now().since(alarm.at);
            assert!(late <= Duration::from_millis(5), "{alarm:?}: {late:?}");
            rung.push(alarm);
        }
        rung
    }
}

fn put(heartbeat: &TokioHeartbeat, schedule: &Schedule) {
    without_time_passing(heartbeat.put_schedule(schedule)).unwrap();
}

/// The database answers from a thread of its own: paused time must not pass until it has.
fn without_time_passing<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(future)
        });
        waiting.join().unwrap()
    })
}

/// The instant of a text such as `2026-03-29T00:59:30`.
fn utc(text: &str) -> Timestamp {
    let (date, time) = text.split_once('T').unwrap();
    let numbers =
        |text: &str, by| -> Vec<i64> { text.split(by).map(|part| part.parse().unwrap()).collect() };
    let (date, time) = (numbers(date, '-'), numbers(time, ':'));
    // days since the epoch, by the civil calendar
    let (year, month) = if date[1] > 2 {
        (date[0], date[1] - 3)
    } else {
        (date[0] - 1, date[1] + 9)
    };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date[2] - 1;
    let seconds = (days - 719_468) * 86_400 + time[0] * 3_600 + time[1] * 60 + time[2];
    Timestamp::from_micros(u64::try_from(seconds).unwrap() * 1_000_000)
}

fn schedule(name: &str, start: &str, stop: &str, time_zone: &str) -> Schedule {
    let cron = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Schedule {
        name: name.into(),
        start: cron(start),
        stop: cron(stop),
        time_zone: time_zone.into(),
        swarm: format!("{{\"user_count\":{}}}", name.len()),
    }
}

fn alarm(at: &str, action: Action, schedule: &str) -> Alarm {
    Alarm {
        at: utc(at),
        action,
        schedule: schedule.into(),
    }
}

fn start(name: &str) -> Action {
    Action::Start(schedule(name, "", "", "").swarm)
}

#[tokio::test(start_paused = true)]
async fn weekdays_nine_to_five_ring_through_a_change_of_the_clocks() {
    // a Monday; on the last Sunday of March Berlin goes from UTC+1 to UTC+2
    let mut machine = Machine::new("2026-03-23T00:00:00");
    let week = schedule("week", "0 9 * * 1-5", "0 17 * * MON-FRI", "Europe/Berlin");
    machine.put(&week);
    let rung = machine.ring_for(14 * DAY).await;
    let mut expected = Vec::new();
    for (days, nine, five) in [
        (["03-23", "03-24", "03-25", "03-26", "03-27"], "08", "16"),
        (["03-30", "03-31", "04-01", "04-02", "04-03"], "07", "15"),
    ] {
        for day in days {
            expected.push(alarm(
                &format!("2026-{day}T{nine}:00:00"),
                start("week"),
                "week",
            ));
            expected.push(alarm(
                &format!("2026-{day}T{five}:00:00"),
                Action::Stop,
                "week",
            ));
        }
    }
    assert_eq!(rung, expected);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_the_clocks_leave_out_or_have_twice_rings_not_at_all_or_once() {
    for (began, rings) in [
        ("2026-03-28T20:00:00", vec!["2026-03-30T00:30:00"]),
        (
            "2026-10-24T20:00:00",
            vec!["2026-10-25T00:30:00", "2026-10-26T01:30:00"],
        ),
    ] {
        let mut machine = Machine::new(began);
        machine.put(&schedule("night", "30 2 * * *", "", "Europe/Berlin"));
        let rung = machine.ring_for(32 * HOUR).await;
        let expected: Vec<Alarm> = rings
            .iter()
            .map(|at| alarm(at, start("night"), "night"))
            .collect();
        assert_eq!(rung, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn at_one_instant_what_stops_comes_before_what_starts() {
    let mut machine = Machine::new("2026-07-01T11:59:00");
    machine.put(&schedule("a-starts", "0 12 * * *", "", "UTC"));
    machine.put(&schedule("b-stops", "", "0 14 * * *", "Europe/Berlin"));
    machine.put(&schedule("c", "0 8 * * *", "5 8 * * *", "America/New_York"));
    let rung = machine.ring_for(HOUR).await;
    let expected = [
        alarm("2026-07-01T12:00:00", Action::Stop, "b-stops"),
        alarm("2026-07-01T12:00:00", start("a-starts"), "a-starts"),
        alarm("2026-07-01T12:00:00", start("c"), "c"),
        alarm("2026-07-01T12:05:00", Action::Stop, "c"),
    ];
    assert_eq!(rung, expected);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_put_or_deleted_while_it_waits_is_heard_at_once() {
    let mut machine = Machine::new("2026-07-01T11:00:30");
    let heartbeat = machine.heartbeat.clone();
    let changes = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        // due within the second
        put(&heartbeat, &schedule("new", "*/10 * * * *", "", "UTC"));
        tokio::time::sleep(Duration::from_secs(15 * 60)).await;
        put(&heartbeat, &schedule("new", "", "30 11 * * *", "UTC"));
        tokio::time::sleep(HOUR).await;
        let deleted = without_time_passing(heartbeat.delete_schedule("new"));
        assert!(deleted.unwrap());
    };
    let (rung, ()) = tokio::join!(machine.ring_for(3 * DAY), changes);
    let expected = [
        alarm("2026-07-01T11:10:00", start("new"), "new"),
        alarm("2026-07-01T11:30:00", Action::Stop, "new"),
    ];
    assert_eq!(rung, expected);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_does_not_ring_for_the_minute_that_it_is_put_in() {
    let mut machine = Machine::new("2026-07-01T11:59:50");
    assert_eq!(machine.ring_for(Duration::from_secs(5)).await, []);
    // nobody looks in the meantime
    tokio::time::sleep(Duration::from_secs(6)).await;
    machine.put(&schedule("noon", "0 12 * * *", "", "UTC"));
    let rung = machine.ring_for(25 * HOUR).await;
    assert_eq!(rung, [alarm("2026-07-02T12:00:00", start("noon"), "noon")]);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_by_less_than_a_minute_rings_late_and_the_rest_not_at_all() {
    for (asleep, rings) in [(59, 1), (61, 0), (24 * 3_600 - 2, 0), (24 * 3_600 + 59, 1)] {
        let mut machine = Machine::new("2026-07-01T11:59:59");
        machine.put(&schedule("noon", "0 12 * * *", "", "UTC"));
        let before = timeout(Duration::from_millis(500), machine.alarms.next()).await;
        assert!(before.is_err());
        // a machine that sleeps looks at nothing
        tokio::time::sleep(Duration::from_secs(asleep)).await;
        let mut rung = 0;
        while timeout(Duration::from_millis(1), machine.alarms.next())
            .await
            .is_ok()
        {
            rung += 1;
        }
        assert_eq!(rung, rings, "asleep for {asleep} s");
    }
}

#[tokio::test(start_paused = true)]
async fn schedules_outlive_the_process_and_what_was_due_meanwhile_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let clock = Clock::following_tokio(utc("2026-07-01T11:50:00"));
    let store = SqliteStore::open(&file, clock.clone()).unwrap();
    let mut machine = Machine::on(store, clock.clone());
    let daily = schedule("daily", "0 12 * * *", "30 12 * * *", "UTC");
    machine.put(&daily);
    assert_eq!(machine.ring_for(Duration::from_secs(60)).await, []);
    drop(machine);
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;

    let store = SqliteStore::open(&file, clock.clone()).unwrap();
    let mut machine = Machine::on(store, clock);
    let kept = without_time_passing(machine.heartbeat.schedules());
    assert_eq!(kept.unwrap(), [daily]);
    let rung = machine.ring_for(DAY).await;
    let expected = [
        alarm("2026-07-01T12:30:00", Action::Stop, "daily"),
        alarm("2026-07-02T12:00:00", start("daily"), "daily"),
    ];
    assert_eq!(rung, expected);
}

#[tokio::test(start_paused = true)]
async fn without_a_heartbeat_there_is_no_alarm_to_wait_for() {
    let mut machine = Machine::new("2026-07-01T11:50:00");
    machine.put(&schedule("daily", "0 12 * * *", "", "UTC"));
    let Machine {
        alarms, heartbeat, ..
    } = &mut machine;
    let _ = timeout(Duration::from_secs(1), alarms.next()).await;
    let other = TokioHeartbeat::new(
        Clock::following_tokio(utc("2026-07-01T11:50:00")),
        SqliteStore::temporary(Clock::system()).unwrap(),
    )
    .0;
    drop(std::mem::replace(heartbeat, other));
    assert_eq!(alarms.next().await, None);
}
