//! A shop that logs people in: a form, a cookie that comes with a redirect, a token that ends, and a log-out.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::harness::Cicada;

/// Logs in by a form, goes on with cookie and token, and logs out.
const SHOPPERS: &str = include_str!("../../../examples/login.toml");

#[derive(Default)]
struct Shop {
    logins: Vec<String>,
    /// The sessions that are on, by cookie and token.
    open: HashSet<String>,
    looks: u32,
    refused: u32,
    logouts: u32,
}

type Shared = State<Arc<Mutex<Shop>>>;

async fn login(shop: Shared, body: String) -> Response {
    let mut shop = shop.lock();
    shop.logins.push(body);
    let number = shop.logins.len().to_string();
    shop.open.insert(number.clone());
    let cookie = format!("session={number}; Path=/; HttpOnly");
    ([("set-cookie", cookie)], Redirect::to("/home")).into_response()
}

fn session(shop: &Shop, headers: &HeaderMap) -> Option<String> {
    let number = headers
        .get("cookie")?
        .to_str()
        .ok()?
        .strip_prefix("session=")?;
    shop.open.contains(number).then(|| number.to_owned())
}

async fn home(shop: Shared, headers: HeaderMap) -> Response {
    match session(&shop.lock(), &headers) {
        Some(number) => axum::Json(serde_json::json!({ "token": number })).into_response(),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

/// Refuses who has no session; the fourth one that is asked for ends in the middle.
async fn account(shop: Shared, headers: HeaderMap) -> StatusCode {
    let mut shop = shop.lock();
    let number = session(&shop, &headers);
    let token = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap().to_owned());
    if number.is_none() || token != number.map(|number| format!("Bearer {number}")) {
        shop.refused += 1;
        return StatusCode::UNAUTHORIZED;
    }
    shop.looks += 1;
    if shop.looks == 4 {
        shop.open.clear();
    }
    StatusCode::OK
}

async fn logout(shop: Shared, headers: HeaderMap) -> StatusCode {
    let mut shop = shop.lock();
    let Some(number) = session(&shop, &headers) else {
        return StatusCode::FORBIDDEN;
    };
    shop.open.remove(&number);
    shop.logouts += 1;
    StatusCode::NO_CONTENT
}

async fn serve() -> (String, Arc<Mutex<Shop>>) {
    let shop = Arc::<Mutex<Shop>>::default();
    let router = Router::new()
        .route("/login", post(login))
        .route("/home", get(home))
        .route("/account", get(account))
        .route("/logout", post(logout))
        .with_state(Arc::clone(&shop));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, shop)
}

/// The requests and the failures of a row.
fn counts(rows: &Value, name: &str) -> (u32, u32) {
    let mut rows = rows.as_array().unwrap().iter();
    let row = rows
        .find(|row| row["name"] == name)
        .unwrap_or_else(|| panic!("{name}: {rows:?}"));
    let count = |key: &str| row[key].as_u64().unwrap() as u32;
    (count("num_requests"), count("num_failures"))
}

#[tokio::test(flavor = "multi_thread")]
async fn users_log_in_once_go_on_with_cookie_and_token_and_log_out_at_the_end() {
    let (url, shop) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shoppers.toml");
    std::fs::write(&path, SHOPPERS).unwrap();
    let cicada = Cicada::bare().env("SHOP_URL", url).file(path);
    let output = cicada
        .args("--headless -u 3 -r 100 -t 4s --json")
        .run()
        .await;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = |name: &str| counts(&rows, name);
    let shop = shop.lock();
    let first: HashSet<_> = shop.logins.iter().take(3).map(String::as_str).collect();
    let expected = ["0", "1", "2"].map(|user| format!("name=user+{user}&password=a%26b"));
    assert_eq!(first, expected.iter().map(String::as_str).collect());
    assert!(shop.refused > 0 && shop.looks > 10, "{}", shop.looks);
    // whoever was refused has logged in anew, and nobody else
    assert_eq!(shop.logins.len() as u32, 3 + shop.refused);
    assert_eq!(row("POST /login"), (3 + shop.refused, 0));
    assert_eq!(
        row("GET /account"),
        (shop.looks + shop.refused, shop.refused)
    );
    assert_eq!(row("POST /logout"), (3, 0));
    assert_eq!((shop.logouts, shop.open.len()), (3, 0));
    let iterations = shop.looks + shop.refused;
    assert!(
        text.contains(&format!(
            "Ledger: {iterations} planned = {iterations} recorded + 0 skipped + 0 missing"
        )),
        "{text}"
    );
}

/// Locust's users log in once: a session that the shop has ended stays at its end.
#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_locustfile_log_in_once_and_keep_what_they_were_given() {
    let (url, shop) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shoppers.py");
    let text = format!(
        r#"from locust import HttpUser, constant_pacing, task


class Shopper(HttpUser):
    host = "{url}"
    wait_time = constant_pacing(0.5)

    def on_start(self):
        response = self.client.post("/login", data={{"name": "a", "password": "b"}})
        if response.status_code == 200:
            self.token = response.json()["token"]

    def on_stop(self):
        self.client.post("/logout")

    @task
    def look(self):
        self.client.get("/account", headers={{"Authorization": f"Bearer {{self.token}}"}})
"#
    );
    std::fs::write(&path, text).unwrap();
    let cicada = Cicada::bare().file(path);
    let output = cicada
        .args("--headless -u 3 -r 100 -t 3s --json")
        .run()
        .await;
    let rows: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let row = |name: &str| counts(&rows, name);
    let shop = shop.lock();
    assert_eq!(shop.logins, ["name=a&password=b"; 3]);
    assert!(shop.looks == 4 && shop.refused > 0, "{}", shop.looks);
    assert_eq!(row("/login"), (3, 0));
    assert_eq!(row("/account"), (4 + shop.refused, shop.refused));
    assert_eq!((row("/logout"), shop.logouts), ((3, 3), 0));
}
