//! The sessions of a class's users: `[class.A.start]`, `[class.A.stop]`, `cookies`, `session_lasts` and
//! `restart_session_on`.

use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::tasks::{self, Place, Requests};
use crate::workload::class::{Order, SessionRules, Task};
use crate::workload::expect::StatusRule;
use crate::workload::read::Fields;
use crate::workload::wait::{MAX_DURATION, duration};

const EXPECTED: &str = "a table with the requests of a session, such as [class.MyUser.start] with \
    request = \"GET /login\"";

/// Reads the rules of the class that `fields` is; nothing if its users keep nothing.
pub(super) fn read(
    fields: &Fields<'_, '_, '_>,
    place: &Place<'_, '_, '_>,
    of_file: Option<bool>,
) -> Option<SessionRules> {
    let start = requests(fields, "start", place);
    let kept = start.as_ref().map(kept).unwrap_or_default();
    let stop = requests(
        fields,
        "stop",
        &Place {
            kept: &kept,
            kept_pools: start.as_ref().map_or(&[][..], Task::pools),
            ..*place
        },
    );
    let own = fields.read("cookies", "true or false", DeValue::as_bool);
    let cookies = own.or(of_file).unwrap_or(false);
    let expected = "a time from \"1s\" to \"24h\", such as \"30m\"";
    let lasts = fields.read("session_lasts", expected, |value| {
        let allowed = Duration::from_secs(1)..=MAX_DURATION;
        duration(value).filter(|lasts| allowed.contains(lasts))
    });
    let expected = "an array of statuses, such as [401]";
    let restarts_on = fields.read("restart_session_on", expected, StatusRule::read);
    if start.is_some() || stop.is_some() || cookies {
        return Some(SessionRules {
            start,
            stop,
            cookies,
            lasts,
            restarts_on,
            kept,
        });
    }
    for (key, is_there) in [
        ("session_lasts", lasts.is_some()),
        ("restart_session_on", restarts_on.is_some()),
    ] {
        if is_there && fields.get("start").is_none() && fields.get("stop").is_none() {
            fields.mistake(format_args!(
                "it has `{key}` and no session: add `start` with the requests that begin one, or `cookies = true`"
            ));
        }
    }
    None
}

fn requests(
    fields: &Fields<'_, '_, '_>,
    key: &'static str,
    place: &Place<'_, '_, '_>,
) -> Option<Task> {
    let field = fields.get(key)?;
    let table = field.convert(fields.reader, EXPECTED, DeValue::as_table)?;
    let name = format!("{}, `{key}`", fields.place);
    let own = Fields::new(fields.reader, name, table, field.span);
    let read = tasks::requests(&own, place);
    own.finish();
    let Requests {
        pools,
        steps,
        groups,
    } = read?;
    Some(Task {
        name: Arc::from(key),
        weight: 1,
        tags: Vec::new(),
        pools,
        order: Order::Given,
        steps,
        groups,
    })
}

/// The names of the values that a session's first requests draw and capture.
fn kept(start: &Task) -> Vec<Arc<str>> {
    let drawn = start.pools.iter().map(|(name, _)| name);
    let captures = start.steps.iter().flat_map(|step| &step.captures);
    let captured = captures.map(|capture| &capture.name);
    let mut names: Vec<Arc<str>> = drawn.chain(captured).map(Arc::clone).collect();
    names.sort_unstable();
    names.dedup();
    names
}
