//! Names that a workload's templates can have for values.

use traffic::workload::is_reserved;

/// A name for a value that is not taken: the wanted one, with `prefix` where it is reserved, and with a number.
pub(crate) fn value_name(wanted: &str, prefix: &str, taken: impl Fn(&str) -> bool) -> String {
    let wanted = match is_reserved(wanted) {
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
