//! Heads as python-requests sends them through Locust's `HttpUser`.

use super::*;

async fn head(method: &str, headers: &[(&'static str, &str)], body: Option<&str>) -> Got {
    let target = Target::ok().await;
    let request = full(method, target.url("/a/b?c=d&e"), headers, body);
    http().send(request, &of_user(0)).await.unwrap();
    let mut got = target.got().remove(0);
    got.head = got.head.replace(&target.port.to_string(), "PORT");
    got
}

#[tokio::test]
async fn a_head_has_the_order_and_the_case_that_requests_gives_it() {
    let headers = [
        ("content-type", "application/json"),
        ("x-api-key", "secret"),
        ("user-agent", "me"),
    ];
    let got = head("POST", &headers, Some("{}")).await;
    assert_eq!(
        got.head,
        "POST /a/b?c=d&e HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: me\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nAccept: */*\r\n\
         Connection: keep-alive\r\nX-Api-Key: secret\r\nContent-Length: 2\r\n\
         Content-Type: application/json\r\n\r\n"
    );
    assert_eq!(got.body, "{}");
}

#[tokio::test]
async fn a_method_that_may_have_a_body_says_when_it_has_none() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for body in [None, Some("")] {
            let got = head(method, &[], body).await;
            assert_eq!(got.header("Content-Length"), Some("0"), "{method}");
        }
    }
    for method in ["GET", "HEAD"] {
        for body in [None, Some("")] {
            let got = head(method, &[], body).await;
            assert_eq!(got.header("Content-Length"), None, "{method}");
        }
    }
    let got = head("GET", &[], Some("text")).await;
    assert_eq!(
        (got.header("Content-Length"), &*got.body),
        (Some("4"), "text")
    );
    assert_eq!(got.header("Content-Type"), None, "requests guesses none");
}

#[tokio::test]
async fn headers_copied_from_a_har_file_do_no_harm() {
    let copied = [
        ("host", "shop.example.com"),
        ("connection", "Keep-Alive"),
        ("keep-alive", "timeout=5"),
        ("content-length", "999"),
        ("transfer-encoding", "chunked"),
        ("accept", "text/html"),
    ];
    let got = head("POST", &copied, Some("body")).await;
    assert_eq!(got.body, "body");
    for (name, value) in [
        ("Host", Some("shop.example.com")),
        ("Connection", Some("Keep-Alive")),
        ("Keep-Alive", Some("timeout=5")),
        ("Content-Length", Some("4")),
        ("Transfer-Encoding", None),
        ("Accept", Some("text/html")),
    ] {
        assert_eq!(got.header(name), value, "{name}");
        let sent = got.head.matches(&format!("\r\n{name}: ")).count();
        assert_eq!(sent, usize::from(value.is_some()), "{name}");
    }
}

#[tokio::test]
async fn a_connection_that_the_workload_wants_closed_is_not_used_again() {
    let target = Target::ok().await;
    let http = http();
    for _ in 0..2 {
        let headers = [("connection", "te, Close")];
        let request = full("GET", target.url("/"), &headers, None);
        http.send(request, &of_user(0)).await.unwrap();
    }
    assert_eq!(target.connections(), 2);
    assert_eq!(target.got()[0].header("Connection"), Some("te, Close"));
}

#[tokio::test]
async fn the_user_in_a_url_is_sent_as_basic_unless_the_workload_says_who_it_is() {
    let target = Target::ok().await;
    let http = http();
    let mut url = target.url("/");
    url.set_username("me").unwrap();
    url.set_password(Some("s@cret")).unwrap();
    for (headers, expected) in [
        (vec![], "Basic bWU6c0BjcmV0"),
        (vec![("authorization", "Bearer token")], "Bearer token"),
    ] {
        let request = full("GET", url.clone(), &headers, None);
        http.send(request, &of_user(0)).await.unwrap();
        let got = target.got().pop().unwrap();
        assert_eq!(got.header("Authorization"), Some(expected));
        assert!(!got.header("Host").unwrap().contains('@'));
    }
}
