//! Sessions of browsers: a signed cookie in place of the password.
//!
//! The cookie says until when it holds, and is signed; nothing is stored, so that every process that has
//! the same name and password takes it, and none does once they change. A header that is written in one
//! place and read in one other is not worth the crate `cookie` and its calendar.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::{hmac, pbkdf2};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use traffic::clock::Timestamp;

/// The time for which a session holds.
const LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// The key is derived slowly: a signature under the password itself would let whoever has found a cookie try
/// passwords at billions a second. This many rounds are what OWASP asks for where hashes of passwords are stored.
const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).expect("it is not zero");

/// The same everywhere: processes share nothing but the name and the password.
const SALT: &[u8] = b"cicada session 1";

/// The sessions of those who know a name and a password; clones share the key.
#[derive(Clone)]
pub(super) struct Sessions {
    credentials: Arc<str>,
    key: Arc<OnceCell<Key>>,
}

struct Key {
    signs: hmac::Key,
    /// Of the cookie. It is the key's own: browsers keep the cookies of all ports of a host together, and two
    /// servers there would end each other's sessions.
    name: String,
}

impl Sessions {
    pub(super) fn new(credentials: &str) -> Self {
        Self {
            credentials: credentials.into(),
            key: Arc::default(),
        }
    }

    /// Derives the key, which the first session needs: a tenth of a second of a processor.
    pub(super) async fn prepare(&self) {
        self.key().await;
    }

    /// True if one of a request's cookies is a session that still holds.
    pub(super) async fn include_that_of(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let mut cookies = cookies(headers).peekable();
        if cookies.peek().is_none() {
            return false;
        }
        let key = self.key().await;
        cookies.any(|(name, value)| name == key.name.as_bytes() && key.has_signed(value, now))
    }

    /// The cookie of a session that begins now: its `Set-Cookie`, for these paths.
    pub(super) async fn begin(&self, now: Timestamp, place: &Place) -> String {
        let key = self.key().await;
        let until = (now + LASTS).full_second().0;
        let signature = hmac::sign(&key.signs, signed(until).as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        let value = format!("{until}.{signature}");
        place.set_cookie(&key.name, &value, LASTS)
    }

    /// A `Set-Cookie` that takes the cookie from a browser.
    pub(super) async fn end(&self, place: &Place) -> String {
        place.set_cookie(&self.key().await.name, "", Duration::ZERO)
    }

    async fn key(&self) -> &Key {
        let derived = async || {
            let credentials = Arc::clone(&self.credentials);
            match spawn_blocking(move || Key::of(&credentials)).await {
                Ok(key) => key,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        };
        self.key.get_or_init(derived).await
    }
}

/// Where a browser sends a cookie.
pub(in crate::api) struct Place {
    /// The path that everything is under, without a slash at its end.
    pub(in crate::api) path: Arc<str>,
    /// False only where the browser itself says that its page came by plain HTTP: there it would drop the cookie.
    pub(in crate::api) by_tls_only: bool,
}

impl Place {
    fn set_cookie(&self, name: &str, value: &str, lasts: Duration) -> String {
        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        let secure = if self.by_tls_only { "; Secure" } else { "" };
        let seconds = lasts.as_secs();
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }
}

impl Key {
    fn of(credentials: &str) -> Self {
        let mut derived = [0; 32];
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(
            algorithm,
            ROUNDS,
            SALT,
            credentials.as_bytes(),
            &mut derived,
        );
        let signs = hmac::Key::new(hmac::HMAC_SHA256, &derived);
        let name = hmac::sign(&signs, b"name");
        let name = BASE64_URL_SAFE_NO_PAD.encode(&name.as_ref()[..6]);
        Self {
            name: format!("cicada-{name}"),
            signs,
        }
    }

    fn has_signed(&self, value: &[u8], now: Timestamp) -> bool {
        let value = std::str::from_utf8(value).ok();
        let Some((until, signature)) = value.and_then(|value| value.split_once('.')) else {
            return false;
        };
        let (Ok(until), Ok(signature)) = (until.parse(), BASE64_URL_SAFE_NO_PAD.decode(signature))
        else {
            return false;
        };
        // ring compares in constant time
        let is_ours = hmac::verify(&self.signs, signed(until).as_bytes(), &signature).is_ok();
        is_ours && now.full_second().0 < until
    }
}

/// The text that a session's signature is over.
fn signed(until: u64) -> String {
    format!("until {until}")
}

/// The cookies in a request that could be sessions, by name and value.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let pair = pair.trim_ascii();
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        name.starts_with(b"cicada-").then_some((name, value))
    })
}
