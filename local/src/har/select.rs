//! The requests of a recording that a workload sends, and those that it leaves out.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use jiff::Timestamp;
use reqwest::Url;

use super::archive::{Entry, header};
use super::kind::{ResourceType, kind};

/// The methods that a workload has.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The most hosts that a comment names.
const NAMED: usize = 5;

/// Which requests are taken.
pub(crate) struct Selection {
    pub(crate) types: Vec<ResourceType>,
    /// Hosts, with a port or without; only that of the first page if there is none.
    pub(crate) hosts: Vec<String>,
    pub(crate) all_hosts: bool,
    pub(crate) has_pauses: bool,
}

/// A request that is taken.
pub(super) struct Taken<'e> {
    pub(super) entry: &'e Entry,
    pub(super) url: Url,
    /// Seconds without a request before it.
    pub(super) pause: Option<f64>,
    /// True if its redirect leads to a host that is not asked.
    pub(super) leads_away: bool,
}

impl Taken<'_> {
    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// The requests of a workload.
pub(super) struct Selected<'e> {
    pub(super) requests: Vec<Taken<'e>>,
    pub(super) has_cookies: bool,
    /// Requests that were left out, by the reason.
    reasons: BTreeMap<&'static str, usize>,
    /// Those of other hosts, by host.
    others: BTreeMap<String, usize>,
}

impl Selected<'_> {
    /// What was left out, in a comment or a message; empty for nothing.
    pub(super) fn left_out(&self) -> String {
        let mut parts: Vec<String> = self
            .reasons
            .iter()
            .map(|(why, count)| format!("{count} {why}"))
            .collect();
        if !self.others.is_empty() {
            let count: usize = self.others.values().sum();
            let names: Vec<&str> = self.others.keys().take(NAMED).map(String::as_str).collect();
            let more = if self.others.len() > NAMED {
                ", ..."
            } else {
                ""
            };
            parts.push(format!(
                "{count} to other hosts ({}{more})",
                names.join(", ")
            ));
        }
        match &*parts {
            [] => String::new(),
            parts => format!(", without {}", parts.join(", ")),
        }
    }
}

/// Chooses among the requests of a recording, in the order of their beginnings.
pub(super) fn select<'e>(entries: &'e [Entry], selection: &Selection) -> Selected<'e> {
    let mut entries: Vec<(&Entry, Option<Timestamp>)> = entries
        .iter()
        .map(|entry| (entry, started(entry)))
        .collect();
    if entries.iter().all(|(_, started)| started.is_some()) {
        entries.sort_by_key(|(_, started)| *started);
    }
    let mut selected = Selected {
        requests: Vec::new(),
        has_cookies: false,
        reasons: BTreeMap::new(),
        others: BTreeMap::new(),
    };
    let own = own_host(&entries, selection);
    // the latest end of a request so far, and the URLs that redirects lead to
    let (mut ended, mut targets) = (None::<f64>, Vec::<Url>::new());
    for (entry, started) in entries {
        let url = match judged(entry, selection) {
            Ok(url) => url,
            Err(why) => {
                *selected.reasons.entry(why).or_default() += 1;
                continue;
            }
        };
        if !selection.takes(&url, own.as_deref()) {
            let host = url.host_str().unwrap_or_default();
            *selected.others.entry(host.to_owned()).or_default() += 1;
            continue;
        }
        let began = started.map(|started| started.as_millisecond() as f64 / 1e3);
        let pause = began.zip(ended).map(|(began, ended)| began - ended);
        let lasted = entry
            .time
            .filter(|time| time.is_finite())
            .unwrap_or(0.0)
            .max(0.0)
            / 1e3;
        let end = began.map(|began| began + lasted);
        ended = match (ended, end) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        selected.has_cookies |= uses_cookies(entry);
        let followed = targets.iter().position(|target| *target == url);
        let target = redirect(entry, &url);
        let leads_away = target
            .as_ref()
            .is_some_and(|target| !selection.takes(target, own.as_deref()));
        targets.extend(target.filter(|_| !leads_away));
        if let Some(index) = followed {
            targets.remove(index);
            *selected
                .reasons
                .entry("that follow a redirect")
                .or_default() += 1;
            continue;
        }
        selected.requests.push(Taken {
            entry,
            url,
            pause: pause.filter(|_| selection.has_pauses),
            leads_away,
        });
    }
    selected
}

impl Selection {
    fn takes(&self, url: &Url, own: Option<&str>) -> bool {
        let host = url.host_str().unwrap_or_default();
        if self.all_hosts {
            return true;
        }
        if self.hosts.is_empty() {
            return own.is_none_or(|own| own == called(url));
        }
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        self.hosts
            .iter()
            .any(|name| name.eq_ignore_ascii_case(host) || name.eq_ignore_ascii_case(&with_port))
    }
}

/// The host of the first page that is no redirect, or of the first request if there is no page.
fn own_host(entries: &[(&Entry, Option<Timestamp>)], selection: &Selection) -> Option<String> {
    let mut judged = entries
        .iter()
        .filter_map(|(entry, _)| Some((*entry, judged(entry, selection).ok()?)));
    let is_page = |entry: &Entry, url: &Url| {
        kind(entry) == ResourceType::Document && redirect(entry, url).is_none()
    };
    let first = judged.clone().find(|(entry, url)| is_page(entry, url));
    let (_, url) = first.or_else(|| judged.next())?;
    Some(called(&url))
}

/// The host, with its port if that is not its scheme's: so that http and https are one.
fn called(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The URL of a request, or the reason why it is left out.
fn judged(entry: &Entry, selection: &Selection) -> Result<Url, &'static str> {
    let request = &entry.request;
    let url = Url::parse(&request.url).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let url = url.ok_or("that are not of HTTP")?;
    if !METHODS.contains(&&*request.method) {
        return Err("of methods that workloads lack");
    }
    let is_preflight = entry.resource_type.as_deref() == Some("preflight")
        || header(&request.headers, "access-control-request-method").is_some();
    if is_preflight {
        return Err("that only ask whether another may be sent (CORS)");
    }
    let status = entry.response.as_ref().and_then(|response| response.status);
    if status.is_some_and(|status| status <= 0) {
        return Err("that were never answered");
    }
    match selection.types.contains(&kind(entry)) {
        true => Ok(url),
        false => Err("for images, styles, scripts and the like"),
    }
}

fn started(entry: &Entry) -> Option<Timestamp> {
    Timestamp::from_str(entry.started_date_time.as_deref()?).ok()
}

fn uses_cookies(entry: &Entry) -> bool {
    let sets = entry.response.as_ref().map(|response| &response.headers);
    header(&entry.request.headers, "cookie").is_some()
        || sets.is_some_and(|headers| header(headers, "set-cookie").is_some())
}

/// The URL that a response leads to.
fn redirect(entry: &Entry, url: &Url) -> Option<Url> {
    let response = entry.response.as_ref()?;
    if !matches!(response.status, Some(301 | 302 | 303 | 307 | 308)) {
        return None;
    }
    let mut target = url.join(header(&response.headers, "location")?).ok()?;
    // a fragment is never sent
    target.set_fragment(url.fragment().filter(|_| target.fragment().is_none()));
    Some(target)
}
