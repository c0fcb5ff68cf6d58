//! The defaults of a request: from the file, its class and its task.

use std::time::Duration;

use reqwest::header::HeaderName;

use toml::de::DeValue;

use crate::workload::connections::ConnectionRules;
use crate::workload::expect::{self, StatusRule};
use crate::workload::read::{Fields, Snippet, integer};
use crate::workload::wait::{MAX_DURATION, duration};

/// As many redirects as Locust's client follows.
pub const MAX_REDIRECTS: u32 = 30;

/// The timeout of requests that nothing gives one.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The defaults of a request.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    pub(super) status: Option<StatusRule>,
    pub(super) expect: Option<Snippet>,
    /// True if `expect` was given further in than `status`.
    pub(super) expect_is_nearer: bool,
    pub(super) headers: Vec<(HeaderName, Snippet)>,
    /// Of the file's `[defaults]`; a class adds its own.
    pub(super) connections: ConnectionRules,
    /// Whether users keep cookies, by the file's `[defaults]`.
    pub(super) cookies: Option<bool>,
}

impl Defaults {
    /// Reads the file's `[defaults]` and `[headers]`.
    pub(super) fn read(fields: &Fields<'_, '_, '_>) -> Self {
        let mut defaults = Self {
            timeout: TIMEOUT,
            redirects: MAX_REDIRECTS,
            status: None,
            expect: None,
            expect_is_nearer: false,
            headers: Vec::new(),
            connections: ConnectionRules::default(),
            cookies: None,
        };
        defaults.add_headers(fields);
        if let Some(own) = table(fields, "defaults", "`[defaults]`") {
            defaults.overlay(&own);
            defaults.connections = ConnectionRules::read(&own);
            defaults.cookies = own.read("cookies", "true or false", DeValue::as_bool);
            own.finish();
        }
        defaults
    }

    /// These defaults with those that a class or a request gives itself.
    pub(super) fn with(&self, fields: &Fields<'_, '_, '_>) -> Self {
        let mut own = self.clone();
        own.overlay(fields);
        own.add_headers(fields);
        own
    }

    fn overlay(&mut self, fields: &Fields<'_, '_, '_>) {
        let expected = "a time from \"1ms\" to \"24h\", such as \"30s\"";
        let timeout = fields.read("timeout", expected, |value| {
            let allowed = Duration::from_millis(1)..=MAX_DURATION;
            duration(value).filter(|timeout| allowed.contains(timeout))
        });
        self.timeout = timeout.unwrap_or(self.timeout);
        let expected = "a whole number from 0, where none is followed, to 30";
        let redirects = fields.read("redirects", expected, |value| {
            let number = integer(value).and_then(|number| u32::try_from(number).ok());
            number.filter(|redirects| *redirects <= MAX_REDIRECTS)
        });
        self.redirects = redirects.unwrap_or(self.redirects);
        if let Some(field) = fields.get("expect") {
            self.expect = field.snippet(fields.reader, "an expression such as \"json.success\"");
            self.expect_is_nearer = true;
        }
        if let Some(status) = fields.read("status", expect::EXPECTED, StatusRule::read) {
            self.status = Some(status);
            self.expect_is_nearer = false;
        }
    }

    fn add_headers(&mut self, fields: &Fields<'_, '_, '_>) {
        let Some(headers) = fields.get("headers") else {
            return;
        };
        for (name, span, field) in headers.entries(fields.reader, "a table of headers") {
            let Some(header) = header_name(name) else {
                let message = format!(
                    "{name:?} is no header that a request may set: rename it or leave it out"
                );
                fields.reader.mistake(&span, message);
                continue;
            };
            if let Some(snippet) = field.snippet(fields.reader, "a string") {
                self.headers.retain(|(known, _)| *known != header);
                self.headers.push((header, snippet));
            }
        }
    }
}

/// A header's name. Those that frame the message may stand there too, as they do in a HAR file: the
/// client sends its own in their place.
fn header_name(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).ok()
}

/// A table under `key`, or nothing; a mistake if it is something else.
fn table<'r, 't, 's>(
    fields: &Fields<'r, 't, 's>,
    key: &'static str,
    place: &str,
) -> Option<Fields<'r, 't, 's>> {
    let field = fields.get(key)?;
    let table = field.convert(fields.reader, "a table", DeValue::as_table)?;
    Some(Fields::new(fields.reader, place, table, field.span))
}
