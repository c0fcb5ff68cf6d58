//! The five fields: which values each stands for, read from and written in two dialects.

use croner::parser::{CronParser, Seconds, Year};

use super::error::InvalidSchedule;

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The longest each month gets.
const DAYS: [u16; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const DAY: usize = 2;
const MONTH: usize = 3;
const WEEKDAY: usize = 4;

/// One of the five.
struct Field {
    name: &'static str,
    min: u16,
    max: u16,
    names: &'static [&'static str],
    allowed: &'static str,
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        min: 0,
        max: 59,
        names: &[],
        allowed: "*, numbers from 0 to 59, lists as 0,30, ranges as 10-20 or steps as */15",
    },
    Field {
        name: "hour",
        min: 0,
        max: 23,
        names: &[],
        allowed: "*, numbers from 0 to 23, lists as 9,13, ranges as 9-17 or steps as */2",
    },
    Field {
        name: "day of month",
        min: 1,
        max: 31,
        names: &[],
        allowed: "*, numbers from 1 to 31, lists as 1,15, ranges as 1-7 or steps as */2",
    },
    Field {
        name: "month",
        min: 1,
        max: 12,
        names: MONTHS,
        allowed: "*, numbers from 1 to 12, JAN to DEC, lists, ranges as MAR-OCT or steps as */3",
    },
    Field {
        name: "day of week",
        min: 0,
        max: 6,
        names: WEEKDAYS,
        allowed: "*, numbers from 0 to 7 (0 and 7 are Sunday), SUN to SAT, lists or ranges as 1-5",
    },
];

/// The dialect that fields are written in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Weekdays by number, Sunday is 0; a step has a range or `*`.
    Cron,
    /// Weekdays by number, Sunday is 1, or by name; a step has a number to begin with.
    EventBridge,
}

/// The values of each of the five fields, in order; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CronFields([Vec<u16>; 5]);

impl CronFields {
    pub(super) fn parse(five: [&str; 5], dialect: Dialect) -> Result<Self, InvalidSchedule> {
        let mut values = <[Vec<u16>; 5]>::default();
        for (index, text) in five.into_iter().enumerate() {
            values[index] = parse(index, text, dialect).ok_or_else(|| InvalidSchedule::Field {
                field: FIELDS[index].name,
                text: text.to_owned(),
                allowed: FIELDS[index].allowed,
            })?;
        }
        Ok(Self(values))
    }

    /// The pattern that finds the times, if there are any and EventBridge Scheduler knows them too.
    pub(super) fn check(&self) -> Result<croner::Cron, InvalidSchedule> {
        if !self.is_every(DAY) && !self.is_every(WEEKDAY) {
            return Err(InvalidSchedule::BothDays);
        }
        let text = self.write(Dialect::Cron);
        let longest = self.0[MONTH]
            .iter()
            .map(|&month| DAYS[usize::from(month) - 1]);
        let no_such_day = || InvalidSchedule::NoSuchDay {
            days: text[DAY].clone(),
            months: text[MONTH].clone(),
        };
        if self.0[DAY].first() > longest.max().as_ref() {
            return Err(no_such_day());
        }
        let parsed = parser(Dialect::Cron).parse(&text.join(" "));
        parsed.map_err(|_| no_such_day())
    }

    /// The five fields as text, as short as can be.
    pub(super) fn write(&self, dialect: Dialect) -> [String; 5] {
        std::array::from_fn(|index| {
            if self.is_every(index) {
                return "*".to_owned();
            }
            let stepped = (index != WEEKDAY).then(|| self.write_steps(index, dialect));
            stepped.flatten().unwrap_or_else(|| {
                let name = |value: u16| match (index, dialect) {
                    (WEEKDAY, Dialect::EventBridge) => WEEKDAYS[usize::from(value)].to_owned(),
                    _ => value.to_string(),
                };
                write_list(&self.0[index], name)
            })
        })
    }

    fn is_every(&self, index: usize) -> bool {
        let field = &FIELDS[index];
        self.0[index].len() == usize::from(field.max - field.min + 1)
    }

    /// Three or more values, evenly apart and up to the end.
    fn write_steps(&self, index: usize, dialect: Dialect) -> Option<String> {
        let field = &FIELDS[index];
        let (&[first, second, ..], &[.., last]) = (&*self.0[index], &*self.0[index]) else {
            return None;
        };
        let step = second - first;
        let is_even = self.0[index].windows(2).all(|two| two[1] - two[0] == step);
        if step == 1 || !is_even || self.0[index].len() < 3 || last + step <= field.max {
            return None;
        }
        Some(match dialect {
            Dialect::EventBridge => format!("{first}/{step}"),
            Dialect::Cron if first == field.min => format!("*/{step}"),
            Dialect::Cron => format!("{first}-{}/{step}", field.max),
        })
    }
}

/// Numbers and ranges of three and more.
fn write_list(values: &[u16], name: impl Fn(u16) -> String) -> String {
    let runs = values.chunk_by(|one, next| one + 1 == *next);
    let parts = runs.flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{}-{}", name(*first), name(*last))],
        few => few.iter().map(|&value| name(value)).collect(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// The values of one field, or nothing if it is not understood.
fn parse(index: usize, text: &str, dialect: Dialect) -> Option<Vec<u16>> {
    let field = &FIELDS[index];
    // the parser takes more than that: names anywhere, empty parts, and what has no equal elsewhere
    let is_known = |token: &str| {
        let is_number = (1..=2).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_digit());
        let is_name = |name: &&str| name.eq_ignore_ascii_case(token);
        token == "*" || is_number || field.names.iter().any(is_name)
    };
    if !text.split([',', '-', '/']).all(is_known) {
        return None;
    }
    let mut parts = ["*"; 5];
    parts[index] = text;
    let pattern = parser(dialect).parse(&parts.join(" ")).ok()?.pattern;
    let components = [
        pattern.minutes,
        pattern.hours,
        pattern.days,
        pattern.months,
        pattern.days_of_week,
    ];
    let mut values = components[index].values();
    values.retain(|value| *value <= field.max);
    (!values.is_empty()).then_some(values)
}

fn parser(dialect: Dialect) -> CronParser {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .alternative_weekdays(dialect == Dialect::EventBridge)
        .sloppy_ranges(dialect == Dialect::EventBridge)
        .build()
}
