//! The cookies of one user, as RFC 6265 has them: kept from every answer, redirects included, and sent where they
//! belong.

use std::fmt;

use cookie_store::{CookieStore, RawCookie};
use parking_lot::Mutex;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};

/// The most cookies of a user: what RFC 6265 asks of a browser for one host. Further ones are not kept.
const MOST: usize = 50;

/// The longest cookie with its attributes, in bytes; a longer one is not kept.
const LONGEST: usize = 4_096;

/// The cookies of one user.
#[derive(Default)]
pub struct Jar(Mutex<CookieStore>);

impl Jar {
    /// The header of a request to a URL, if there are cookies for it.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let store = self.0.lock();
        let mut cookies = store.matches(url);
        // the RFC's order; the store has them by their age
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs = cookies.iter().map(|cookie| {
            let (name, value) = cookie.name_value();
            format!("{name}={value}")
        });
        let pairs: Vec<String> = pairs.collect();
        HeaderValue::try_from(pairs.join("; "))
            .ok()
            .filter(|value| !value.is_empty())
    }

    /// Keeps the cookies of an answer from a URL.
    pub(super) fn keep(&self, url: &Url, headers: &HeaderMap) {
        let set = headers.get_all(SET_COOKIE).iter();
        let short = set.filter(|value| value.len() <= LONGEST);
        for value in short.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok()) {
            let Ok(cookie) = RawCookie::parse(value) else {
                continue;
            };
            let mut store = self.0.lock();
            let is_full = store.iter_unexpired().take(MOST).count() == MOST;
            let is_known = || {
                let mut known = store.iter_unexpired();
                known.any(|known| known.name() == cookie.name())
            };
            if !is_full || is_known() {
                // one that is not for this host is not kept
                let _ = store.insert_raw(&cookie, url);
            }
        }
    }
}

/// Without the cookies: they are secrets.
impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jar")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(url: &str, set: &[String]) -> Jar {
        let jar = Jar::default();
        keep(&jar, url, set);
        jar
    }

    fn keep(jar: &Jar, url: &str, set: &[String]) {
        let mut headers = HeaderMap::new();
        for value in set {
            headers.append(SET_COOKIE, value.parse().unwrap());
        }
        jar.keep(&url.parse().unwrap(), &headers);
    }

    fn sent(jar: &Jar, url: &str) -> String {
        let header = jar.header(&url.parse().unwrap());
        header.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_cookie_goes_where_host_path_and_scheme_say() {
        let set = [
            "a=1",
            "b=2; Path=/shop",
            "c=3; Secure",
            "d=4; Domain=other.test",
            "e=5; Domain=shop.test",
        ];
        let jar = jar("http://www.shop.test/shop/x", &set.map(str::to_owned));
        assert_eq!(sent(&jar, "http://www.shop.test/shop/y"), "a=1; b=2; e=5");
        assert_eq!(
            sent(&jar, "https://www.shop.test/shop"),
            "a=1; b=2; c=3; e=5"
        );
        assert_eq!(sent(&jar, "http://www.shop.test/"), "");
        assert_eq!(sent(&jar, "http://shop.test/shop/"), "e=5");
        assert_eq!(sent(&jar, "http://other.test/shop/"), "");
    }

    #[test]
    fn a_cookie_is_replaced_and_ends() {
        let url = "http://127.0.0.1:8000/";
        let jar = jar(url, &["a=1".to_owned(), "b=\"two words\"".to_owned()]);
        assert_eq!(sent(&jar, url), "a=1; b=\"two words\"");
        keep(
            &jar,
            url,
            &["a=3; HttpOnly".to_owned(), "b=; Max-Age=0".to_owned()],
        );
        assert_eq!(sent(&jar, url), "a=3");
    }

    #[test]
    fn a_target_cannot_fill_the_memory() {
        let many: Vec<String> = (0..60).map(|number| format!("c{number}=1")).collect();
        let jar = jar("http://a.test/", &many);
        keep(
            &jar,
            "http://a.test/",
            &["c7=2".to_owned(), format!("c8={}", "x".repeat(5_000))],
        );
        let header = sent(&jar, "http://a.test/");
        assert_eq!(header.split("; ").count(), MOST);
        assert!(
            header.contains("c7=2") && header.contains("c8=1"),
            "{header}"
        );
        assert_eq!(format!("{jar:?}"), "Jar");
    }
}
