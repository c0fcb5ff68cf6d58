//! Pages of other sites: they change nothing and read nothing.

use super::*;

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

/// A door that is open to the pages of one origin.
fn open_to_dashboard(door: Door) -> Cicada {
    let origins = "https://dashboard.test".parse().expect("it is an origin");
    let clock = Clock::following_tokio(epoch());
    Cicada::<MemoryStore>::behind(
        door.with_origins(origins),
        crate::cicada::shared_store(),
        ControlSettings::new(workload()),
        clock,
    )
}

#[tokio::test(start_paused = true)]
async fn pages_of_an_origin_that_is_named_read_and_change() {
    let cicada = open_to_dashboard(Door::default());
    let of = |origin: &str, method: &str, path: &str| {
        let asked = request(method, path).header("sec-fetch-site", "cross-site");
        let asked = asked.header("sec-fetch-mode", "cors");
        asked.header("origin", origin)
    };
    for (origin, status) in [
        ("https://dashboard.test", 200),
        ("http://dashboard.test", 403),
        ("https://dashboard.test:8443", 403),
        ("https://evil.dashboard.test", 403),
        ("https://dashboard.test.evil.test", 403),
        ("null", 403),
    ] {
        for (method, path) in [
            ("GET", "/stats/requests"),
            ("POST", "/swarm"),
            ("GET", "/stop"),
        ] {
            let answer = sent(&cicada, of(origin, method, path)).await;
            assert_eq!(answer.status, status, "{origin} {method} {path}");
            let named = answer.headers.get("access-control-allow-origin");
            assert_eq!(named.is_some(), status == 200, "{origin} {method} {path}");
        }
    }
    // of two origins none is believed, and what names none is a picture or a script
    let both = of("https://dashboard.test", "GET", "/tasks").header("origin", "https://evil.test");
    assert_eq!(sent(&cicada, both).await.status, 403);
    let none = request("GET", "/tasks").header("sec-fetch-site", "cross-site");
    assert_eq!(sent(&cicada, none).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_asks_first_is_told_without_a_password_and_the_page_needs_it() {
    let door = Door::with_basic_auth("demo:sécret:1").expect("it is a password");
    let cicada = open_to_dashboard(door);
    let ask = |origin: &str| {
        let asked = request("OPTIONS", "/swarm").header("origin", origin);
        let asked = asked.header("access-control-request-method", "POST");
        asked.header("access-control-request-headers", "authorization")
    };
    let told = sent(&cicada, ask("https://dashboard.test")).await;
    assert_eq!(told.status, 200);
    for (name, value) in [
        ("access-control-allow-origin", "https://dashboard.test"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "authorization"),
    ] {
        assert_eq!(told.headers[name], value);
    }
    let other = sent(&cicada, ask("https://evil.test")).await;
    assert!(!other.headers.contains_key("access-control-allow-origin"));
    let swarm = || request("POST", "/swarm").header("origin", "https://dashboard.test");
    let refused = sent(&cicada, swarm()).await;
    assert_eq!(refused.status, 401);
    // the page may read why
    assert_eq!(
        refused.headers["access-control-allow-origin"],
        "https://dashboard.test"
    );
    let answer = sent(&cicada, swarm().header("authorization", RIGHT)).await;
    assert_eq!(answer.status, 200);
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
