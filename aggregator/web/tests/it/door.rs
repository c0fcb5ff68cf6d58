//! Who may come in: the password, and changes from pages of other sites.

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use control::Settings;
use testing::MemoryStore;
use tokio::time::Instant;
use traffic::clock::Clock;
use web::api::{Acquaintance, Door, Names, Trusted, Visitor};

use crate::cicada::{Answer, Cicada, FORM, epoch, workload};

/// `demo:sécret:1` in base 64.
const RIGHT: &str = "Basic ZGVtbzpzw6ljcmV0OjE=";

const SWARM: &str = "user_count=1&spawn_rate=1";

/// Everything that answers, with a method that it takes.
const ROUTES: [(&str, &str); 18] = [
    ("GET", "/"),
    ("POST", "/swarm"),
    ("POST", "/stop"),
    ("GET", "/stop"),
    ("GET", "/stats/requests"),
    ("POST", "/stats/reset"),
    ("GET", "/stats/reset"),
    ("GET", "/tasks"),
    ("GET", "/exceptions"),
    ("GET", "/ledger"),
    ("GET", "/logs"),
    ("GET", "/worker-count"),
    ("GET", "/workload"),
    ("PUT", "/workload"),
    ("GET", "/schedules"),
    ("POST", "/schedules"),
    ("DELETE", "/schedules/x"),
    ("GET", "/nothing"),
];

/// Those of them that change something.
const CHANGES: [(&str, &str); 9] = [
    ("POST", "/swarm"),
    ("POST", "/user"),
    ("POST", "/stop"),
    ("GET", "/stop"),
    ("POST", "/stats/reset"),
    ("GET", "/stats/reset"),
    ("PUT", "/workload"),
    ("POST", "/schedules"),
    ("DELETE", "/schedules/x"),
];

/// Those that show something.
const READS: [&str; 9] = [
    "/",
    "/stats/requests",
    "/exceptions",
    "/ledger",
    "/runs",
    "/logs",
    "/workload",
    "/schedules",
    "/nothing",
];

fn locked() -> Cicada {
    let door = Door::with_basic_auth("demo:sécret:1").expect("it is a password");
    let clock = Clock::following_tokio(epoch());
    Cicada::<MemoryStore>::behind(
        door,
        crate::cicada::shared_store(),
        Settings::new(workload()),
        clock,
    )
}

fn request(method: &str, path: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "cicada.test:8089")
}

async fn sent(cicada: &Cicada, request: Builder) -> Answer {
    let request = request.header("content-type", FORM).body(Body::from(SWARM));
    cicada.send(request.expect("it is a request")).await
}

#[tokio::test(start_paused = true)]
async fn everything_but_health_needs_the_password() {
    let cicada = locked();
    for (method, path) in ROUTES {
        let answer = sent(&cicada, request(method, path)).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        let challenge = "Basic realm=\"cicada\", charset=\"UTF-8\"";
        assert_eq!(answer.headers["www-authenticate"], challenge, "{path}");
        assert_eq!(answer.json()["success"], false);
        let answer = sent(
            &cicada,
            request(method, path).header("authorization", RIGHT),
        )
        .await;
        assert_ne!(answer.status, 401, "{method} {path}");
    }
    assert_eq!(cicada.get("/health").await.status, 200);
    // and nothing that only looks like it
    for path in [
        "/health/",
        "/health/../stop",
        "/Health",
        "//health",
        "/health%2f",
    ] {
        assert_eq!(cicada.get(path).await.status, 401, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_route_that_is_described_needs_the_password() {
    let cicada = locked();
    let asked = request("GET", "/openapi.json").header("authorization", RIGHT);
    let described = sent(&cicada, asked).await.json();
    let paths = described["paths"].as_object().expect("there are paths");
    assert!(paths.len() > 20, "{} paths", paths.len());
    for (path, methods) in paths.iter().filter(|(path, _)| *path != "/health") {
        let path = path.replace("{id}", "x").replace("{name}", "x");
        for method in methods.as_object().expect("they have methods").keys() {
            let method = method.to_uppercase();
            let answer = sent(&cicada, request(&method, &path)).await;
            assert_eq!(answer.status, 401, "{method} {path}");
        }
    }
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_password_is_refused() {
    let cicada = locked();
    for wrong in [
        "",
        "Basic",
        "Basic ",
        "Basic ZGVtbzpzw6ljcmV0OjI=",
        "Basic ZGVtbzpzw6ljcmV0",
        "Basic ZGVtbzpzw6ljcmV0OjE=x",
        "Basic demo:sécret:1",
        "Bearer ZGVtbzpzw6ljcmV0OjE=",
        "ZGVtbzpzw6ljcmV0OjE=",
        "BasicZGVtbzpzw6ljcmV0OjE=",
        "Basic Og==",
    ] {
        let asked = request("POST", "/swarm").header("authorization", wrong);
        assert_eq!(sent(&cicada, asked).await.status, 401, "{wrong:?}");
    }
    assert!(cicada.store_is_empty().await);
    for right in [
        RIGHT,
        "basic ZGVtbzpzw6ljcmV0OjE=",
        "BASIC  ZGVtbzpzw6ljcmV0OjE= ",
    ] {
        let asked = request("POST", "/swarm").header("authorization", right);
        assert_eq!(
            sent(&cicada, asked).await.json()["success"],
            true,
            "{right}"
        );
    }
}

/// A request with a password over a connection from this machine.
fn guess(token: &str, connection: &Acquaintance) -> Builder {
    let visitor = Visitor {
        address: "127.0.0.1".parse().expect("it is an address"),
        over_tls: false,
    };
    let asked = request("GET", "/stop").header("authorization", format!("Basic {token}"));
    asked.extension(visitor).extension(connection.clone())
}

#[tokio::test(start_paused = true)]
async fn guesses_beyond_the_brake_are_refused_without_being_judged() {
    let cicada = locked();
    let connections: Vec<_> = (0..1_000).map(|_| Acquaintance::default()).collect();
    let began = Instant::now();
    let guesses = connections.iter().enumerate().map(|(number, connection)| {
        // also the right one, when many came after it: nobody can tell
        let token = match number {
            100 => RIGHT.trim_start_matches("Basic ").to_owned(),
            _ => format!("guess{number}"),
        };
        sent(&cicada, guess(&token, connection))
    });
    let answers = futures_util::future::join_all(guesses).await;
    let took = began.elapsed().as_secs_f64();
    let judged = answers.iter().filter(|answer| answer.status == 401).count();
    assert!(judged as f64 <= 20.0 + 50.0 * took, "{judged} in {took} s");
    assert_eq!(judged, 520);
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        assert_eq!(answer.status, 429);
        let seconds: u64 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=11).contains(&seconds), "{seconds}");
        let message = format!("too many passwords are being tried: try again in {seconds} s");
        assert_eq!(answer.json()["message"], message);
        assert_eq!(answer.json()["success"], false);
    }
    assert_eq!(answers[100].status, 429);
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_shown_the_password_waits_for_nobody() {
    let cicada = locked();
    let right = RIGHT.trim_start_matches("Basic ");
    let mine = Acquaintance::default();
    assert_eq!(sent(&cicada, guess(right, &mine)).await.status, 200);
    let others: Vec<_> = (0..600).map(|_| Acquaintance::default()).collect();
    let attack = others.iter().enumerate();
    let attack = attack.map(|(number, other)| sent(&cicada, guess(&number.to_string(), other)));
    let attack = futures_util::future::join_all(attack);
    let began = Instant::now();
    let mine = async {
        for _ in 0..10 {
            assert_eq!(sent(&cicada, guess(right, &mine)).await.status, 200);
        }
        began.elapsed()
    };
    let (_, took) = tokio::join!(attack, mine);
    // a stop waits for its time, guesses or not
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn only_the_entry_point_can_say_that_a_request_is_trusted() {
    let cicada = locked();
    for header in ["trusted", "x-trusted", "x-amzn-request-context"] {
        let asked = request("POST", "/swarm").header(header, "true");
        assert_eq!(sent(&cicada, asked).await.status, 401, "{header}");
    }
    let asked = request("POST", "/swarm").extension(Trusted);
    assert_eq!(sent(&cicada, asked).await.json()["success"], true);
    // it comes from nowhere, so no site is asked for either
    let asked = request("POST", "/stop").extension(Trusted);
    let asked = asked.header("sec-fetch-site", "cross-site");
    assert_eq!(sent(&cicada, asked).await.json()["success"], true);
}

#[test]
fn a_password_is_never_shown() {
    let door = Door::with_basic_auth("demo:secret").expect("it is a password");
    assert_eq!(format!("{door:?}"), "Door { asks_for_password: true }");
    assert_eq!(
        format!("{:?}", Door::default()),
        "Door { asks_for_password: false }"
    );
    for bad in ["", "demo", "demo:", ":secret", ":"] {
        let error = Door::with_basic_auth(bad).expect_err(bad).to_string();
        assert!(
            error.starts_with("LOCUST_BASIC_AUTH is not of the form"),
            "{error}"
        );
        assert!(
            !error.contains("demo") && !error.contains("secret"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_other_sites_change_nothing_and_read_nothing() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=6").await;
    cicada.settle().await;
    let before = cicada.run().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "anything"),
        ("origin", "https://evil.test"),
        ("origin", "http://cicada.test"),
        ("origin", "http://cicada.test:8090"),
        ("origin", "http://cicada.test:8089.evil.test"),
        ("origin", "null"),
        ("origin", ""),
        ("referer", "https://evil.test/cicada.test:8089"),
    ] {
        for (method, path) in CHANGES {
            let answer = sent(&cicada, request(method, path).header(name, value)).await;
            assert_eq!(answer.status, 403, "{method} {path} {name}: {value}");
            assert_eq!(answer.json()["success"], false);
        }
        if name == "referer" {
            // a link on a page elsewhere, in a browser that does not say what is to become of it
            continue;
        }
        for path in READS {
            let read = sent(&cicada, request("GET", path).header(name, value)).await;
            assert_eq!(read.status, 403, "{path} {name}: {value}");
            let message = "pages of other sites may read nothing: use this one's, or a script";
            assert_eq!(read.json()["message"], message, "{path}");
        }
    }
    assert_eq!(cicada.run().await, before);
    // who looks after a container is no page
    let asked = request("GET", "/health").header("sec-fetch-site", "cross-site");
    assert_eq!(sent(&cicada, asked).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn every_route_that_shows_something_is_closed_to_pages_of_other_sites() {
    let cicada = Cicada::new();
    let described = sent(&cicada, request("GET", "/openapi.json")).await.json();
    let paths = described["paths"].as_object().expect("there are paths");
    assert!(paths.len() > 20, "{} paths", paths.len());
    for (path, methods) in paths.iter().filter(|(path, _)| *path != "/health") {
        let path = path.replace("{id}", "x").replace("{name}", "x");
        for method in methods.as_object().expect("they have methods").keys() {
            let method = method.to_uppercase();
            for dest in ["script", "style", "image", "iframe", "empty", "object"] {
                let asked = request(&method, &path).header("sec-fetch-site", "cross-site");
                let asked = asked.header("sec-fetch-mode", "no-cors");
                let answer = sent(&cicada, asked.header("sec-fetch-dest", dest)).await;
                assert_eq!(answer.status, 403, "{method} {path} {dest}");
            }
            let asked = rebound(&method, &path, "evil.example:8089");
            let asked = asked.header("sec-fetch-site", "same-origin");
            assert_eq!(sent(&cicada, asked).await.status, 403, "{method} {path}");
        }
    }
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn a_link_elsewhere_opens_the_page_and_changes_nothing() {
    let cicada = Cicada::new();
    let followed = |path: &str, dest: &str| {
        let asked = request("GET", path).header("sec-fetch-site", "cross-site");
        let asked = asked.header("sec-fetch-mode", "navigate");
        asked.header("sec-fetch-dest", dest)
    };
    assert_eq!(
        sent(&cicada, followed("/workload", "document"))
            .await
            .status,
        200
    );
    for (path, dest) in [
        ("/workload", "iframe"),
        ("/workload", "embed"),
        ("/stop", "document"),
        ("/stats/reset", "document"),
    ] {
        assert_eq!(
            sent(&cicada, followed(path, dest)).await.status,
            403,
            "{path}"
        );
    }
    // over plain HTTP only the page it is on is said; the headers of the answer do the rest
    let asked = request("GET", "/workload").header("referer", "https://wiki.example/");
    let answer = sent(&cicada, asked).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers["cross-origin-resource-policy"],
        "same-origin"
    );
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test(start_paused = true)]
async fn the_own_page_and_scripts_change_what_they_like() {
    let cicada = Cicada::new();
    for header in [
        None,
        Some(("sec-fetch-site", "same-origin")),
        // a bookmark, or the address bar
        Some(("sec-fetch-site", "none")),
        Some(("origin", "http://cicada.test:8089")),
        // behind something that speaks TLS for it
        Some(("origin", "https://CICADA.test:8089")),
        Some(("referer", "http://cicada.test:8089/")),
    ] {
        let mut asked = request("POST", "/swarm");
        if let Some((name, value)) = header {
            asked = asked.header(name, value);
        }
        let answer = sent(&cicada, asked).await;
        assert_eq!(answer.json()["success"], true, "{header:?}");
    }
    // whoever says where it is from by itself is believed before any other header is
    let asked = request("POST", "/stop").header("sec-fetch-site", "same-origin");
    let asked = asked.header("origin", "https://proxied.test");
    assert_eq!(sent(&cicada, asked).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_picture_at_a_route_that_stops_stops_nothing() {
    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=6").await;
    cicada.settle().await;
    let before = cicada.run().await;
    // to a plain HTTP address, with `referrerpolicy="no-referrer"`, a browser says no more than this
    for path in ["/stop", "/stats/reset"] {
        let asked = request("GET", path).header("user-agent", BROWSER);
        let answer = sent(&cicada, asked).await;
        assert_eq!(answer.status, 403, "{path}");
        let message = "a browser's GET may change nothing: use the page, or POST";
        assert_eq!(answer.json()["message"], message);
    }
    assert_eq!(cicada.run().await, before);
    // scripts do, as they did in older versions of Locust
    let asked = request("GET", "/stop").header("user-agent", "python-requests/2.32.5");
    assert_eq!(sent(&cicada, asked).await.status, 200);
    // a page that says nothing at all can only be one that is old
    let asked = request("POST", "/stop").header("user-agent", BROWSER);
    assert_eq!(sent(&cicada, asked).await.status, 200);
}

/// What a page sends whose name leads to this machine.
fn rebound(method: &str, path: &str, host: &str) -> Builder {
    let origin = format!("http://{host}");
    let request = Request::builder().method(method).uri(path);
    request.header("host", host).header("origin", origin)
}

#[tokio::test(start_paused = true)]
async fn a_name_that_may_be_anybodys_changes_and_reads_nothing_without_a_password() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=6").await;
    cicada.settle().await;
    let before = cicada.run().await;
    for host in [
        "evil.example",
        "evil.example:8089",
        "127.0.0.1.evil.example:8089",
        "localhost.evil.example",
        "cicada.evil.example.",
        "demo@localhost",
        "notlocal.host",
        "xn--80ak6aa92e.com",
    ] {
        for (method, path) in CHANGES {
            let answer = sent(&cicada, rebound(method, path, host)).await;
            assert_eq!(answer.status, 403, "{method} {path} {host}");
        }
        for path in READS {
            let read = sent(&cicada, rebound("GET", path, host)).await;
            assert_eq!(read.status, 403, "{path} {host}");
        }
    }
    assert_eq!(cicada.run().await, before);
    // what a browser sends to a plain HTTP address that is its page's own says no more than the name
    let asked = Request::get("/workload").header("host", "evil.example:8089");
    let answer = sent(&cicada, asked).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json()["message"],
        "nothing is shown under the name evil.example:8089, which may be anybody's: use an address \
         of this machine, name it in CICADA_WEB_NAMES (--web-names), or set LOCUST_BASIC_AUTH"
    );
    let answer = sent(&cicada, rebound("POST", "/swarm", "evil.example:8089")).await;
    assert_eq!(
        answer.json()["message"],
        "changes are not taken under the name evil.example:8089, which may be anybody's: use an \
         address of this machine, name it in CICADA_WEB_NAMES (--web-names), or set \
         LOCUST_BASIC_AUTH"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_can_only_be_our_own_changes_all() {
    let cicada = Cicada::new();
    for host in [
        "localhost",
        "LOCALHOST:8089",
        "localhost.:8089",
        "127.0.0.1:8089",
        "192.168.1.5",
        "[::1]:8089",
        "[fe80::1]",
        // a container's, a service's, and a machine's in a private network
        "cicada:8089",
        "cicada.default.svc.cluster.local",
        "host.docker.internal:8089",
        "cicada.localhost",
        "demo.home.arpa",
        "laptop.lan",
    ] {
        let answer = sent(&cicada, rebound("POST", "/swarm", host)).await;
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_names_are_given_or_have_a_password() {
    let behind = |door| {
        let clock = Clock::following_tokio(epoch());
        Cicada::<MemoryStore>::behind(
            door,
            crate::cicada::shared_store(),
            Settings::new(workload()),
            clock,
        )
    };
    let named = |names: &str| Door::default().with_names(names.parse().expect(names));
    for (names, host, status) in [
        ("cicada.example.com", "cicada.example.com:8089", 200),
        ("a.example, Cicada.Example.com", "cicada.EXAMPLE.com.", 200),
        ("cicada.example.com", "evil.example", 403),
        ("cicada.example.com", "evil.cicada.example.com", 403),
        ("", "cicada.example.com", 403),
        ("*", "evil.example", 200),
    ] {
        let answer = sent(&behind(named(names)), rebound("POST", "/swarm", host)).await;
        assert_eq!(answer.status, status, "{names:?} {host}");
    }
    let asked = rebound("POST", "/swarm", "cicada.example.com").header("authorization", RIGHT);
    assert_eq!(sent(&locked(), asked).await.status, 200);
    for bad in [
        "cicada.example.com:8089",
        "http://cicada",
        "a..b",
        "a b",
        "ä",
        "*.example.com",
    ] {
        let error = bad.parse::<Names>().expect_err(bad).to_string();
        assert!(error.starts_with("CICADA_WEB_NAMES has "), "{error}");
    }
}
