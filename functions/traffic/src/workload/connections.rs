//! Whose connections a class's requests go by, and how old a connection may get.

use std::time::Duration;

use toml::de::DeValue;

use super::read::Fields;
use super::wait::{MAX_DURATION, duration};

/// A connection is used for so long, unless a class says otherwise.
pub const MAX_CONNECTION_AGE: Duration = Duration::from_secs(60);

/// Whose connections a request goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// Its user's own, as in Locust: a load balancer sees many clients.
    #[default]
    Own,
    /// Those of all users of the process.
    Shared,
}

/// The rules for connections in `[defaults]` or a class; what they leave open is left to what is further out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConnectionRules {
    pub(super) connections: Option<Connections>,
    pub(super) max_age: Option<Duration>,
}

impl ConnectionRules {
    /// Reads `connections` and `max_connection_age`.
    pub(super) fn read(fields: &Fields<'_, '_, '_>) -> Self {
        let connections = "\"own\" or \"shared\"";
        let age = "a time from \"1ms\" to \"24h\", such as \"60s\"";
        Self {
            connections: fields.read("connections", connections, |value| match value {
                DeValue::String(text) if text == "own" => Some(Connections::Own),
                DeValue::String(text) if text == "shared" => Some(Connections::Shared),
                _ => None,
            }),
            max_age: fields.read("max_connection_age", age, |value| {
                let allowed = Duration::from_millis(1)..=MAX_DURATION;
                duration(value).filter(|age| allowed.contains(age))
            }),
        }
    }

    /// These rules, and for what they do not say those of further out.
    pub(super) fn or(self, outer: Self) -> Self {
        Self {
            connections: self.connections.or(outer.connections),
            max_age: self.max_age.or(outer.max_age),
        }
    }
}
