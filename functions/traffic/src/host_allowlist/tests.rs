use super::*;

fn list(text: &str) -> AllowedHosts {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn allows(list: &AllowedHosts, url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| list.allows(&url))
}

#[test]
fn a_host_an_origin_and_a_wildcard_allow_what_they_say() {
    for (allowed, yes, no) in [
        (
            "shop.test",
            "http://shop.test https://shop.test:8443/base http://SHOP.test. http://shop.test:1",
            "http://shop.test.evil http://a.shop.test http://xshop.test http://shop.tes",
        ),
        (
            "shop.test:8000",
            "http://shop.test:8000 https://shop.test:8000",
            "http://shop.test https://shop.test http://shop.test:8001",
        ),
        (
            "shop.test:80",
            "http://shop.test http://shop.test:80",
            "https://shop.test http://shop.test:81",
        ),
        (
            "https://shop.test",
            "https://shop.test https://shop.test:443/x",
            "http://shop.test http://shop.test:443 https://shop.test:444",
        ),
        (
            "http://shop.test:8000/",
            "http://shop.test:8000",
            "https://shop.test:8000 http://shop.test",
        ),
        (
            "*.Shop.test",
            "http://a.shop.test https://a.b.shop.test:9",
            "http://shop.test http://.shop.test http://ashop.test http://a.shop.test.evil",
        ),
        (
            "*.shop.test:8000",
            "http://a.shop.test:8000",
            "http://a.shop.test http://shop.test:8000",
        ),
        ("*", "http://anything:1 https://at.all", "ftp://a nonsense"),
        (
            "127.0.0.1",
            "http://127.0.0.1:1 http://127.1",
            "http://127.0.0.2 http://localhost",
        ),
        (
            "[::1]:8000, a",
            "http://[::1]:8000 http://a",
            "http://[::1] http://[::2]:8000",
        ),
        ("[::1]", "http://[::1]:7", "http://[::2]"),
        (
            "bücher.test",
            "http://b%C3%BCcher.test http://xn--bcher-kva.test",
            "http://bucher.test",
        ),
        (
            "shop.test",
            "http://shop.test",
            "http://shop.test@evil.test http://evil.test#shop.test",
        ),
    ] {
        let allowed_hosts = list(allowed);
        for url in yes.split_whitespace() {
            assert!(allows(&allowed_hosts, url), "{allowed} and {url}");
        }
        for url in no.split_whitespace() {
            assert!(!allows(&allowed_hosts, url), "{allowed} and {url}");
        }
        // it can be typed as it is shown
        assert_eq!(list(&allowed_hosts.to_string()), allowed_hosts, "{allowed}");
    }
}

#[test]
fn no_list_allows_all_hosts() {
    for text in ["", "  "] {
        assert!(allows(&list(text), "http://anything:1"));
        assert_eq!(list(text), AllowedHosts::default());
    }
}

#[test]
fn what_is_no_host_is_named() {
    for text in [
        ",",
        "a,",
        "a b",
        "http://",
        "ftp://a",
        "a/path",
        "http://a/path",
        "a:port",
        "a:99999",
        "a?b",
        "me@a",
        "http://me:secret@a",
        "*a",
        "*.",
        "*:x",
        "a.*",
        "https://*",
        "[::1",
        "a\\b",
    ] {
        let error = text.parse::<AllowedHosts>().expect_err(text).to_string();
        assert!(error.starts_with("names "), "{error}");
        assert!(error.contains("shop.example.com"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn every_way_to_write_another_host_is_another_host() {
    let only = list("127.0.0.1:8000");
    for url in [
        "http://127.1:8000/",
        "http://2130706433:8000/",
        "http://0x7f.0.0.1:8000/",
        "http://0177.0.0.1:8000/",
        "http://%31%32%37.0.0.1:8000/",
        "http://127.0.0.1.:8000/",
        "http://me:word@127.0.0.1:8000/?q=http://evil.test#x",
        "http:\\\\127.0.0.1:8000",
    ] {
        assert!(allows(&only, url), "{url}");
    }
    for url in [
        "http://127.0.0.1:8000@localhost:8001/",
        "http://127.0.0.1:8000\\@localhost:8001/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "http://[::1]:8000/",
        "http://[::ffff:127.0.0.1]:8000/",
        "http://localhost:8000/",
        "http://127.0.0.1.evil.test:8000/",
        "http://127.0.0.2:8000/",
        "ws://127.0.0.1:8000/",
        "file:///127.0.0.1:8000",
    ] {
        // a backslash ends the authority, so that the second one stays at home
        let stays = url.contains("\\@");
        assert_eq!(allows(&only, url), stays, "{url}");
    }
}

#[test]
fn a_refusal_names_origin_and_setting_and_no_password() {
    let url = Url::parse("http://me:secret@evil.test:81/path?q=1").unwrap();
    let refused = list("shop.test").check(&url).expect_err("it is elsewhere");
    assert_eq!(
        refused.to_string(),
        "host \"http://evil.test:81\" is not allowed: CICADA_ALLOWED_HOSTS (--allowed-hosts) has only shop.test"
    );
}
