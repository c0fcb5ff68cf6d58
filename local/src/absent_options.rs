//! Locust's options and variables that Cicada does not have, and what takes their place.

use std::ffi::OsString;

/// An option of Locust's that would change the traffic, or who sends it, if it were passed over.
struct Absent {
    /// The option without its dashes.
    option: &'static str,
    /// The variable that means the same, if it must not be passed over either.
    variable: Option<&'static str>,
    instead: &'static str,
}

const DISTRIBUTED: &str = "one Cicada sends all of the traffic: leave it out, or let several processes share a table \
    (docs/containers.md)";

const PASSWORD: &str = "set the variable LOCUST_BASIC_AUTH=user:password";

const PAGE: &str = "the web page is Cicada's own: leave it out";

const ABSENT: [Absent; 17] = [
    absent("master", Some("LOCUST_MODE_MASTER"), DISTRIBUTED),
    absent("master-bind-host", None, DISTRIBUTED),
    absent("master-bind-port", None, DISTRIBUTED),
    absent("expect-workers", None, DISTRIBUTED),
    absent("expect-workers-max-wait", None, DISTRIBUTED),
    absent("expect-slaves", None, DISTRIBUTED),
    absent("enable-rebalancing", None, DISTRIBUTED),
    absent("worker", Some("LOCUST_MODE_WORKER"), DISTRIBUTED),
    absent("slave", None, DISTRIBUTED),
    absent("master-host", None, DISTRIBUTED),
    absent("master-port", None, DISTRIBUTED),
    absent("processes", Some("LOCUST_PROCESSES"), DISTRIBUTED),
    absent("web-auth", Some("LOCUST_WEB_AUTH"), PASSWORD),
    absent("web-login", Some("LOCUST_WEB_LOGIN"), PASSWORD),
    absent("web-host-display-name", None, "leave it out"),
    absent("build-path", None, PAGE),
    absent("headful", None, "no class drives a browser: leave it out"),
];

const fn absent(
    option: &'static str,
    variable: Option<&'static str>,
    instead: &'static str,
) -> Absent {
    Absent {
        option,
        variable,
        instead,
    }
}

/// What takes the place of an option of Locust's, written with or without its dashes.
pub fn instead_of(option: &str) -> Option<&'static str> {
    let (name, _) = option.split_once('=').unwrap_or((option, ""));
    let name = name.trim_start_matches('-');
    let absent = ABSENT.iter().find(|absent| absent.option == name);
    absent.map(|absent| absent.instead)
}

/// The mistake of a variable that is set and would change the traffic, if one is.
pub(crate) fn variable(environment: &dyn Fn(&str) -> Option<OsString>) -> Option<String> {
    let is_set = |name: &str| {
        let value = environment(name);
        let value = value
            .as_ref()
            .map(|value| value.to_string_lossy().to_lowercase());
        value.is_some_and(|value| !matches!(&*value, "" | "0" | "false" | "no" | "off"))
    };
    ABSENT.iter().find_map(|absent| {
        let name = absent.variable.filter(|name| is_set(name))?;
        let instead = absent.instead;
        Some(format!("the variable {name} is Locust's: {instead}"))
    })
}
