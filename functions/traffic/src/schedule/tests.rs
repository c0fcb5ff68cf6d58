//! When crons fire, what they are on EventBridge Scheduler, and what is refused.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

use super::Cron;
use crate::clock::Timestamp;
use crate::ports::Schedule;

const MINUTE: u64 = 60_000_000;
const ZONES: [&str; 5] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    // half an hour of daylight saving
    "Australia/Lord_Howe",
];

fn cron(text: &str, zone: &str) -> Cron {
    Cron::parse(text, zone).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

fn instant(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_micros(at.as_microsecond().try_into().unwrap())
}

fn text_of(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.micros().try_into().unwrap());
    at.unwrap().to_string()
}

/// The next `count` times, in UTC.
fn fires(cron: &Cron, after: &str, count: usize) -> Vec<String> {
    let next = |at: &Timestamp| cron.next_after(*at);
    let times = std::iter::successors(cron.next_after(instant(after)), next);
    times.take(count).map(text_of).collect()
}

fn refusal(text: &str, zone: &str) -> String {
    Cron::parse(text, zone).unwrap_err().to_string()
}

#[test]
fn weekdays_nine_to_five_is_by_the_clock_on_the_wall() {
    let start = cron("0 9 * * 1-5", "Europe/Berlin");
    // Friday in winter, Monday, and the Monday after the clocks went forward
    let expected = ["2026-03-27T08:00:00Z", "2026-03-30T07:00:00Z"];
    assert_eq!(fires(&start, "2026-03-26T08:00:00Z", 2), expected);
    let stop = cron("0 17 * * MON-FRI", "America/New_York");
    let expected = ["2026-10-30T21:00:00Z", "2026-11-02T22:00:00Z"];
    assert_eq!(fires(&stop, "2026-10-30T20:59:59.5Z", 2), expected);
}

#[test]
fn a_time_that_the_clocks_leave_out_is_left_out() {
    let berlin = cron("30 2 * * *", "Europe/Berlin");
    let expected = ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(fires(&berlin, "2026-03-27T12:00:00Z", 2), expected);
    let new_york = cron("0 2 * * *", "America/New_York");
    let expected = ["2026-03-07T07:00:00Z", "2026-03-09T06:00:00Z"];
    assert_eq!(fires(&new_york, "2026-03-06T12:00:00Z", 2), expected);
    let every_half_hour = cron("*/30 * * * *", "Europe/Berlin");
    let expected = [
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-29T01:30:00Z",
    ];
    assert_eq!(fires(&every_half_hour, "2026-03-29T00:00:00Z", 3), expected);
}

#[test]
fn a_time_that_comes_twice_fires_the_first_time_only() {
    let berlin = cron("30 2 * * *", "Europe/Berlin");
    let expected = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(fires(&berlin, "2026-10-24T12:00:00Z", 2), expected);
    // asked in the second of the two hours
    assert_eq!(fires(&berlin, "2026-10-25T01:10:00Z", 1), expected[1..]);
    let new_york = cron("0,30 1,2 * * *", "America/New_York");
    let expected = [
        "2026-11-01T05:00:00Z",
        "2026-11-01T05:30:00Z",
        "2026-11-01T07:00:00Z",
    ];
    assert_eq!(fires(&new_york, "2026-11-01T04:00:00Z", 3), expected);
}

#[test]
fn the_last_of_february_comes_every_four_years() {
    let leap = cron("0 0 29 2 *", "UTC");
    let expected = ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"];
    assert_eq!(fires(&leap, "2026-01-01T00:00:00Z", 2), expected);
}

#[test]
fn crons_read_on_eventbridge_as_amazon_writes_them() {
    for (text, expected) in [
        ("0 9 * * 1-5", "cron(0 9 ? * MON-FRI *)"),
        ("30 8 1 * *", "cron(30 8 1 * ? *)"),
        ("* * * * *", "cron(* * * * ? *)"),
        ("*/15 8-18 * * *", "cron(0/15 8-18 * * ? *)"),
        ("5-59/10 */6 * * *", "cron(5/10 0/6 * * ? *)"),
        ("0 0 * jan,JUL 7", "cron(0 0 ? 1,7 SUN *)"),
        ("0 0 * * 0,6", "cron(0 0 ? * SUN,SAT *)"),
        ("0 0 * * fri-sun", "cron(0 0 ? * SUN,FRI,SAT *)"),
        ("0 0 * * */2", "cron(0 0 ? * SUN,TUE,THU,SAT *)"),
        ("0 0 1-31 * 1", "cron(0 0 ? * MON *)"),
        ("  0   9 *  * 0-7 ", "cron(0 9 * * ? *)"),
        ("1,2,3,9 1,2 1-7/2 */3 *", "cron(1-3,9 1,2 1,3,5,7 1/3 ? *)"),
    ] {
        assert_eq!(cron(text, "UTC").to_eventbridge(), expected, "{text}");
    }
}

#[test]
fn expressions_of_eventbridge_become_five_fields_again() {
    for (expression, expected) in [
        ("cron(0 9 ? * MON-FRI *)", "0 9 * * 1-5"),
        ("cron(0 9 ? * 2-6 *)", "0 9 * * 1-5"),
        ("cron(30 8 1 * ? *)", "30 8 1 * *"),
        (" cron( 0/15 8-18 * * ? * ) ", "*/15 8-18 * * *"),
        ("cron(5/10 0/6 * 1-3 ? *)", "5-59/10 */6 * 1-3 *"),
        ("cron(0 0 ? JAN 1 *)", "0 0 * 1 0"),
        ("cron(0 0 * * ? *)", "0 0 * * *"),
        ("cron(0 0 ? * * *)", "0 0 * * *"),
        ("cron(0 20 ? * SUN,7 *)", "0 20 * * 0,6"),
    ] {
        let cron = Cron::from_eventbridge(expression, "Europe/Berlin").unwrap();
        assert_eq!(cron.text(), expected, "{expression}");
        assert_eq!(cron.time_zone(), "Europe/Berlin");
    }
}

#[test]
fn what_five_fields_cannot_say_is_refused() {
    for (expression, problem) in [
        ("rate(1 minute)", "does not read cron(...)"),
        ("at(2026-11-20T13:00:00)", "does not read cron(...)"),
        ("cron(0 9 * * ?)", "does not have six fields"),
        ("cron(0 9 * * ? 2027)", "names years"),
        ("cron(0 9 L * ? *)", "day of month \"L\""),
        ("cron(0 9 3W * ? *)", "day of month \"3W\""),
        ("cron(0 9 ? * 6#3 *)", "day of week \"6#3\""),
        ("cron(0 9 ? * 0 *)", "day of week \"0\""),
        ("cron(0 9 1 * MON *)", "both given"),
    ] {
        let refused = Cron::from_eventbridge(expression, "UTC").unwrap_err();
        let line = refused.to_string();
        assert!(line.contains(problem), "{expression}: {line}");
    }
}

#[test]
fn a_mistake_names_the_field_and_what_to_write() {
    for (text, field, hint) in [
        ("60 * * * *", "minute \"60\"", "0 to 59"),
        ("*/0 * * * *", "minute \"*/0\"", "0 to 59"),
        ("5/10 * * * *", "minute \"5/10\"", "*/15"),
        ("0 24 * * *", "hour \"24\"", "0 to 23"),
        ("0 -1 * * *", "hour \"-1\"", "0 to 23"),
        ("0 9-17-18 * * *", "hour \"9-17-18\"", "9-17"),
        ("0 17-9 * * *", "hour \"17-9\"", "9-17"),
        ("0 9,,10 * * *", "hour \"9,,10\"", "9,13"),
        ("0 9 0 * *", "day of month \"0\"", "1 to 31"),
        ("0 9 L * *", "day of month \"L\"", "1 to 31"),
        ("0 9 ? * 1", "day of month \"?\"", "1 to 31"),
        ("0 9 * 13 *", "month \"13\"", "JAN to DEC"),
        ("0 9 * MON *", "month \"MON\"", "JAN to DEC"),
        ("0 9 * * 8", "day of week \"8\"", "SUN to SAT"),
        ("0 9 * * JAN", "day of week \"JAN\"", "SUN to SAT"),
        ("0 9 * * SUNMON", "day of week \"SUNMON\"", "SUN to SAT"),
        ("0 9 * * 5L", "day of week \"5L\"", "SUN to SAT"),
        ("0 9 * * 1#2", "day of week \"1#2\"", "SUN to SAT"),
        ("0 9 * * Größe", "day of week \"Größe\"", "SUN to SAT"),
        ("0 0 9 * * *", "has 6 fields", "write five"),
        ("@daily", "has 1 fields", "write five"),
        ("", "has 0 fields", "write five"),
        ("0 9 1 * 1", "day of month and day of week", "write \"*\""),
        (
            "0 9 */2 * 1-5",
            "day of month and day of week",
            "write \"*\"",
        ),
        ("0 9 30 2 *", "no such day", "\"2\""),
        ("0 9 31 2,4-6/2,9,11 *", "no such day", "\"31\""),
    ] {
        let line = refusal(text, "UTC");
        let is_good = line.contains(field) && line.contains(hint) && !line.contains('\n');
        assert!(is_good, "{text}: {line}");
    }
}

#[test]
fn a_time_zone_that_is_not_known_is_named_with_what_may_be_meant() {
    for (name, hint) in [
        ("Europe/Berln", "did you mean \"Europe/Berlin\""),
        ("berlin", "did you mean \"Europe/Berlin\""),
        ("New_York", "did you mean \"America/New_York\""),
        ("+02:00", "write a name as"),
        ("", "write a name as"),
        ("localtime", "write a name as"),
        ("posix/Europe/Berlin", "write a name as"),
    ] {
        let line = refusal("0 9 * * *", name);
        assert!(line.contains(hint), "{name}: {line}");
    }
    assert_eq!(
        cron("0 9 * * *", " europe/berlin ").time_zone(),
        "Europe/Berlin"
    );
    assert_eq!(cron("0 9 * * *", "utc").time_zone(), "UTC");
}

fn schedule() -> Schedule {
    Schedule {
        name: "weekdays-9_to_5".into(),
        start: Some("0 9 * * 1-5".into()),
        stop: Some("0 17 * * 1-5".into()),
        time_zone: "Europe/Berlin".into(),
        swarm: r#"{"user_count":50}"#.into(),
    }
}

#[test]
fn a_good_schedule_stays_as_it_is_but_for_spaces_and_case() {
    assert_eq!(schedule().checked().unwrap(), schedule());
    let mut typed = schedule();
    typed.start = Some(" 0  9 * * 1-5".into());
    typed.time_zone = "EUROPE/BERLIN".into();
    assert_eq!(typed.checked().unwrap(), schedule());
}

#[test]
fn a_schedule_with_a_mistake_is_refused_with_the_field_that_has_it() {
    type Spoil = fn(&mut Schedule);
    let cases: [(Spoil, &str); 9] = [
        (|s| s.name = "".into(), "name: \"\""),
        (|s| s.name = "a".repeat(59), "1 to 58"),
        (|s| s.name = "nine to five".into(), "'-' and '_'"),
        (|s| (s.start, s.stop) = (None, None), "start: neither"),
        (
            |s| s.start = Some("0 25 * * *".into()),
            "start: hour \"25\"",
        ),
        (
            |s| s.stop = Some("5pm".into()),
            "stop: \"5pm\" has 1 fields",
        ),
        (|s| s.time_zone = "Mars".into(), "time_zone: \"Mars\""),
        (
            |s| s.swarm = "{user_count:1}".into(),
            "swarm: not a JSON object",
        ),
        (|s| s.swarm = "[1]".into(), "swarm: not a JSON object"),
    ];
    for (spoil, expected) in cases {
        let mut spoilt = schedule();
        spoil(&mut spoilt);
        let line = spoilt.checked().unwrap_err().to_string();
        assert!(line.contains(expected), "{line}");
    }
}

/// A field as text, with its values worked out apart from the code under test.
fn field(min: u16, max: u16) -> impl Strategy<Value = (String, Vec<u16>)> {
    let one = (min..=max).prop_map(|one| (one.to_string(), vec![one]));
    let range = (min..=max, min..=max).prop_map(|(one, other)| {
        let (from, to) = (one.min(other), one.max(other));
        (format!("{from}-{to}"), (from..=to).collect())
    });
    let step = (1..=max).prop_map(move |step| {
        let values = (min..=max).filter(|value| (value - min).is_multiple_of(step));
        (format!("*/{step}"), values.collect())
    });
    let every = Just(("*".to_owned(), (min..=max).collect()));
    let part = prop_oneof![3 => one, 2 => range, 1 => step];
    let list = prop::collection::vec(part, 1..3).prop_map(|parts| {
        let texts: Vec<String> = parts.iter().map(|(text, _)| text.clone()).collect();
        (
            texts.join(","),
            parts.into_iter().flat_map(|(_, v)| v).collect(),
        )
    });
    prop_oneof![2 => every, 3 => list]
}

#[derive(Clone, Debug)]
struct Five {
    text: String,
    values: [Vec<u16>; 5],
}

impl Five {
    fn matches(&self, at: DateTime) -> bool {
        let weekday = at.weekday().to_sunday_zero_offset();
        let parts = [at.minute(), at.hour(), at.day(), at.month(), weekday];
        let pairs = self.values.iter().zip(parts);
        pairs
            .into_iter()
            .all(|(values, part)| values.contains(&(part as u16)))
    }
}

fn five() -> impl Strategy<Value = Five> {
    let day = prop_oneof![
        (
            field(1, 31),
            Just(("*".to_owned(), (0..7).collect::<Vec<_>>()))
        ),
        (
            Just(("*".to_owned(), (1..=31).collect::<Vec<_>>())),
            field(0, 6)
        ),
    ];
    let fields = (field(0, 59), field(0, 23), day, field(1, 12));
    fields.prop_map(|(minute, hour, (day, weekday), month)| {
        let texts = [&minute.0, &hour.0, &day.0, &month.0, &weekday.0];
        Five {
            text: texts.map(String::as_str).join(" "),
            values: [minute.1, hour.1, day.1, month.1, weekday.1],
        }
    })
}

/// Instants near the changes of the clocks, and others.
fn instants() -> impl Strategy<Value = Timestamp> {
    let changes = [
        "2026-03-29T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-03-08T07:00:00Z",
        "2026-11-01T06:00:00Z",
        "2026-04-04T15:00:00Z",
        "2026-10-03T15:30:00Z",
    ];
    let near = (
        prop::sample::select(changes.to_vec()),
        0..2 * 1_440 * MINUTE,
    )
        .prop_map(|(change, offset)| instant(change).micros() - 1_440 * MINUTE + offset);
    let any = 1_700_000_000_000_000_u64..2_000_000_000_000_000;
    prop_oneof![near, any].prop_map(Timestamp::from_micros)
}

/// Whether a minute that begins at `at` is one that fires, looked at by itself.
fn fires_at(five: &Five, zone: &TimeZone, at: u64) -> bool {
    let at = jiff::Timestamp::from_microsecond(at.try_into().unwrap()).unwrap();
    let local = zone.to_datetime(at);
    five.matches(local) && zone.to_ambiguous_timestamp(local).earlier().unwrap() == at
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_next_time_is_later_and_matches_and_none_comes_before_it(
        five in five(),
        name in prop::sample::select(ZONES.to_vec()),
        after in instants(),
    ) {
        let Ok(cron) = Cron::parse(&five.text, name) else {
            return Err(TestCaseError::reject("no such day"));
        };
        let zone = zone(name);
        let next = cron.next_after(after).unwrap();
        prop_assert!(next > after);
        prop_assert!(fires_at(&five, &zone, next.micros()), "{}", text_of(next));
        let days_later = after.micros() + 4 * 1_440 * MINUTE;
        let first_minute = (after.micros() / MINUTE + 1) * MINUTE;
        let minutes = (first_minute..next.micros().min(days_later)).step_by(MINUTE as usize);
        for minute in minutes {
            let missed = text_of(Timestamp::from_micros(minute));
            prop_assert!(!fires_at(&five, &zone, minute), "missed {missed}");
        }
    }

    #[test]
    fn there_and_back_from_eventbridge_fires_at_the_same_times(
        five in five(),
        after in instants(),
    ) {
        let Ok(cron) = Cron::parse(&five.text, "Europe/Berlin") else {
            return Err(TestCaseError::reject("no such day"));
        };
        let expression = cron.to_eventbridge();
        // the limit of ScheduleExpression
        prop_assert!(expression.len() <= 256, "{expression}");
        let back = Cron::from_eventbridge(&expression, "Europe/Berlin").unwrap();
        prop_assert_eq!(back.to_eventbridge(), expression);
        let mut at = after;
        for _ in 0..5 {
            let next = cron.next_after(at);
            prop_assert_eq!(back.next_after(at), next);
            at = next.unwrap();
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ -~]{0,30}", zone in "[ -~]{0,20}") {
        let _ = Cron::parse(&text, &zone);
        let _ = Cron::from_eventbridge(&format!("cron({text})"), "UTC");
        if let Ok(cron) = Cron::parse(&text, "UTC") {
            prop_assert!(cron.next_after(Timestamp::default()).is_some());
        }
    }
}
