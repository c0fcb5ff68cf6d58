//! The stretch of a run that is played.

use super::*;

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
fn a_stretch_of_nothing_is_nothing() {
    let run = run(&[("TargetAppUser", 1)]);
    let nothing = calls(&run, Slot(1), Slot(1), &Assumptions::default());
    assert_eq!((nothing.seconds, nothing.write_units()), (0, 0));
}
