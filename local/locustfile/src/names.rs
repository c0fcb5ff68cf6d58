//! Names that a workload's templates can have for values.

/// The names that have a meaning of their own in templates.
const RESERVED: [&str; 35] = [
    "user_class",
    "user",
    "iteration",
    "host",
    "status",
    "body",
    "json",
    "headers",
    "response_time_ms",
    "first_byte_ms",
    "first_event_ms",
    "events",
    "tokens",
    "true",
    "false",
    "none",
    "loop",
    "self",
    "not",
    "and",
    "or",
    "in",
    "is",
    "if",
    "else",
    "range",
    "dict",
    "pick",
    "choice",
    "uniform",
    "randint",
    "uuid",
    "now",
    "env",
    "secret",
];

/// A name for a value that is not taken: the wanted one, with `prefix` where it is reserved, and with a number.
pub(crate) fn value_name(wanted: &str, prefix: &str, taken: impl Fn(&str) -> bool) -> String {
    let is_reserved = RESERVED
        .iter()
        .any(|known| known.eq_ignore_ascii_case(wanted));
    let wanted = match is_reserved {
        true => format!("{prefix}{wanted}"),
        false => wanted.to_owned(),
    };
    let mut name = wanted.clone();
    let mut number = 1;
    while taken(&name) {
        number += 1;
        name = format!("{wanted}_{number}");
    }
    name
}
