//! Redirects: which are followed, with what, and where to.

use super::*;

/// A target that redirects everything but `/end` with a status, and what came at `/end`.
async fn redirected(status: u16, method: &str, body: Option<&str>) -> (Got, Reply) {
    let target = Target::new(move |got| match got.line().ends_with(" /end") {
        true => Answers(ok(if got.line().starts_with("HEAD") {
            ""
        } else {
            "end"
        })),
        false if got.line().starts_with("HEAD") => {
            Answers(redirect(status, "/end").replace("Content-Length: 4\r\n\r\nelse", "\r\n"))
        }
        false => Answers(redirect(status, "/end")),
    })
    .await;
    let headers = [("content-type", "text/x"), ("x-api-key", "k")];
    let request = full(method, target.url("/begin"), &headers, body);
    let reply = http().send(request, &of_user(0)).await.unwrap();
    assert_eq!(target.connections(), 1, "the same connection goes on");
    (target.got().pop().unwrap(), reply)
}

#[tokio::test]
async fn methods_and_bodies_change_as_requests_changes_them() {
    for (status, method, becomes, keeps) in [
        (301, "POST", "GET", false),
        (301, "PUT", "PUT", false),
        (302, "POST", "GET", false),
        (302, "PUT", "GET", false),
        (302, "HEAD", "HEAD", false),
        (303, "DELETE", "GET", false),
        (303, "HEAD", "HEAD", false),
        (307, "POST", "POST", true),
        (308, "PUT", "PUT", true),
        (301, "GET", "GET", false),
    ] {
        let body = (method != "HEAD").then_some("body");
        let (got, reply) = redirected(status, method, body).await;
        let case = format!("{status} {method}");
        assert_eq!(got.line(), format!("{becomes} /end"), "{case}");
        assert_eq!(got.body, if keeps { "body" } else { "" }, "{case}");
        assert_eq!(got.header("Content-Type").is_some(), keeps, "{case}");
        assert_eq!(
            got.header("X-Api-Key"),
            Some("k"),
            "{case}: the same origin"
        );
        assert_eq!(reply.status, 200, "{case}");
    }
}

#[tokio::test]
async fn to_another_origin_go_only_headers_that_do_no_harm() {
    let goal = Target::ok().await;
    let location = goal.url("/end").to_string();
    let start = Target::new(move |_| Answers(redirect(307, &location))).await;
    let headers = [
        ("authorization", "Bearer t"),
        ("cookie", "c=1"),
        ("x-api-key", "k"),
        ("x-anything", "x"),
        ("host", "elsewhere"),
        ("user-agent", "me"),
        ("accept-language", "de"),
        ("traceparent", "00-1-2-01"),
        ("content-type", "text/x"),
    ];
    let request = full("POST", start.url("/"), &headers, Some("body"));
    http().send(request, &of_user(0)).await.unwrap();
    let got = goal.got().remove(0);
    for name in ["Authorization", "Cookie", "X-Api-Key", "X-Anything"] {
        assert_eq!(got.header(name), None, "{name}");
        assert!(start.got()[0].header(name).is_some(), "{name}");
    }
    assert_eq!(
        got.header("Host"),
        Some(&*format!("127.0.0.1:{}", goal.port))
    );
    for (name, value) in [
        ("User-Agent", "me"),
        ("Accept-Language", "de"),
        ("Traceparent", "00-1-2-01"),
        ("Content-Type", "text/x"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    assert_eq!(got.body, "body");
}

#[tokio::test]
async fn as_many_redirects_are_followed_as_may_be() {
    for (redirects, expected) in [
        (0, Ok(302)),
        (3, Ok(200)),
        (2, Err("more than 2 redirects")),
        (30, Ok(200)),
    ] {
        let target = Target::new(|got| match got.line() {
            "GET /0" => Answers(redirect(302, "1")),
            "GET /1" => Answers(redirect(302, "/2#fragment")),
            "GET /2" => Answers(redirect(302, "?last")),
            _ => Answers(ok("end")),
        })
        .await;
        let context = RequestContext {
            redirects,
            ..of_user(0)
        };
        let answer = get(&http(), target.url("/0"), &context).await;
        let status = answer.map(|reply| reply.status.as_u16());
        assert_eq!(status, expected.map_err(str::to_owned), "{redirects}");
    }
    let circle = Target::new(|_| Answers(redirect(302, "/"))).await;
    let error = get(&http(), circle.url("/"), &of_user(0)).await;
    assert_eq!(error.unwrap_err(), "more than 30 redirects");
    assert_eq!(circle.got().len(), 31);
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_keeps_its_body() {
    let target = Target::new(|_| Answers(redirect(302, "/end"))).await;
    let context = RequestContext {
        redirects: 0,
        ..of_user(0)
    };
    let reply = get(&http(), target.url("/"), &context).await.unwrap();
    assert_eq!(reply.body, "else");
    assert_eq!(reply.headers["location"], "/end");
}

#[tokio::test]
async fn a_location_that_is_no_address_is_a_failure_that_says_so() {
    for location in [
        "http://",
        "http:///end",
        "http:end",
        "https://?x",
        "ftp://host/",
        "javascript:alert(1)",
        "//",
        "///end",
        "\\\\",
        "http://[::1",
        "http://host:99999/",
        "http://a b/",
    ] {
        let target = Target::new(move |_| Answers(redirect(302, location))).await;
        let error = get(&http(), target.url("/"), &of_user(0))
            .await
            .unwrap_err();
        let expected = format!("redirected to {location:?}, which is no http or https URL");
        assert_eq!(error, expected);
        assert_eq!(target.got().len(), 1, "{location}");
    }
}

#[tokio::test]
async fn an_empty_or_missing_location_is_no_redirect() {
    for answer in [
        redirect(302, ""),
        redirect(302, "/").replace("Location", "Other"),
        redirect(304, "/").replace("Content-Length: 4\r\n\r\nelse", "\r\n"),
        redirect(300, "/"),
    ] {
        let target = Target::new(move |_| Answers(answer.clone())).await;
        let reply = get(&http(), target.url("/"), &of_user(0)).await.unwrap();
        assert!(reply.status.is_redirection());
        assert_eq!(target.got().len(), 1);
    }
}

#[tokio::test]
async fn every_hop_is_judged_and_a_refused_one_is_not_sent() {
    let refused = Target::ok().await;
    let location = format!("http://localhost:{}/", refused.port);
    let start = Target::new(move |got| match got.line() {
        "GET /" => Answers(redirect(302, "/next")),
        _ => Answers(redirect(307, &location)),
    })
    .await;
    let http = with(HttpSettings {
        allowed_hosts: "127.0.0.1".parse().unwrap(),
        ..HttpSettings::default()
    });
    let error = get(&http, start.url("/"), &of_user(0)).await.unwrap_err();
    let text = format!(
        "host \"http://localhost:{}\" is not allowed: CICADA_ALLOWED_HOSTS (--allowed-hosts) has only \
         127.0.0.1",
        refused.port
    );
    assert_eq!(error, text);
    assert_eq!((start.got().len(), refused.connections()), (2, 0));
    let error = get(&http, "http://other/".parse().unwrap(), &of_user(0)).await;
    assert!(
        error
            .unwrap_err()
            .starts_with("host \"http://other\" is not allowed")
    );
}

#[tokio::test]
async fn addresses_of_the_link_are_refused_on_aws() {
    let http = with(HttpSettings {
        refuses_link_local: true,
        ..HttpSettings::default()
    });
    for host in [
        "169.254.169.254",
        "2852039166",
        "0xa9.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "metadata.google.internal",
    ] {
        let target = Target::new(move |_| Answers(redirect(302, &format!("http://{host}/")))).await;
        let error = get(&http, target.url("/"), &of_user(0)).await.unwrap_err();
        assert!(error.contains("link-local"), "{host}: {error}");
        let url = format!("http://{host}/").parse().unwrap();
        assert!(
            get(&http, url, &of_user(0))
                .await
                .unwrap_err()
                .contains("link-local")
        );
    }
}

#[tokio::test]
async fn the_runtime_api_is_refused_on_aws_and_other_ports_of_the_machine_are_not() {
    let api = Target::ok().await;
    let http = with(HttpSettings {
        runtime_api: Some(format!("127.0.0.1:{}", api.port).parse().unwrap()),
        ..HttpSettings::default()
    });
    for host in [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "127.1",
        "[::ffff:127.0.0.1]",
    ] {
        let url = format!(
            "http://{host}:{}/2018-06-01/runtime/invocation/next",
            api.port
        );
        let location = url.clone();
        let target = Target::new(move |_| Answers(redirect(302, &location))).await;
        for url in [target.url("/"), url.parse().unwrap()] {
            let error = get(&http, url, &of_user(0)).await.unwrap_err();
            assert!(
                error.contains("never goes to Lambda's runtime API"),
                "{host}: {error}"
            );
        }
        assert_eq!(target.got().len(), 1, "{host}");
    }
    assert_eq!(api.connections(), 0);
}
