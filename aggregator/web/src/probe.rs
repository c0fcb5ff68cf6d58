//! Asking a server of ours whether it is well: the health check of containers without a shell or curl.
//!
//! It asks the machine that it runs on, so a certificate may be anybody's.

use std::time::Duration;

use serde::Deserialize;

/// A server that has not answered by then is not well.
const WITHIN: Duration = Duration::from_secs(3);

/// The longest part of an answer that is shown, in characters.
const SHOWN: usize = 300;

/// Why a server is not well.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    /// It cannot be asked.
    #[error("{url} cannot be asked: write http://HOST:PORT/health")]
    Url {
        /// The URL that was to be asked.
        url: String,
        /// The reason.
        source: reqwest::Error,
    },
    /// There is no answer.
    #[error("{url} does not answer")]
    Silent {
        /// The URL that was asked.
        url: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The answer is not one of ours.
    #[error("{url} answers {status}, but is no cicada: {said}")]
    Stranger {
        /// The URL that was asked.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of the body.
        said: String,
    },
    /// It says so itself.
    #[error("{url} answers {status}: {said}")]
    Said {
        /// The URL that was asked.
        url: String,
        /// The status.
        status: u16,
        /// What is wrong.
        said: String,
    },
}

/// The fields of `/health` that are looked at.
#[derive(Deserialize)]
struct Answer {
    status: String,
    version: String,
    message: Option<String>,
}

/// Asks for `/health`, such as `http://127.0.0.1:8089/health`; the version of a server that is well.
///
/// # Errors
/// When no server of ours says within three seconds that it is well.
pub async fn probe(url: &str) -> Result<String, Unwell> {
    let (status, text) = ask(url).await?;
    let Ok(answer) = serde_json::from_str::<Answer>(&text) else {
        return Err(Unwell::Stranger {
            url: url.to_owned(),
            status: status.as_u16(),
            said: shown(text.lines().next().unwrap_or_default()),
        });
    };
    if status == reqwest::StatusCode::OK && answer.status == "ok" {
        return Ok(answer.version);
    }
    Err(Unwell::Said {
        url: url.to_owned(),
        status: status.as_u16(),
        said: shown(&answer.message.unwrap_or(answer.status)),
    })
}

/// Asks a page of any server, and is content with status 200.
///
/// # Errors
/// When there is no such answer within three seconds.
pub async fn answers(url: &str) -> Result<(), Unwell> {
    let (status, text) = ask(url).await?;
    if status == reqwest::StatusCode::OK {
        return Ok(());
    }
    Err(Unwell::Said {
        url: url.to_owned(),
        status: status.as_u16(),
        said: shown(&text),
    })
}

/// The beginning of what was answered.
fn shown(said: &str) -> String {
    said.trim().chars().take(SHOWN).collect()
}

/// Status and body of a page.
async fn ask(url: &str) -> Result<(reqwest::StatusCode, String), Unwell> {
    // an error only says that somebody has installed one already
    let _ = rustls::crypto::ring::default_provider().install_default();
    let unusable = |source| Unwell::Url {
        url: url.to_owned(),
        source,
    };
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .timeout(WITHIN)
        .build()
        .map_err(unusable)?;
    let request = client.get(url).build().map_err(unusable)?;
    let silent = |source| Unwell::Silent {
        url: url.to_owned(),
        source,
    };
    let response = client.execute(request).await.map_err(silent)?;
    let status = response.status();
    Ok((status, response.text().await.map_err(silent)?))
}
