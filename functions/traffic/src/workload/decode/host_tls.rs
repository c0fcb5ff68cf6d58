//! `ca`, `insecure`, `client_cert` and `client_key` of a host: TLS as its targets want it.
//!
//! A value is the name of a file, the PEM text itself, or `{ env = "NAME" }` for a variable that holds
//! either. A private key is never in the workload's text: that is stored, and shown at `/workload`.

use std::path::PathBuf;

use toml::de::DeValue;

use super::names::variable_name;
use crate::environment::Lookup;
use crate::tls::pem::{self, PemError};
use crate::tls::{HostError, HostSettings, HostTls};
use crate::workload::read::{Field, Fields};

/// The variable that says which folder the files are in that a workload names, where that is not the
/// workload file's own: it was put at `/workload`, say, or is in a table.
pub const FOLDER: &str = "CICADA_WORKLOAD_FOLDER";

/// The beginning that tells a text in PEM from the name of a file.
const BEGINNING: &str = "-----BEGIN";

const EXPECTED: &str =
    "the name of a PEM file, a PEM text, or { env = \"NAME\" } for a variable with either";

/// Reads a host's settings, and what of them holds at another origin; nothing if it has none, or if there is
/// a mistake in them.
pub(super) fn read(
    fields: &Fields<'_, '_, '_>,
    environment: Lookup<'_>,
) -> Option<(HostTls, Option<HostTls>)> {
    let source = |key| Source::read(fields, key, environment);
    let (ca, certificate, key) = (source("ca"), source("client_cert"), source("client_key"));
    let insecure = fields.get("insecure");
    let is_there = |key| fields.get(key).is_some();
    let wanted = ["ca", "client_cert", "client_key", "insecure"].map(is_there);
    let [has_ca, has_certificate, has_key, _] = wanted;
    if !wanted.contains(&true) {
        return None;
    }
    let is_insecure = match &insecure {
        None => false,
        Some(field) => field.convert(fields.reader, "true or false", DeValue::as_bool)?,
    };
    if has_certificate != has_key {
        let missing = if has_key { "client_cert" } else { "client_key" };
        fields.mistake(format_args!(
            "it has no `{missing}`: a client certificate needs `client_cert` and `client_key`, which may be one file"
        ));
        return None;
    }
    if is_insecure && has_ca {
        fields.mistake("`insecure` takes any certificate: leave out `ca`, or `insecure`");
        return None;
    }
    let ca = match has_ca {
        true => {
            let ca = ca?;
            Some((ca.certificates(fields)?, ca))
        }
        false => None,
    };
    let client = match has_key {
        true => {
            let (certificate, key) = (certificate?, key?);
            let chain = certificate.certificates(fields)?;
            Some((chain, key.private_key(fields)?, certificate, key))
        }
        false => None,
    };
    let (ca, ca_source) = ca.unzip();
    let (client, key_source) = match client {
        None => (None, None),
        Some((chain, private, _, source)) => (Some((chain, private)), Some(source)),
    };
    let settings = HostSettings {
        ca,
        insecure: is_insecure,
        client,
    };
    let both = HostTls::elsewhere(&settings)
        .and_then(|elsewhere| Ok((HostTls::new(settings)?, elsewhere)));
    match (both, ca_source, key_source) {
        (Ok(both), ..) => Some(both),
        (Err(HostError::Ca(error)), Some(source), _) => source.is_wrong(fields, &error),
        (Err(HostError::Client(error)), _, Some(source)) => source.does_not_fit(fields, &error),
        (Err(error), ..) => {
            fields.mistake(error);
            None
        }
    }
}

/// Where a certificate or a key comes from.
struct Source<'t, 's> {
    field: Field<'t, 's>,
    origin: PemOrigin,
}

enum PemOrigin {
    File(PathBuf),
    /// A text, and what it is called.
    Text(String, String),
}

impl<'t, 's> Source<'t, 's> {
    fn read(
        fields: &Fields<'_, 't, 's>,
        key: &'static str,
        environment: Lookup<'_>,
    ) -> Option<Self> {
        let field = fields.get(key)?;
        let reader = fields.reader;
        let origin = match field.value {
            DeValue::String(text) if !text.contains(BEGINNING) => {
                PemOrigin::File(at(text, environment))
            }
            DeValue::String(_) if key == "client_key" => {
                let message = format!(
                    "{} holds the key itself, which whoever may read this file or /workload would see: \
                     name a file, or a variable with {{ env = \"NAME\" }}",
                    field.place
                );
                reader.mistake(&field.span, message);
                return None;
            }
            DeValue::String(text) => PemOrigin::Text(text.to_string(), "the text".into()),
            _ => {
                let table = field.convert(reader, EXPECTED, DeValue::as_table)?;
                let place = field.place.clone();
                let variable = Fields::new(reader, place, table, field.span.clone());
                let expected = "the name of an environment variable";
                let name = variable.read("env", expected, variable_name);
                if variable.get("env").is_none() {
                    field.is_not(reader, EXPECTED);
                }
                variable.finish();
                let name = name?;
                let Some(value) = environment(name).filter(|value| !value.is_empty()) else {
                    let message = format!(
                        "{}: the environment variable {name} is not set here",
                        field.place
                    );
                    reader.mistake(&field.span, message);
                    return None;
                };
                match value.contains(BEGINNING) {
                    // variables are often written with \n in place of line breaks
                    true => PemOrigin::Text(value.replace("\\n", "\n"), name.into()),
                    false => PemOrigin::File(at(&value, environment)),
                }
            }
        };
        Some(Self { field, origin })
    }

    fn certificates(
        &self,
        fields: &Fields<'_, '_, '_>,
    ) -> Option<Vec<rustls::pki_types::CertificateDer<'static>>> {
        let found = match &self.origin {
            PemOrigin::File(path) => pem::certificates_at(path),
            PemOrigin::Text(text, _) => pem::certificates(text.as_bytes()),
        };
        found
            .map_err(|error| self.is_wrong::<()>(fields, &error))
            .ok()
    }

    fn private_key(
        &self,
        fields: &Fields<'_, '_, '_>,
    ) -> Option<rustls::pki_types::PrivateKeyDer<'static>> {
        let found = match &self.origin {
            PemOrigin::File(path) => pem::read(path).and_then(|text| pem::private_key(&text)),
            PemOrigin::Text(text, _) => pem::private_key(text.as_bytes()),
        };
        found
            .map_err(|error| self.is_wrong::<()>(fields, &error))
            .ok()
    }

    fn is_wrong<T>(&self, fields: &Fields<'_, '_, '_>, error: &PemError) -> Option<T> {
        let Self { field, origin } = self;
        let called = match origin {
            PemOrigin::File(path) => path.display().to_string(),
            PemOrigin::Text(_, name) => name.clone(),
        };
        let message = format!("{}: {called} cannot be used: {error}", field.place);
        fields.reader.mistake(&field.span, message);
        None
    }

    fn does_not_fit<T>(&self, fields: &Fields<'_, '_, '_>, error: &rustls::Error) -> Option<T> {
        let reason = match error {
            rustls::Error::InconsistentKeys(_) => {
                "it is not the key of `client_cert`: name two that were made together".to_owned()
            }
            rustls::Error::InvalidCertificate(_) => {
                "the certificate of `client_cert` is damaged, or of another key: name two that were made together"
                    .to_owned()
            }
            error => format!("it cannot be used with `client_cert`: {error}"),
        };
        let message = format!("{}: {reason}", self.field.place);
        fields.reader.mistake(&self.field.span, message);
        None
    }
}

/// A file by its name: a relative one is in the workload's folder, in a function's package, or where the
/// process runs.
fn at(name: &str, environment: Lookup<'_>) -> PathBuf {
    folder(environment).join(name)
}

/// The folder of the files that a workload names.
pub(super) fn folder(environment: Lookup<'_>) -> PathBuf {
    let set = |variable| environment(variable).filter(|value| !value.is_empty());
    let folder = set(FOLDER).or_else(|| set("LAMBDA_TASK_ROOT"));
    folder.map(PathBuf::from).unwrap_or_default()
}
