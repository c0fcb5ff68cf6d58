//! What the variables mean, as curl and requests read them.

use super::*;

fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, HttpError> {
    Proxies::read(&|name| {
        let mut set = variables.iter();
        let found = set.find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// Host and port of the proxy for a URL, or nothing.
fn way(variables: &[(&str, &str)], url: &str) -> Option<String> {
    let proxy = proxies(variables).unwrap().of(&url.parse().unwrap())?;
    Some(format!("{}:{}", proxy.host, proxy.port))
}

#[test]
fn a_variable_in_lower_case_wins_and_an_empty_one_means_no_proxy() {
    let upper = ("HTTP_PROXY", "http://upper:1");
    let url = "http://target/";
    assert_eq!(way(&[upper], url).unwrap(), "upper:1");
    assert_eq!(
        way(&[upper, ("http_proxy", "lower:2")], url).unwrap(),
        "lower:2"
    );
    assert_eq!(way(&[upper, ("http_proxy", "")], url), None);
    assert_eq!(way(&[upper, ("REQUEST_METHOD", "GET")], url), None);
    assert_eq!(way(&[], url), None);
}

#[test]
fn each_scheme_has_its_variable_and_all_proxy_is_for_the_rest() {
    let both = [
        ("all_proxy", "http://all:1"),
        ("HTTPS_PROXY", "https://tls"),
    ];
    assert_eq!(way(&both, "http://target/").unwrap(), "all:1");
    assert_eq!(way(&both, "https://target/").unwrap(), "tls:443");
    let plain = [("http_proxy", "http://plain")];
    assert_eq!(way(&plain, "http://target/").unwrap(), "plain:80");
    assert_eq!(way(&plain, "https://target/"), None);
}

#[test]
fn no_proxy_names_domains_addresses_networks_and_ports() {
    let by = |list, url| {
        let set = [("http_proxy", "http://p:1"), ("no_proxy", list)];
        way(&set, url).is_some()
    };
    for (list, url) in [
        ("example.com", "http://example.com/"),
        ("example.com", "http://www.example.com/"),
        (".example.com", "http://example.com/"),
        (".example.com", "http://www.EXAMPLE.com/"),
        ("*", "http://anything/"),
        ("a.test, b.test", "http://b.test/"),
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("10.0.0.0/8", "http://10.1.2.3/"),
        ("::1", "http://[::1]/"),
        ("[::1]", "http://[::1]:9/"),
        ("fd00::/8", "http://[fd00::7]/"),
        ("localhost:8000", "http://localhost:8000/"),
        ("[::1]:8000", "http://[::1]:8000/"),
    ] {
        assert!(!by(list, url), "{list} leaves {url} out");
    }
    for (list, url) in [
        ("example.com", "http://notexample.com/"),
        ("127.0.0.1", "http://127.0.0.2/"),
        ("10.0.0.0/8", "http://11.0.0.1/"),
        ("localhost:8000", "http://localhost:8001/"),
        ("", "http://localhost/"),
    ] {
        assert!(by(list, url), "{list} says nothing of {url}");
    }
}

#[test]
fn the_user_of_a_proxy_is_told_to_it_and_shown_nowhere() {
    let set = [("http_proxy", "http://me:s%40cret@proxy:3128")];
    let proxies = proxies(&set).unwrap();
    let proxy = proxies.of(&"http://target/".parse().unwrap()).unwrap();
    // me:s@cret
    assert_eq!(proxy.authorization.unwrap(), "Basic bWU6c0BjcmV0");
    assert_eq!(proxy.host, "proxy");
    assert!(!format!("{proxies:?}").contains("cret"));
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_that_names_the_variable() {
    for text in ["socks5://p:1080", "ftp://p", "http://", "http://a b"] {
        let error = proxies(&[("ALL_PROXY", text)]).unwrap_err().to_string();
        assert!(error.contains("all_proxy"), "{error}");
        assert!(error.contains("http"), "{error}");
    }
}
