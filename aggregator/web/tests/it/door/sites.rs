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
