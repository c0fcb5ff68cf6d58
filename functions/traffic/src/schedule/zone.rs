//! Time zones by name, from the database in the program.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::InvalidSchedule;

/// Names that are less alike than this are no hint.
const ALIKE: f64 = 0.85;

/// The time zone of a name in any case, with the name as the database spells it.
pub(super) fn find(name: &str) -> Result<(String, TimeZone), InvalidSchedule> {
    let database = TimeZoneDatabase::bundled();
    let name = name.trim();
    let zone = database.get(name).map_err(|_| unknown(&database, name))?;
    let spelt = zone.iana_name().unwrap_or(name).to_owned();
    Ok((spelt, zone))
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
