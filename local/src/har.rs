//! A browser's recording (HAR, HTTP Archive) as a workload: one class with one task that sends its requests in order.
//!
//! Which requests are taken is decided in `select`, each of them is written by `request`, and nothing that looks like
//! a secret is, by `secrets`. What was left out is said in comments. The text always makes a workload.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use reqwest::Url;
use traffic::workload::{WORKLOAD_ENV, Workload};

use archive::Archive;
use request::Written;
use select::{Selected, Selection};
use texts::{inline_table, key, one_line, string};

mod archive;
mod body;
mod headers;
pub(crate) mod kind;
mod request;
mod secrets;
pub(crate) mod select;
mod texts;

/// The most requests of a workload: one iteration sends them all.
const MOST_REQUESTS: usize = 1_000;

/// A recording that makes no workload.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HarError {
    #[error(
        "this is no recording of a browser (HAR): {0}: export it anew, in the browser's network tools with \"Save all as HAR\""
    )]
    NotHar(serde_json::Error),
    #[error("it has no request")]
    Empty,
    #[error("none of its requests is left{0}: choose others with --resource-types and --hosts")]
    NothingLeft(String),
    #[error(
        "{0} of its requests are left, and a task sends {MOST_REQUESTS} at most: record less, or choose with --hosts and --resource-types"
    )]
    TooMany(usize),
    #[error("it makes no workload: {0}")]
    Mistake(String),
}

/// What is said of a workload beside its requests.
pub(crate) struct Naming<'n> {
    /// The recording.
    pub(crate) file: &'n str,
    /// The class of its users.
    pub(crate) class: &'n str,
}

/// The text of the workload that a recording comes to.
pub(crate) fn workload(
    har: &str,
    naming: &Naming<'_>,
    selection: &Selection,
) -> Result<String, HarError> {
    let archive: Archive = serde_json::from_str(har).map_err(HarError::NotHar)?;
    let all = archive.log.entries.len();
    if all == 0 {
        return Err(HarError::Empty);
    }
    let selected = select::select(&archive.log.entries, selection);
    match selected.requests.len() {
        0 => return Err(HarError::NothingLeft(selected.left_out())),
        many if many > MOST_REQUESTS => return Err(HarError::TooMany(many)),
        _ => {}
    }
    let text = text(&selected, all, naming);
    let parsed = Workload::parse(&text, naming.file, &any_variable);
    parsed.map_err(|errors| {
        let first = errors.mistakes().first();
        let first = first.map(|mistake| mistake.message.chars().take(300).collect());
        HarError::Mistake(first.unwrap_or_default())
    })?;
    Ok(text)
}

fn text(selected: &Selected<'_>, all: usize, naming: &Naming<'_>) -> String {
    let hosts = hosts(selected);
    let written = selected.requests.iter().map(request::written);
    let written: Vec<Written> = written.collect();
    let sent: Vec<_> = written.iter().map(|request| &*request.headers).collect();
    let common = headers::common(&sent);
    let file = one_line(naming.file);
    let class = key(naming.class);
    let mut text = format!(
        "# {file}, as `cicada import` reads it: {} of {all} requests{}.\n",
        written.len(),
        selected.left_out()
    );
    if written.iter().any(|request| request.has_placeholder) {
        text.push_str(
            "# Passwords and tokens were not taken over: env('NAME', 'change-me') stands in their place. Set the variables, and\n\
             # write secret('NAME'), which is shown nowhere.\n",
        );
    }
    text.push_str("\n[hosts]\n");
    for (origin, name) in &hosts {
        let _ = writeln!(text, "{} = {}", key(name), string(origin));
    }
    let first = selected.requests.first();
    let of_class = first.map_or("", |request| &hosts[&request.origin()]);
    let _ = write!(
        text,
        "\n[class.{class}]\nhost = {}\nwait = \"between(1, 3)\"\n",
        string(of_class)
    );
    if selected.has_cookies {
        text.push_str("cookies = true\n");
    }
    if !common.is_empty() {
        let _ = writeln!(text, "headers = {}", inline_table(&common));
    }
    for (request, written) in selected.requests.iter().zip(&written) {
        let _ = write!(text, "\n[[class.{class}.task.recording.request]]\n");
        let host = &hosts[&request.origin()];
        if host != of_class {
            let _ = writeln!(text, "host = {}", string(host));
        }
        written.write(&common, &mut text);
    }
    text
}

/// Lets the workload read any variable, of which none is set.
fn any_variable(name: &str) -> Option<String> {
    (name == WORKLOAD_ENV).then(|| "*".to_owned())
}

/// The names of the hosts by their origins.
fn hosts(selected: &Selected<'_>) -> BTreeMap<String, String> {
    let mut hosts = BTreeMap::new();
    for request in &selected.requests {
        let origin = request.origin();
        if !hosts.contains_key(&origin) {
            let name = host_name(&request.url);
            let same = hosts.values().filter(|known| **known == name).count();
            // http and https of one host
            let name = match same {
                0 => name,
                _ => format!("{}-{name}", request.url.scheme()),
            };
            hosts.insert(origin, name);
        }
    }
    hosts
}

/// A name for a URL's host, as workloads have names.
fn host_name(url: &Url) -> String {
    let host = url.host_str().unwrap_or("host").to_owned();
    let port = url.port().map(|port| format!("-{port}"));
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = (host + &port.unwrap_or_default()).replace(':', "-");
    name.chars().filter(|c| allowed(*c)).take(90).collect()
}

#[cfg(test)]
mod tests;
