//! The `[hosts]` of a workload file and the environment variables that override them.

use std::sync::Arc;

use toml::de::DeValue;

use super::host_tls;
use super::names::{check_name, variable_name};
use crate::base_url::base_url;
use crate::credentials::{Credentials, without_credentials};
use crate::environment::Lookup;
use crate::tls::HostTls;
use crate::workload::class::Host;
use crate::workload::read::{Field, Fields};

/// The remedy for a secret in a workload's text.
pub(super) const SECRET: &str = "has a user or a password, which everybody who sees the workload could read: \
    leave them out here, and set an environment variable to the URL with them, which the host names with `env`";

/// Reads the hosts, in the order of the file.
pub(super) fn read(fields: &Fields<'_, '_, '_>, environment: Lookup<'_>) -> Vec<Arc<Host>> {
    let expected = "a table of hosts, such as `[hosts]` with `shop = \"http://localhost:8000\"`";
    let entries = match fields.get("hosts") {
        Some(hosts) => hosts.entries(fields.reader, expected),
        None => Vec::new(),
    };
    let mut hosts = Vec::new();
    for (name, span, field) in entries {
        check_name(fields.reader, "host", name, &span);
        // a host with mistakes in it is still known, so that its uses are no mistakes as well
        let host = host(fields, name, &field, environment).unwrap_or_else(|| unusable(name));
        hosts.push(Arc::new(host));
    }
    hosts
}

fn unusable(name: &str) -> Host {
    let url = base_url("http://unusable.invalid").expect("a base URL");
    at(name, url, None, None, None)
}

fn host(
    file: &Fields<'_, '_, '_>,
    name: &str,
    field: &Field<'_, '_>,
    environment: Lookup<'_>,
) -> Option<Host> {
    let reader = file.reader;
    let expected = "a URL such as \"http://localhost:8000\", or a table with `url` and `env`";
    let (default, variable, tls) = match field.value {
        DeValue::String(_) => (Some(field.clone()), None, None),
        _ => {
            let table = field.convert(reader, expected, DeValue::as_table)?;
            let fields = Fields::new(reader, format!("host `{name}`"), table, field.span.clone());
            let url = fields.get("url");
            if url.is_none() {
                fields.mistake(format_args!("it has no `url`: write {expected}"));
            }
            let variable = fields.get("env");
            let tls = host_tls::read(&fields, environment);
            fields.finish();
            (url, variable, tls)
        }
    };
    let default = default?;
    let text = default.convert(reader, expected, DeValue::as_str)?;
    let url = base_url(text)
        .map_err(|instead| {
            reader.mistake(
                &default.span,
                format!(
                    "host `{name}`: {:?} is no base URL: {instead}",
                    without_credentials(text)
                ),
            );
        })
        .ok()?;
    let (url, secret) = Credentials::part(url);
    if secret.is_some() {
        reader.mistake(&default.span, format!("host `{name}`: its URL {SECRET}"));
        return None;
    }
    let Some(variable) = variable else {
        return Some(at(name, url, None, None, tls));
    };
    let key = variable.convert(reader, "the name of an environment variable", variable_name)?;
    let set = environment(key).filter(|value| !value.is_empty());
    let overriding = match set.as_deref().map(base_url) {
        None => None,
        Some(Ok(url)) => Some(url),
        Some(Err(instead)) => {
            let value = set.unwrap_or_default();
            let message = format!(
                "the environment variable {key}, which sets the URL of host `{name}`, is {:?}: {instead}",
                without_credentials(&value)
            );
            reader.mistake(&variable.span, message);
            return None;
        }
    };
    Some(at(name, url, overriding, Some(key), tls))
}

fn at(
    name: &str,
    default: reqwest::Url,
    overriding: Option<reqwest::Url>,
    variable: Option<&str>,
    tls: Option<(HostTls, Option<HostTls>)>,
) -> Host {
    let (url, credentials) = Credentials::part(overriding.unwrap_or(default));
    let (tls, tls_elsewhere) = tls.unzip();
    Host {
        name: Arc::from(name),
        url,
        variable: variable.map(str::to_owned),
        credentials,
        tls,
        tls_elsewhere: tls_elsewhere.flatten(),
    }
}
