//! The value of `--results`: a file by its name's end, or a database by its URL, whose password is shown nowhere.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;
use traffic::credentials::without_credentials;
use traffic::error_chain::one_line;

use super::row::Format;

/// The longest wait for a connection to a database, unless its URL says another.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// The port of a database whose URL has none.
const PORT: u16 = 5432;

/// The remedy for any other value.
const INSTEAD: &str = "write a file that ends with .jsonl or .csv, or with .gz after these, or postgres://USER:PASSWORD@HOST/DATABASE";

/// Where rows are written to.
#[derive(Clone, PartialEq)]
pub enum Target {
    File(FileTarget),
    Postgres(Box<Config>),
}

/// A file that rows are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTarget {
    pub path: PathBuf,
    pub format: Format,
    /// True if it is packed.
    pub gzip: bool,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => database(text),
            Some((scheme, _)) => Err(format!("has the scheme {scheme}://: {INSTEAD}")),
            None => file(text).ok_or_else(|| format!("is {text:?}: {INSTEAD}")),
        }
    }
}

fn file(text: &str) -> Option<Target> {
    let name = text.to_ascii_lowercase();
    let packed = name.strip_suffix(".gz");
    let format = match packed.unwrap_or(&name) {
        name if name.ends_with(".jsonl") => Format::Jsonl,
        name if name.ends_with(".csv") => Format::Csv,
        _ => return None,
    };
    Some(Target::File(FileTarget {
        path: text.into(),
        format,
        gzip: packed.is_some(),
    }))
}

fn database(text: &str) -> Result<Target, String> {
    // certificates are checked whenever there is TLS
    let text = text
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    // the errors name parameters, and no value
    let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
        format!("is a URL that cannot be read: {}", one_line(&error))
    })?;
    match config.get_hosts() {
        [] => {
            return Err(
                "is a URL without a host: write postgres://USER:PASSWORD@HOST/DATABASE".into(),
            );
        }
        hosts if hosts.iter().any(has_at) => {
            return Err("has more than one @: write %40 for that of the password".into());
        }
        _ => {}
    }
    if config.get_application_name().is_none() {
        config.application_name("cicada");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECTS_WITHIN);
    }
    Ok(Target::Postgres(Box::new(config)))
}

fn has_at(host: &Host) -> bool {
    matches!(host, Host::Tcp(name) if name.contains('@'))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.path.display()),
            Self::Postgres(config) => {
                let host = match config.get_hosts().first() {
                    Some(Host::Tcp(name)) if name.contains(':') => format!("[{name}]"),
                    Some(Host::Tcp(name)) => name.clone(),
                    #[cfg(unix)]
                    Some(Host::Unix(path)) => path.display().to_string(),
                    None => String::new(),
                };
                let port = config.get_ports().first().unwrap_or(&PORT);
                write!(f, "postgres://{host}:{port}")?;
                config
                    .get_dbname()
                    .map_or(Ok(()), |name| write!(f, "/{name}"))
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// A value of `--results` as it may be shown, whether or not it can be used.
pub fn shown(value: &str) -> String {
    match value.parse::<Target>() {
        Ok(target) => target.to_string(),
        // a password may stand after the question mark too
        Err(_) => {
            let value = value.split('?').next().unwrap_or_default();
            without_credentials(value).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        text.parse::<Target>().unwrap_err()
    }

    #[test]
    fn a_file_is_told_by_its_end() {
        for (text, format, gzip) in [
            ("a.jsonl", Format::Jsonl, false),
            ("/tmp/a.b.csv", Format::Csv, false),
            ("a.JSONL.GZ", Format::Jsonl, true),
            ("postgres.csv.gz", Format::Csv, true),
        ] {
            let path = text.into();
            let file = FileTarget { path, format, gzip };
            assert_eq!(text.parse(), Ok(Target::File(file)));
        }
        for text in ["results", "a.json", "a.gz", "a.csv.zst", ""] {
            assert_eq!(mistake(text), format!("is {text:?}: {INSTEAD}"));
        }
        assert_eq!(
            mistake("mysql://me:secret@db/x"),
            format!("has the scheme mysql://: {INSTEAD}")
        );
    }

    #[test]
    fn a_database_is_shown_without_user_password_and_parameters() {
        for (text, said) in [
            ("postgres://me:secret@db/shop", "postgres://db:5432/shop"),
            (
                "postgresql://me:se%40cret@[::1]:6000/shop?sslmode=verify-full",
                "postgres://[::1]:6000/shop",
            ),
            (
                "postgres://db?user=me&password=secret",
                "postgres://db:5432",
            ),
            (
                "postgres:///shop?host=/run/pg&password=secret",
                "postgres:///run/pg:5432/shop",
            ),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), said);
            assert_eq!(shown(text), said);
            assert!(!format!("{target:?}").contains("secret"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        for text in [
            "postgres://me:sec@ret@db/shop",
            "postgres://me:secret",
            "postgres://",
            "postgres://me:secret@db/shop?sslmode=secret",
            "postgres://me@db:secret/shop",
            "postgres://me:secret@db/shop?colour=secret",
        ] {
            let mistake = mistake(text);
            assert!(!mistake.contains("ret"), "{mistake}");
            assert!(!shown(text).contains("ecret@"), "{}", shown(text));
        }
        assert_eq!(
            mistake("postgres://me:sec@ret@db/shop"),
            "has more than one @: write %40 for that of the password"
        );
    }
}
