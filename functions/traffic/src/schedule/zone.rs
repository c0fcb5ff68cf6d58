//! Time zones by name, from the database in the program.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::error::InvalidSchedule;
use crate::clock::Slot;
use crate::run::UtcOffset;

/// The number of changes of a zone's clocks that are looked ahead: those of ten years, mostly.
const CHANGES: usize = 20;

/// Names that are less alike than this are no hint.
const ALIKE: f64 = 0.85;

/// The time zone of a name in any case, with the name as the database spells it.
pub(crate) fn find(name: &str) -> Result<(String, TimeZone), InvalidSchedule> {
    let database = TimeZoneDatabase::bundled();
    let name = name.trim();
    let zone = database.get(name).map_err(|_| unknown(&database, name))?;
    let spelt = zone.iana_name().unwrap_or(name).to_owned();
    Ok((spelt, zone))
}

/// The offsets of a zone's clocks from UTC from a slot on, with the changes of the next ten years or so;
/// the last one is as good a guess as any for what comes after.
pub(crate) fn offsets(zone: &TimeZone, from: Slot) -> Vec<UtcOffset> {
    let second = i64::try_from(from.0).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX);
    let mut offsets = vec![UtcOffset {
        from,
        seconds: zone.to_offset(at).seconds(),
    }];
    for change in zone.following(at).take(CHANGES) {
        let seconds = change.offset().seconds();
        // a zone may get another name only
        if offsets.last().is_some_and(|last| last.seconds != seconds) {
            let from = Slot(u64::try_from(change.timestamp().as_second()).unwrap_or_default());
            offsets.push(UtcOffset { from, seconds });
        }
    }
    offsets
}

fn unknown(database: &TimeZoneDatabase, name: &str) -> InvalidSchedule {
    let wanted = name.to_lowercase();
    let best = database
        .available()
        .map(|known| {
            // who writes "Berlin" means "Europe/Berlin"
            let lower = known.as_str().to_lowercase();
            let city = lower.rsplit('/').next().unwrap_or(&lower);
            let likeness = |to: &str| strsim::jaro_winkler(&wanted, to);
            let best = likeness(city).max(likeness(&lower));
            (best, known.as_str().to_owned())
        })
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let hint = match best {
        Some((likeness, known)) if likeness >= ALIKE => format!(", did you mean {known:?}"),
        _ => String::new(),
    };
    InvalidSchedule::TimeZone {
        name: name.to_owned(),
        hint,
    }
}
