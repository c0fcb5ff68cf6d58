//! Where the container serves, and how: its address, the path that everything is under, and TLS.

use aws::environment::{SettingError, Variables};
use web::api::{BasePath, TRACE_URL, TraceUrl};
use web::serve::{TlsFiles, WebHost};

/// The address that the container serves on.
const WEB_HOST: &str = "CICADA_WEB_HOST";

/// The port that it serves on: by default Locust's.
const WEB_PORT: &str = "CICADA_WEB_PORT";

/// The path that everything is under.
const WEB_BASE_PATH: &str = "CICADA_WEB_BASE_PATH";

/// The file with the TLS certificate.
const TLS_CERT: &str = "CICADA_TLS_CERT";

/// The file with its private key.
const TLS_KEY: &str = "CICADA_TLS_KEY";

const DEFAULT_WEB_PORT: u16 = 8089;

/// Where the container serves, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// The addresses.
    pub host: WebHost,
    /// The port.
    pub port: u16,
    /// The path that everything is under.
    pub base_path: BasePath,
    /// Where the page's traces lead to.
    pub trace_url: TraceUrl,
    /// The certificate and its key, if it speaks TLS.
    pub tls: Option<TlsFiles>,
}

impl Web {
    /// Reads it.
    pub fn read(variables: &Variables) -> Result<Self, SettingError> {
        let base_path = variables.parsed(
            WEB_BASE_PATH,
            |_: &BasePath| true,
            "write a path that begins with a slash, such as /cicada, or leave it out for none",
        )?;
        let host = variables.parsed(
            WEB_HOST,
            |_: &WebHost| true,
            "write an IP address such as 127.0.0.1, or leave it out for all of the machine's",
        )?;
        let port = variables.parsed(
            WEB_PORT,
            |_: &u16| true,
            "write a port such as 8089, or leave it out for that one",
        )?;
        Ok(Self {
            host: host.unwrap_or_default(),
            port: port.unwrap_or(DEFAULT_WEB_PORT),
            base_path: base_path.unwrap_or_default(),
            trace_url: trace_url(variables)?,
            tls: tls(variables)?,
        })
    }
}

impl Web {
    /// Where this machine asks whether the server is well; at the root, whatever is under a path.
    pub fn health(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}:{}/health", self.host.from_here(), self.port)
    }
}

fn tls(variables: &Variables) -> Result<Option<TlsFiles>, SettingError> {
    let file = |variable| variables.text(variable);
    let missing = |variable, instead: &str| SettingError::Missing {
        variable,
        instead: instead.to_owned(),
    };
    match (file(TLS_CERT), file(TLS_KEY)) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: certificate.into(),
            key: key.into(),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing(
            TLS_KEY,
            "set it to the file with the private key of CICADA_TLS_CERT",
        )),
        (None, Some(_)) => Err(missing(
            TLS_CERT,
            "set it to the file with the certificate of CICADA_TLS_KEY",
        )),
    }
}

/// Where the page's traces lead to.
///
/// # Errors
/// When it is no such address.
pub fn trace_url(variables: &Variables) -> Result<TraceUrl, SettingError> {
    let url = variables.parsed(
        TRACE_URL,
        |_: &TraceUrl| true,
        "write a URL with {trace_id} in it, such as https://jaeger.example.com/trace/{trace_id}, or leave it out",
    )?;
    Ok(url.unwrap_or_default())
}
