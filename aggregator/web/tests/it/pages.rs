//! Pages and what they are made of: the list of routes, the form, health, logs, and the document.

use control::ControlSettings;
use serde_json::{Value, json};
use statistics::state::State;

use crate::cicada::{Cicada, workload};

#[tokio::test(start_paused = true)]
async fn the_list_of_routes_names_them_all_and_the_state() {
    let cicada = Cicada::new();
    let page = cicada.get("/api").await.body;
    assert!(
        !page.contains("make build"),
        "that is for those who lack the page"
    );
    let document = cicada.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths");
    let named =
        |path: &&String| *path != "/api" && !path.contains("{id}") && !path.starts_with("/assets");
    for route in paths.keys().filter(named) {
        let route = route.replace("{name}", "NAME");
        assert!(page.contains(&route), "{route}");
    }
    assert!(page.contains(r#"<strong id="state">ready</strong>"#));
    // but for the name of SVG in the icon, every address is this server's
    let foreign = page.replace("http://www.w3.org/2000/svg", "");
    let foreign = foreign.replace("http://localhost:8089", "");
    assert!(!foreign.contains("http://"), "{page}");
    cicada.started("user_count=6&spawn_rate=600").await;
    cicada.settle().await;
    let page = cicada.get("/api").await.body;
    assert!(page.contains(r#"<strong id="state">running</strong>"#));
    assert!(page.contains(r#"<strong id="user_count">6</strong>"#));
}

#[tokio::test(start_paused = true)]
async fn the_page_holds_what_its_form_offers_or_says_how_to_get_it() {
    let cicada = Cicada::new();
    cicada
        .started("user_count=1&spawn_rate=1&host=http://x/%3C/script%3E")
        .await;
    let page = cicada.get("/").await;
    let Some((_, rest)) = page.body.split_once("type=\"application/json\">") else {
        // built without Node.js
        assert!(
            page.body.contains("<code>make build</code>"),
            "{}",
            page.body
        );
        return;
    };
    let (args, _) = rest.split_once("</script>").expect("the element ends");
    let args: Value = serde_json::from_str(args).expect("it is JSON");
    assert_eq!(args, cicada.get("/template-args").await.json());
    assert_eq!(page.headers["cache-control"], "no-store");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
}

#[tokio::test(start_paused = true)]
async fn the_form_offers_classes_and_what_was_asked_for_last() {
    let cicada = Cicada::new();
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["state"], "ready");
    assert_eq!(
        (&args["user_count"], &args["num_users"]),
        (&json!(0), &json!(1))
    );
    let hosts = json!(["http://ai-agent:8001", "http://target-app:8000"]);
    assert_eq!((&args["host"], &args["hosts"]), (&json!(""), &hosts));
    let class = json!({"host": "http://ai-agent:8001", "weight": 1, "fixed_count": 0,
        "tasks": ["check_and_repair"]});
    assert_eq!(args["users"]["ModelAUser"], class);
    assert_eq!(
        args["available_user_classes"].as_array().map(Vec::len),
        Some(6)
    );

    cicada
        .started(
            "user_count=6&spawn_rate=2.5&run_time=10m&user_classes=ModelAUser&host=http://other:1",
        )
        .await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["state"], "spawning");
    assert_eq!(
        (&args["user_count"], &args["num_users"]),
        (&json!(6), &json!(6))
    );
    assert_eq!(
        (&args["spawn_rate"], &args["run_time"]),
        (&json!(2.5), &json!(600))
    );
    let other = json!("http://other:1");
    assert_eq!((&args["host"], &args["hosts"]), (&other, &json!([other])));

    cicada.post("/stop").await;
    cicada.settle().await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["state"], "stopped");
    assert_eq!(
        (&args["user_count"], &args["num_users"]),
        (&json!(0), &json!(6))
    );
}

#[tokio::test(start_paused = true)]
async fn the_form_offers_shapes_and_says_whether_one_is_on() {
    let cicada = Cicada::new();
    let args = cicada.get("/template-args").await.json();
    let shapes = args["available_shape_classes"].clone();
    let first = shapes[1]
        .as_str()
        .expect("the workload has shapes")
        .to_owned();
    assert_eq!(
        (&shapes[0], &args["shape_class"]),
        (&json!("Default"), &Value::Null)
    );
    assert_eq!(args["hide_common_options"], false);
    cicada
        .started(&format!("shape_class={first}&user_count=0&spawn_rate=0"))
        .await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["hide_common_options"], true);
    assert_eq!(
        args["num_users"], 1,
        "a shape's users are not what somebody asked for"
    );
    cicada.post("/stop").await;
    cicada.settle().await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["hide_common_options"], false);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_asset_but_the_pages_own() {
    let cicada = Cicada::new();
    for path in [
        "/assets/nothing.js",
        "/assets/..%2Findex.html",
        "/assets/",
        "/assets",
    ] {
        assert_eq!(cicada.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn health_says_version_and_state_and_what_is_wrong() {
    let cicada = Cicada::new();
    let answer = cicada.get("/health").await;
    let expected = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "state": "ready"});
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    cicada.trouble.set("results cannot be written");
    let answer = cicada.get("/health").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["message"], "results cannot be written");
    assert_eq!(answer.json()["status"], "unavailable");
    cicada.trouble.clear();
    assert_eq!(cicada.get("/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn logs_are_the_newest_lines() {
    let cicada = Cicada::new();
    cicada.logs.push("one");
    cicada.logs.push("two");
    let json = cicada.get("/logs").await.json();
    assert_eq!(json, json!({"master": ["one", "two"], "workers": {}}));
}

#[tokio::test(start_paused = true)]
async fn the_ledger_answers_before_and_in_a_run() {
    let cicada = Cicada::new();
    let json = cicada.get("/ledger").await.json();
    assert_eq!((&json["run"], &json["planned"]), (&json!(null), &json!(0)));
    cicada.started("user_count=6&spawn_rate=600").await;
    cicada.settle().await;
    cicada.pass(60.0).await;
    let json = cicada.get("/ledger").await.json();
    assert_eq!(json["run"], cicada.run().await.id.0.as_str());
    let planned = json["planned"].as_u64().unwrap();
    let missing = json["missing"].as_u64().unwrap() + json["pending"].as_u64().unwrap();
    assert!(
        planned > 0 && planned == missing,
        "nobody executed anything: {json}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_chosen_classes_are_listed_as_tasks_before_a_run() {
    let cicada = Cicada::with(ControlSettings {
        classes: vec!["ModelAUser".into()],
        ..ControlSettings::new(workload())
    });
    let json = cicada.get("/tasks").await.json();
    assert_eq!(
        json["per_class"].as_object().map(|classes| classes.len()),
        Some(1)
    );
    assert_eq!(json["per_class"]["ModelAUser"]["ratio"], 0.0);
    assert_eq!(cicada.state().await, State::Ready);
}

#[tokio::test(start_paused = true)]
async fn looking_at_the_heads_of_pages_changes_nothing() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=600").await;
    let before = cicada.run().await;
    for (path, status) in [
        ("/stop", 405),
        ("/stats/reset", 405),
        ("/stats/requests", 200),
    ] {
        let answer = cicada.call("HEAD", path, None, "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    assert_eq!(cicada.run().await, before);
}

#[tokio::test(start_paused = true)]
async fn the_document_says_which_methods_there_are() {
    let cicada = Cicada::new();
    let answer = cicada.get("/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = document["paths"].as_object().expect("paths");
    for (path, item) in paths {
        let path = path.replace("{id}", "x").replace("{name}", "x");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let described = item.get(method.to_lowercase()).is_some();
            let answer = cicada.call(method, &path, None, "").await;
            assert_eq!(
                answer.status != 405,
                described,
                "{method} {path}: {}",
                answer.body
            );
        }
    }
    let about_runs = paths
        .keys()
        .filter_map(|path| path.strip_prefix("/runs/{id}"))
        .filter(|page| !page.is_empty());
    let about_runs: Vec<&str> = about_runs.collect();
    assert!(about_runs.len() >= 5, "{about_runs:?}");
    let newest = about_runs.iter().filter(|page| paths.contains_key(**page));
    assert_eq!(
        newest.count(),
        about_runs.len(),
        "each is also of the newest"
    );
}
