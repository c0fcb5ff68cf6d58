//! A daily curve: as many users as it says at every second, on any day, whichever way it is asked.

use std::f64::consts::PI;

use super::*;
use crate::run::{DailyCurve, DayPoint, ShapePart, UtcOffset};
use crate::workload::{Course, Workload};

const DAY: u64 = 24 * 60 * 60;

/// Midnight of UTC, on the 1st of March 2027.
const MIDNIGHT: Slot = Slot(1_803_859_200);

/// A curve by the clocks of UTC: minutes of the day, and users.
fn by_utc(points: &[(u32, u32)]) -> DailyCurve {
    let points = points.iter().map(|&(minute, users)| DayPoint {
        at: minute * 60,
        users,
    });
    DailyCurve {
        points: points.collect(),
        offsets: vec![UtcOffset {
            from: MIDNIGHT,
            seconds: 0,
        }],
    }
}

/// A run that follows a curve from a slot on.
fn following(daily: &DailyCurve, from: Slot, spawn_rate: f64) -> Run {
    let part = ShapePart {
        name: "Curve".into(),
        daily: Some(daily.clone()),
        step: None,
    };
    let first = segment(0, daily.peak(), spawn_rate, &["A", "B"]);
    run(vec![Segment {
        from: from.full_second(),
        shape: Some(part),
        ..first
    }])
}

fn pacing(run: Run, every: f64) -> Plan {
    let wait = Wait::ConstantPacing(seconds(every));
    plan(run, &[("A", wait), ("B", wait)])
}

/// What a curve by UTC says of an instant, in a walk from point to point.
fn stated(daily: &DailyCurve, at: Timestamp) -> f64 {
    let day = at.seconds().rem_euclid(DAY as f64);
    let points = &daily.points;
    let next = points.iter().position(|point| f64::from(point.at) > day);
    let (before, after) = match next {
        Some(next) => (next.checked_sub(1), next),
        None => (Some(points.len() - 1), 0),
    };
    let before = points[before.unwrap_or(points.len() - 1)];
    let after = points[after];
    let since = (day - f64::from(before.at)).rem_euclid(DAY as f64);
    let length = f64::from(after.at) - f64::from(before.at);
    let length = if length > 0.0 {
        length
    } else {
        length + DAY as f64
    };
    let share = (1.0 - (PI * since / length).cos()) / 2.0;
    let (from, to) = (f64::from(before.users), f64::from(after.users));
    from + (to - from) * share
}

fn any_curve() -> impl Strategy<Value = DailyCurve> {
    let points = prop::collection::btree_map(0_u32..1_440, 0_u32..150, 1..9);
    points.prop_map(|points| by_utc(&points.into_iter().collect::<Vec<_>>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Once the users who are started evenly have met the curve, and ever after.
    #[test]
    fn there_are_as_many_users_as_the_curve_says_at_every_second(
        daily in any_curve(),
        start in 0_u64..DAY,
        spawn_rate in 0.5_f64..50.0,
        later in 0_u64..40 * DAY,
    ) {
        let from = MIDNIGHT.plus(start);
        let plan = pacing(following(&daily, from, spawn_rate), 1.0);
        let reached = from.plus((f64::from(daily.peak()) / spawn_rate) as u64 + 2);
        for slot in (0..300).map(|second| reached.plus(later + second)) {
            let (count, stated) = (plan.user_count(slot.full_second()), stated(&daily, slot.full_second()));
            prop_assert!((count as f64 - stated).abs() <= 0.5 + 1e-6, "{count} users at {slot}, not {stated}");
            let by_class: u32 = plan.class_counts(slot.full_second()).iter().sum();
            prop_assert_eq!(u64::from(by_class), count);
            prop_assert_eq!(plan.phase(slot.full_second()), Phase::Running);
        }
    }

    #[test]
    fn users_meet_the_curve_by_the_spawn_rate_and_not_faster(
        daily in any_curve(),
        start in 0_u64..DAY,
        spawn_rate in 0.5_f64..50.0,
    ) {
        let from = MIDNIGHT.plus(start);
        let plan = pacing(following(&daily, from, spawn_rate), 1.0);
        let met = (1..400).map(|after| from.plus(after)).find(|slot| {
            let passed = (slot.0 - from.0) as f64;
            stated(&daily, slot.full_second()) <= passed * spawn_rate + 0.5
        });
        // where the curve passes the middle between two numbers, rounding decides which of them it is
        let stated = stated(&daily, met.unwrap().full_second());
        let targets = [-1e-6, 1e-6].map(|rounding| (stated + rounding).round() as u64);
        for slot in (from.0..met.unwrap().0).map(Slot) {
            let passed = (slot.0 - from.0) as f64;
            let count = plan.user_count(slot.full_second());
            let spawned = (passed * spawn_rate + 1e-9) as u64 + 1;
            let allowed = targets.map(|target| spawned.min(target));
            prop_assert!(allowed.contains(&count), "{count} users after {passed} s, not {allowed:?}");
        }
    }

    /// Across points of the curve, where one ramp hands its users to the next.
    #[test]
    fn a_slot_of_a_curve_is_the_same_asked_alone_and_in_a_walk(
        points in prop::collection::btree_map(0_u32..12, 0_u32..150, 1..8),
        wait in any_wait(),
        day in 0_u64..400,
        alone in 0_u64..720,
    ) {
        let daily = by_utc(&points.into_iter().collect::<Vec<_>>());
        let run = following(&daily, MIDNIGHT, 7.0);
        let waits = [("A", wait), ("B", wait)];
        let walked = plan(run.clone(), &waits);
        let slots = (0..720).map(|second| MIDNIGHT.plus(day * DAY + second));
        let walk: Vec<_> = slots.map(|slot| walked.slot(slot)).collect();
        let slot = MIDNIGHT.plus(day * DAY + alone);
        let fresh = plan(run, &waits);
        prop_assert_eq!(&fresh.slot(slot), &walk[alone as usize]);
        prop_assert_eq!(fresh.slot(slot), walked.slot(slot), "asked again");
    }

    /// A user is there without a break, or gone: its turns of a slot each say so.
    #[test]
    fn everybody_the_curve_counts_is_asked_and_nobody_else(
        daily in any_curve(),
        later in 0_u64..40 * DAY,
    ) {
        let turns = Wait::Constant(Duration::ZERO);
        let plan = plan(following(&daily, MIDNIGHT, 5.0), &[("A", turns), ("B", turns)]);
        for slot in (0..40).map(|second| MIDNIGHT.plus(later + second)) {
            let last = Timestamp::from_micros(slot.plus(1).full_second().micros() - 1);
            let due = plan.slot(slot);
            let there = due.iter().flat_map(|(.., due)| due).filter(|due| due.until == slot.plus(1).full_second());
            prop_assert_eq!(there.count() as u64, plan.user_count(last));
        }
    }
}

#[test]
fn who_is_there_day_and_night_is_never_moved_and_who_comes_back_draws_anew() {
    let daily = by_utc(&[(60, 10), (63, 40), (66, 10)]);
    let plan = pacing(following(&daily, MIDNIGHT, 10.0), 7.0);
    let mut by_user: BTreeMap<(usize, u32), Vec<Due>> = BTreeMap::new();
    for day in 0..4 {
        // from before the rise to after the fall
        for second in 3_500..4_100 {
            for (class, _, due) in plan.slot(MIDNIGHT.plus(day * DAY + second)) {
                for due in due {
                    by_user.entry((class, due.user)).or_default().push(due);
                }
            }
        }
    }
    assert_eq!(by_user.len(), 40);
    for ((class, user), due) in by_user {
        let numbers: std::collections::HashSet<_> = due.iter().map(|due| due.iteration).collect();
        assert_eq!(numbers.len(), due.len(), "no number comes twice");
        let days = due
            .iter()
            .map(|due| (due.at.full_second().0 - MIDNIGHT.0) / DAY);
        let days: std::collections::BTreeSet<_> = days.collect();
        assert_eq!(days.len(), 4, "class {class} user {user}");
        if user < 5 {
            let first = due[0].at.micros() % 7_000_000;
            assert!(due.iter().all(|due| due.at.micros() % 7_000_000 == first));
        }
    }
}

/// The curve of a workload file, as a run keeps it that begins in a slot.
fn in_zone(zone: &str, points: &str, from: Slot) -> DailyCurve {
    let source = format!(
        "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\ntask.t.request = '/'\n\
         [shape.S]\ntime_zone = '{zone}'\ndaily = {{ {points} }}\n"
    );
    let workload = Workload::parse(&source, "w.toml", &|_| None).unwrap();
    match workload.shapes()[0].course() {
        Course::Daily(daily) => daily.from(from),
        other => panic!("{other:?}"),
    }
}

/// The instant of a local time, such as `2027-03-28T02:00[Europe/Berlin]`.
fn at(local: &str) -> Slot {
    let zoned: jiff::Zoned = local.parse().unwrap();
    Slot(u64::try_from(zoned.timestamp().as_second()).unwrap())
}

#[test]
fn the_hours_are_those_of_the_zone_before_and_after_its_clocks_change() {
    let zone = "America/New_York";
    let from = at("2027-01-01T00:00[America/New_York]");
    let daily = in_zone(zone, "'04:00' = 3, '09:00' = 50, '17:30' = 20", from);
    let plan = pacing(following(&daily, from, 10.0), 1.0);
    // winter, summer, both days of change, and years later
    for day in [
        "2027-02-01",
        "2027-07-01",
        "2027-03-14",
        "2027-11-07",
        "2031-07-04",
    ] {
        for (time, users) in [("04:00", 3), ("09:00", 50), ("17:30", 20)] {
            let slot = at(&format!("{day}T{time}[{zone}]"));
            assert_eq!(plan.user_count(slot.full_second()), users, "{day} {time}");
        }
    }
}

#[test]
fn when_clocks_skip_or_repeat_an_hour_the_curve_goes_on_smoothly() {
    let zone = "Europe/Berlin";
    let from = at("2027-01-01T12:00[Europe/Berlin]");
    let points = "'01:00' = 10, '02:30' = 90, '04:00' = 40, '18:00' = 60";
    let plan = pacing(following(&in_zone(zone, points, from), from, 10.0), 1.0);
    let users = |slot: Slot| plan.user_count(slot.full_second());
    let spring = at("2027-03-28T01:00[Europe/Berlin]");
    assert_eq!(users(spring), 10);
    // there is no 02:30: from 10 straight to 40, two hours on
    assert_eq!(users(spring.plus(3_600)), 25);
    assert_eq!(users(at("2027-03-28T04:00[Europe/Berlin]")), 40);
    let autumn = at("2027-10-31T01:00[Europe/Berlin]");
    // the first 02:30 of two, and then down to 04:00, which is two and a half hours on
    assert_eq!(users(autumn.plus(5_400)), 90);
    assert_eq!(users(autumn.plus(5_400 + 4_500)), 65);
    assert_eq!(users(at("2027-10-31T04:00[Europe/Berlin]")), 40);
    for night in [spring, autumn] {
        for second in 0..6 * 3_600 {
            let (now, next) = (users(night.plus(second)), users(night.plus(second + 1)));
            assert!(now.abs_diff(next) <= 1, "{now}, then {next}");
        }
    }
}

#[test]
fn a_zone_that_leaves_out_a_whole_day_is_survived() {
    // as Samoa did on the 30th of December 2011
    let daily = DailyCurve {
        points: by_utc(&[(0, 5), (720, 50)]).points,
        offsets: vec![
            UtcOffset {
                from: MIDNIGHT,
                seconds: -10 * 3_600,
            },
            UtcOffset {
                from: MIDNIGHT.plus(10 * DAY + 10 * 3_600),
                seconds: 14 * 3_600,
            },
        ],
    };
    let plan = pacing(following(&daily, MIDNIGHT, 10.0), 1.0);
    let mut before = plan.user_count(MIDNIGHT.plus(100).full_second());
    for minute in 2..20 * 1_440 {
        let users = plan.user_count(MIDNIGHT.plus(minute * 60).full_second());
        assert!(users.abs_diff(before) <= 2 && (5..=50).contains(&users));
        before = users;
    }
}

#[test]
fn a_curve_takes_over_the_users_of_a_run_and_ends_with_it() {
    let daily = by_utc(&[(0, 30)]);
    let mut run = following(&daily, MIDNIGHT.plus(60), 10.0);
    let before = Segment {
        from: MIDNIGHT.full_second(),
        ..segment(0, 50, 100.0, &["A", "B"])
    };
    run.segments.insert(0, before);
    run.segments[1].until = Some(MIDNIGHT.plus(90).full_second());
    let plan = pacing(run, 1.0);
    let users = |second| plan.user_count(MIDNIGHT.plus(second).full_second());
    assert_eq!(
        [users(59), users(60), users(61)],
        [50, 49, 39],
        "ten a second go"
    );
    assert_eq!([users(62), users(89), users(90)], [30, 30, 0]);
    assert_eq!(plan.phase(MIDNIGHT.plus(90).full_second()), Phase::Over);
    let due = plan.slot(MIDNIGHT.plus(80));
    let who_stayed = due.iter().flat_map(|(.., due)| due);
    assert!(
        who_stayed
            .clone()
            .all(|due| due.iteration >> SPAWN_BITS == 0)
    );
    assert_eq!(who_stayed.count(), 30);
}

#[test]
fn a_year_later_users_are_found_who_were_started_a_day_before() {
    // as many points as a file may have, and only one of them at which most users start
    let points: Vec<_> = (0..96)
        .map(|n| (n * 15, if n == 0 { 1 } else { 200 + n % 2 }))
        .collect();
    let plan = pacing(following(&by_utc(&points), MIDNIGHT, 50.0), 30.0);
    let later = MIDNIGHT.plus(365 * DAY + 23 * 3_600);
    let due: usize = (0..600)
        .flat_map(|second| plan.slot(later.plus(second)))
        .map(|(.., due)| due.len())
        .sum();
    // 200 users, and one more half of the time, every 30 seconds
    assert!((4_000..=4_020).contains(&due), "{due}");
}
