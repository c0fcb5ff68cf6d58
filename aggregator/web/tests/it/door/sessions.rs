//! Browsers: the page that asks for the password, and the cookie that stands for it afterwards.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use web::api::BasePath;

use super::*;

/// What a browser says when somebody opens an address.
const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

const CHROMIUM: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0";

/// The form, filled in with the right password.
const RIGHT_FORM: &str = "name=demo&password=s%C3%A9cret%3A1";

fn opened(path: &str) -> Builder {
    let asked = request("GET", path).header("accept", NAVIGATION);
    asked.header("user-agent", CHROMIUM)
}

fn form(path: &str) -> Builder {
    let asked = request("POST", path).header("accept", NAVIGATION);
    let asked = asked.header("user-agent", CHROMIUM);
    asked.header("origin", "https://cicada.test:8089")
}

async fn with_body(cicada: &Cicada, request: Builder, body: &str) -> Answer {
    let request = request.header("content-type", FORM);
    let request = request.body(Body::from(body.to_owned()));
    cicada.send(request.expect("it is a request")).await
}

/// The cookie of a session, as a browser sends it, and what it was told about it.
async fn session(cicada: &Cicada) -> (String, String) {
    let answer = with_body(cicada, form("/login"), RIGHT_FORM).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = answer.headers["set-cookie"].to_str().expect("it is text");
    let (cookie, told) = cookie.split_once("; ").expect("it has attributes");
    (cookie.to_owned(), told.to_owned())
}

#[tokio::test(start_paused = true)]
async fn whoever_shows_html_is_asked_by_a_page_and_others_as_ever() {
    let cicada = locked();
    for path in ["/", "/stats/report?x=\"><b>", "/nothing", "/stop", "/login"] {
        let path = path.replace(['"', '>', '<'], "'");
        let answer = sent(&cicada, opened(&path)).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src"),
            "{policy}"
        );
        assert!(policy.contains("form-action 'self'") && !policy.contains("script-src"));
        assert_eq!(answer.headers["cache-control"], "no-store");
        // a browser that knew Basic would open a window of its own
        assert_eq!(answer.headers["www-authenticate"], "Form realm=\"cicada\"");
        assert!(answer.body.contains("<form method=\"post\" action=\""));
        assert!(!answer.body.contains("<script") && !answer.body.contains("role=\"alert\""));
        assert!(!answer.body.contains("://"), "nothing is from elsewhere");
    }
    let challenge = "Basic realm=\"cicada\", charset=\"UTF-8\"";
    for accept in [
        "*/*",
        "application/json, text/plain, */*",
        "text/html;q=0, */*",
        "text/*",
        "image/avif,image/webp,*/*;q=0.8",
        "",
    ] {
        let answer = sent(&cicada, request("GET", "/").header("accept", accept)).await;
        assert_eq!(answer.status, 401, "{accept}");
        assert_eq!(answer.headers["www-authenticate"], challenge, "{accept}");
        assert_eq!(answer.json()["success"], false, "{accept}");
    }
    // what shows HTML and is no browser may still know Basic alone
    let asked = request("GET", "/").header("accept", "text/html, image/gif, */*; q=.2");
    let answer = sent(&cicada, asked.header("user-agent", "Java/21")).await;
    assert_eq!(answer.headers["www-authenticate"], challenge);
    assert!(answer.body.contains("<form"));
    // our page says itself that its session is over
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("referer", "http://cicada.test:8089/?tab=ledger"),
    ] {
        let asked = request("GET", "/stats/requests").header("user-agent", CHROMIUM);
        let answer = sent(&cicada, asked.header(name, value)).await;
        assert_eq!(answer.headers["www-authenticate"], "Form realm=\"cicada\"");
        assert_eq!(answer.json()["success"], false);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_lets_a_browser_do_all_until_its_day_is_over_or_the_password_changes() {
    let cicada = locked();
    let (cookie, told) = session(&cicada).await;
    assert_eq!(
        told,
        "Path=/; Max-Age=86400; HttpOnly; SameSite=Strict; Secure"
    );
    let with = |asked: Builder, cookie: &str| asked.header("cookie", cookie.to_owned());
    for (method, path) in ROUTES {
        let answer = sent(&cicada, with(request(method, path), &cookie)).await;
        assert_ne!(answer.status, 401, "{method} {path}");
    }
    // among others, and beside a password that is an old one
    let among = format!("a=1; \u{e9}; {cookie};b=\"2\"");
    let asked = request("GET", "/tasks").header("cookie", among.as_bytes());
    let asked = asked.header("authorization", "Basic b2xkOm9sZA==");
    assert_eq!(sent(&cicada, asked).await.status, 200);
    // the page knows that it can be ended, which a password of HTTP Basic cannot
    let args = sent(&cicada, with(request("GET", "/template-args"), &cookie)).await;
    assert_eq!(args.json()["can_log_out"], true);
    let args = request("GET", "/template-args").header("authorization", RIGHT);
    assert_eq!(sent(&cicada, args).await.json()["can_log_out"], false);
    let routes = sent(&cicada, with(request("GET", "/api"), &cookie)).await;
    assert!(routes.body.contains("action=\"logout\""));

    let (name, value) = cookie.split_once('=').expect("it has a value");
    let (until, signature) = value.split_once('.').expect("it is signed");
    let later: u64 = until.parse::<u64>().unwrap() + 1;
    for forged in [
        format!("{name}={later}.{signature}"),
        format!("{name}={until}."),
        format!("{name}={until}"),
        format!("{name}={until}.{signature}x"),
        format!("{name}={until}.{}", signature.to_lowercase()),
        format!("{name}x={value}"),
        format!("{name}="),
        format!("cicada={value}"),
    ] {
        let answer = sent(&cicada, with(request("GET", "/tasks"), &forged)).await;
        assert_eq!(answer.status, 401, "{forged}");
    }
    for changed in ["demo:sécret:2", "demo2:sécret:1"] {
        let door = Door::with_basic_auth(changed).expect("it is a password");
        let clock = cicada.clock.clone();
        let store = crate::cicada::shared_store();
        let changed = Cicada::behind(door, store, ControlSettings::new(workload()), clock);
        let answer = sent(&changed, with(request("GET", "/tasks"), &cookie)).await;
        assert_eq!(answer.status, 401);
    }
    tokio::time::sleep(Duration::from_secs(24 * 60 * 60 - 60)).await;
    let asked = || with(request("GET", "/tasks"), &cookie);
    assert_eq!(sent(&cicada, asked()).await.status, 200);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(sent(&cicada, asked()).await.status, 401);
    // of a page that was opened meanwhile the form is left
    assert_eq!(sent(&cicada, with(opened("/"), &cookie)).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn the_form_says_what_is_wrong_and_leads_where_one_was_going() {
    let cicada = locked();
    let wrong = "role=\"alert\">The name or the password is wrong.</p>";
    for body in [
        "name=demo&password=s%C3%A9cret",
        "name=Demo&password=s%C3%A9cret%3A1",
        "name=&password=",
        "",
        "{",
    ] {
        let answer = with_body(&cicada, form("/login"), &format!("{body}&next=/tasks")).await;
        assert_eq!(answer.status, 401, "{body}");
        assert!(answer.body.contains(wrong), "{body}: {}", answer.body);
        assert!(
            answer.body.contains("name=\"next\" value=\"/tasks\""),
            "{body}"
        );
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    // the password that was tried is not sent back
    let guess = "name=demo&password=%22%3E%3Cscript%3E&next=%22%3E%3Cscript%3E";
    let answer = with_body(&cicada, form("/login"), guess).await;
    assert!(!answer.body.contains("script") && answer.body.contains("value=\"/\""));
    for (next, location) in [
        ("", "./"),
        ("&next=/", "./"),
        ("&next=%2Fruns%2Fx%2Fledger%3Fa%3D1", "./runs/x/ledger?a=1"),
        ("&next=https%3A%2F%2Fevil.example", "./"),
        ("&next=%2F%2Fevil.example", "./"),
        ("&next=%2F%5Cevil.example", "./"),
        ("&next=%2F..%2F..%2Fother", "./"),
        ("&next=%2Fstop", "./"),
        ("&next=%2Fstats%2Freset", "./"),
    ] {
        let answer = with_body(&cicada, form("/login"), &format!("{RIGHT_FORM}{next}")).await;
        assert_eq!(answer.status, 303, "{next}");
        assert_eq!(answer.headers["location"], location, "{next}");
    }
    // a script that asks so is answered as scripts are
    let asked = request("POST", "/login").header("accept", "*/*");
    let answer = with_body(&cicada, asked, "name=demo&password=x").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["success"]),
        (401, &false.into())
    );
    let answer = with_body(&cicada, form("/login"), &"x".repeat(20_000)).await;
    assert_eq!(answer.status, 413);
    // where no password is asked for there is nothing to log in to
    let open = Cicada::new();
    for (method, path) in [("GET", "/login"), ("POST", "/login"), ("POST", "/logout")] {
        let answer = sent(&open, request(method, path)).await;
        assert_eq!(answer.status, 303, "{method} {path}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_cookie_is_for_tls_unless_the_browser_says_that_there_is_none() {
    let cicada = locked();
    for (origin, is_secure) in [
        (None, true),
        (Some("https://cicada.test:8089"), true),
        (Some("http://cicada.test:8089"), false),
    ] {
        let mut asked = request("POST", "/login").header("accept", NAVIGATION);
        if let Some(origin) = origin {
            asked = asked.header("origin", origin);
        }
        let answer = with_body(&cicada, asked, RIGHT_FORM).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert_eq!(
            cookie.ends_with("; Secure"),
            is_secure,
            "{origin:?}: {cookie}"
        );
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"));
    }
}

#[tokio::test(start_paused = true)]
async fn under_a_path_the_cookie_and_all_addresses_stay_there() {
    let mut cicada = locked();
    let path: BasePath = "/tools/cicada".parse().expect("it is a path");
    cicada.router = path.over(cicada.router.clone());
    let page = sent(&cicada, opened("/tools/cicada/stats/report")).await;
    assert!(page.body.contains("action=\"../login\""), "{}", page.body);
    assert!(
        page.body.contains("value=\"/stats/report\""),
        "{}",
        page.body
    );
    let (cookie, told) = {
        let answer = with_body(&cicada, form("/tools/cicada/login"), RIGHT_FORM).await;
        assert_eq!(answer.headers["location"], "./");
        let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        let (cookie, told) = cookie.split_once("; ").unwrap();
        (cookie.to_owned(), told.to_owned())
    };
    assert!(told.starts_with("Path=/tools/cicada; "), "{told}");
    let asked = request("POST", "/tools/cicada/logout").header("cookie", &cookie);
    let answer = sent(&cicada, asked).await;
    assert_eq!(answer.status, 303);
    let ended = answer.headers["set-cookie"].to_str().unwrap();
    let (name, _) = cookie.split_once('=').unwrap();
    let expected = format!("{name}=; Path=/tools/cicada; Max-Age=0; HttpOnly");
    assert!(ended.starts_with(&expected), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn a_cookie_gives_pages_of_other_sites_nothing() {
    let cicada = locked();
    let (cookie, _) = session(&cicada).await;
    let swarm = request("POST", "/swarm").header("cookie", &cookie);
    assert_eq!(sent(&cicada, swarm).await.json()["success"], true);
    cicada.settle().await;
    let before = cicada.run().await;
    let more = [("POST", "/login"), ("POST", "/logout")];
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        // a neighbour under the same domain, to which SameSite means nothing
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.test"),
        ("origin", "http://cicada.test:8090"),
        ("origin", "null"),
        ("referer", "https://evil.test/cicada.test:8089"),
    ] {
        for (method, path) in CHANGES.into_iter().chain(more) {
            let asked = request(method, path).header("cookie", &cookie);
            let answer = with_body(&cicada, asked.header(name, value), RIGHT_FORM).await;
            assert_eq!(answer.status, 403, "{method} {path} {name}: {value}");
            assert!(
                !answer.headers.contains_key("set-cookie"),
                "{method} {path}"
            );
        }
        if name == "referer" {
            continue;
        }
        for path in READS {
            let asked = request("GET", path).header("cookie", &cookie);
            let answer = sent(&cicada, asked.header(name, value)).await;
            assert_eq!(answer.status, 403, "{path} {name}: {value}");
        }
    }
    // a link, and a picture over plain HTTP that says nothing at all
    for path in ["/stop", "/stats/reset"] {
        let asked = opened(path).header("cookie", &cookie);
        assert_eq!(sent(&cicada, asked).await.status, 403, "{path}");
        let asked = opened(path).header("cookie", &cookie);
        let asked = asked.header("sec-fetch-site", "cross-site");
        let asked = asked.header("sec-fetch-mode", "navigate");
        let answer = sent(&cicada, asked.header("sec-fetch-dest", "document")).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(cicada.run().await, before);
}

#[tokio::test(start_paused = true)]
async fn a_link_of_another_site_is_followed_once_more_by_our_own_page_but_not_to_what_changes() {
    let cicada = locked();
    let again = "http-equiv=\"refresh\"";
    let followed = |path: &str, name: &str, value: &str| opened(path).header(name, value);
    for (path, name, value, is_again) in [
        ("/?tab=ledger", "sec-fetch-site", "cross-site", true),
        ("/stats/report", "sec-fetch-site", "same-site", true),
        ("/", "referer", "https://wiki.example/", true),
        // our own page, or nobody's: the browser has sent what it has
        ("/", "sec-fetch-site", "same-origin", false),
        ("/", "sec-fetch-site", "none", false),
        ("/", "referer", "http://cicada.test:8089/", false),
        // it would be ours who asks then, with the cookie
        ("/stop", "sec-fetch-site", "cross-site", false),
        ("/stats/reset?x", "sec-fetch-site", "cross-site", false),
    ] {
        let answer = sent(&cicada, followed(path, name, value)).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(
            answer.body.contains(again),
            is_again,
            "{path} {name}: {value}"
        );
        let leads =
            answer.body.contains("value=\"/stop\"") || answer.body.contains("value=\"/stats/reset");
        assert!(!leads, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn guesses_in_the_form_wait_in_the_same_queue_and_a_session_in_none() {
    let cicada = locked();
    let (cookie, _) = session(&cicada).await;
    let connections: Vec<_> = (0..1_000).map(|_| Acquaintance::default()).collect();
    let began = Instant::now();
    let guesses = connections.iter().enumerate().map(|(number, connection)| {
        let cicada = &cicada;
        async move {
            let body = match number {
                100 => RIGHT_FORM.to_owned(),
                _ => format!("name=demo&password={number}"),
            };
            let answer = if number % 2 == 0 {
                let asked = form("/login").extension(visitor());
                with_body(cicada, asked.extension(connection.clone()), &body).await
            } else {
                sent(cicada, guess(&BASE64_STANDARD.encode(&body), connection)).await
            };
            answer.status.as_u16()
        }
    });
    let mine = async {
        let connection = Acquaintance::default();
        let began = Instant::now();
        for _ in 0..100 {
            let asked = request("GET", "/tasks").header("cookie", &cookie);
            let asked = asked.extension(connection.clone());
            assert_eq!(sent(&cicada, asked).await.status, 200);
        }
        (began.elapsed(), connection.is_known())
    };
    let (statuses, (waited, is_known)) =
        tokio::join!(futures_util::future::join_all(guesses), mine);
    let took = began.elapsed().as_secs_f64();
    let judged = statuses.iter().filter(|status| **status == 401).count();
    assert!(judged as f64 <= 20.0 + 50.0 * took, "{judged} in {took} s");
    assert_eq!(judged, 520);
    assert_eq!(statuses[100], 429);
    assert!(waited < Duration::from_millis(1), "{waited:?}");
    // the server keeps it when it has to choose, as one that has shown the password
    assert!(is_known);
}

#[tokio::test(start_paused = true)]
async fn who_has_found_a_cookie_guesses_the_password_no_faster() {
    let cicada = locked();
    let (cookie, _) = session(&cicada).await;
    let connection = Acquaintance::default();
    let asked = request("GET", "/tasks").header("cookie", &cookie);
    let asked = asked.extension(connection.clone());
    assert_eq!(sent(&cicada, asked).await.status, 200);
    // others have used up what may be compared at once
    let others: Vec<_> = (0..100).map(|_| Acquaintance::default()).collect();
    let others = others
        .iter()
        .enumerate()
        .map(|(number, other)| sent(&cicada, guess(&number.to_string(), other)));
    let others = futures_util::future::join_all(others);
    let mine = async {
        tokio::task::yield_now().await;
        let began = Instant::now();
        let right = RIGHT.trim_start_matches("Basic ");
        let asked = guess(right, &connection);
        assert_eq!(sent(&cicada, asked).await.status, 200);
        began.elapsed()
    };
    let (_, waited) = tokio::join!(others, mine);
    assert!(waited >= Duration::from_millis(20), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_logs_out_is_asked_again() {
    let cicada = locked();
    let (cookie, _) = session(&cicada).await;
    // a picture or a link cannot
    let asked = opened("/logout").header("cookie", &cookie);
    assert_eq!(sent(&cicada, asked).await.status, 405);
    let answer = with_body(&cicada, form("/logout").header("cookie", &cookie), "").await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.headers["location"].to_str().unwrap()
        ),
        (303, "./")
    );
    let ended = answer.headers["set-cookie"].to_str().unwrap();
    let (name, _) = cookie.split_once('=').unwrap();
    assert_eq!(
        ended,
        format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure")
    );
    // nobody who has not logged in is told the cookie's name
    let answer = with_body(&cicada, form("/logout"), "").await;
    assert_eq!(answer.status, 401);
    assert!(!answer.headers.contains_key("set-cookie"));
    let empty = sent(&cicada, opened("/").header("cookie", format!("{name}="))).await;
    assert!(empty.status == 401 && empty.body.contains("<form"));
}
