//! Sessions: begun where there is none, anew when they are too old or a status ends them, and never a part of the plan.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::{Request, StatusCode};
use testing::{Calls, FaultyStore};
use traffic::clock::{Clock, Slot};
use traffic::ports::{RunStore as _, WakeUp};
use traffic::record::wire::Decoded;
use traffic::record::{Block, Fate};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::tick::Ticker;
use traffic::transport::{Reply, RequestContext, Transport};
use traffic::workload::Workload;

use super::{mistakes, parse};

const START: Slot = Slot(1_700_000_040);

/// Users who log in and go on with a token.
const LOGIN: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
[class.A]
wait = "constant_pacing(1)"
session_lasts = "SECONDS"
restart_session_on = [401]
[[class.A.start.request]]
method = "POST"
path = "/login"
json = { user = "{{ user }}" }
capture = { token = "json.token" }
[[class.A.task.look.request]]
path = "/account"
headers = { Authorization = "Bearer {{ token }}" }
[[class.A.task.look.request]]
path = "/orders"
headers = { Authorization = "Bearer {{ token }}" }
"#;

/// How the `number`-th request is answered.
type Answer = dyn Fn(usize, &str) -> u16 + Send + Sync;

/// Gives each login a token of its own, and notes what is asked with which.
#[derive(Clone)]
struct Shop {
    asked: Arc<Mutex<Vec<String>>>,
    answer: Arc<Answer>,
}

impl Transport for Shop {
    async fn send(&self, request: Request, _: &RequestContext) -> Result<Reply, String> {
        let path = request.url().path().to_owned();
        let token = request
            .headers()
            .get("authorization")
            .map_or("", |value| value.to_str().unwrap());
        let mut asked = self.asked.lock();
        let status = (self.answer)(asked.len(), &path);
        asked.push(format!("{path} {token}").trim().to_owned());
        let logins = asked
            .iter()
            .filter(|asked| asked.starts_with("/login"))
            .count();
        Ok(Reply {
            status: StatusCode::from_u16(status).unwrap(),
            body: format!("{{\"token\": \"t{logins}\"}}").into(),
            ..Reply::default()
        })
    }
}

/// Two processes that execute one user's seconds in turn, for so many seconds; what was asked, and the iterations' fates.
async fn executed(
    source: &str,
    processes: usize,
    seconds: u64,
    answer: impl Fn(usize, &str) -> u16 + Send + Sync + 'static,
) -> (Vec<String>, Vec<Fate>) {
    let workload = Workload::parse(source, "test", &|_| None).unwrap();
    let clock = Clock::following_tokio(Slot(START.0 - 5).full_second());
    let store = Arc::new(FaultyStore::default());
    store.slow(Calls::All, Duration::from_millis(5));
    store
        .put_workload(workload.version(), source)
        .await
        .unwrap();
    let run = RunId("r".into());
    let users = Segment::new(START.full_second(), 1, 100.0, vec![Share::new("A", 1, 0)]);
    let stored = Run::new(run.clone(), 1, workload.version(), clock.now(), vec![users]);
    store.put_run(&stored).await.unwrap();
    let shop = Shop {
        asked: Arc::default(),
        answer: Arc::new(answer),
    };
    let tickers: Vec<_> = (0..processes)
        .map(|_| {
            let runs = testing::runs(&store, &clock);
            Ticker::new(Arc::clone(&store), runs, shop.clone(), clock.clone())
        })
        .collect();
    for second in 0..seconds {
        let wake_up = WakeUp {
            run: run.clone(),
            class: "A".into(),
            block: Block(0),
            slot: START.plus(second),
        };
        tickers[second as usize % processes]
            .run(&wake_up, None)
            .await
            .unwrap();
    }
    let mut records = store.inner.all_records();
    records.sort_by_key(|record| record.key.slot);
    let decoded = records
        .iter()
        .map(|record| Decoded::read(&record.payload, record.key.slot).unwrap());
    let fates = decoded.flat_map(|decoded| decoded.to_contents().iterations);
    let asked = shop.asked.lock().clone();
    (asked, fates.map(|entry| entry.fate).collect())
}

fn lasting(time: &str) -> String {
    LOGIN.replace("SECONDS", time)
}

#[tokio::test(start_paused = true)]
async fn a_user_logs_in_once_and_goes_on_with_what_it_was_given() {
    let (asked, fates) = executed(&lasting("1h"), 1, 3, |_, _| 200).await;
    let turn = ["/account Bearer t1", "/orders Bearer t1"];
    assert_eq!(asked, [&["/login"][..], &turn, &turn, &turn].concat());
    assert_eq!(fates, [Fate::Done; 3], "start requests are no iterations");
}

#[tokio::test(start_paused = true)]
async fn each_process_that_executes_a_user_has_a_session_of_its_own() {
    let (asked, fates) = executed(&lasting("1h"), 2, 4, |_, _| 200).await;
    let turn = |token: u8| {
        [
            format!("/account Bearer t{token}"),
            format!("/orders Bearer t{token}"),
        ]
    };
    let login = ["/login".to_owned()];
    assert_eq!(
        asked,
        [&login[..], &turn(1), &login, &turn(2), &turn(1), &turn(2)].concat()
    );
    assert_eq!(fates, [Fate::Done; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_begun_anew_when_it_is_too_old() {
    let (asked, _) = executed(&lasting("2s"), 1, 5, |_, _| 200).await;
    let logins: Vec<_> = asked
        .iter()
        .enumerate()
        .filter(|(_, asked)| *asked == "/login")
        .collect();
    let at: Vec<_> = logins.into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        at,
        [0, 5, 10],
        "after two iterations of two requests each: {asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_in_the_middle_ends_the_session_and_the_next_request_has_a_new_one() {
    let refused = |number, _: &str| if number == 1 { 401 } else { 200 };
    let (asked, fates) = executed(&lasting("1h"), 1, 2, refused).await;
    let expected = [
        "/login",
        "/account Bearer t1",
        "/login",
        "/orders Bearer t2",
        "/account Bearer t2",
        "/orders Bearer t2",
    ];
    assert_eq!(asked, expected);
    assert_eq!(fates, [Fate::Done; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_always_refused_is_renewed_once_in_an_iteration() {
    let refused = |_, path: &str| if path == "/login" { 200 } else { 401 };
    let (asked, _) = executed(&lasting("1h"), 1, 2, refused).await;
    let logins = asked.iter().filter(|asked| *asked == "/login").count();
    assert_eq!((asked.len(), logins), (8, 4), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_iteration_whose_start_failed_is_recorded_as_failed_and_the_next_one_tries_again() {
    let down = |number, _: &str| if number < 2 { 503 } else { 200 };
    let (asked, fates) = executed(&lasting("1h"), 1, 3, down).await;
    let expected = [
        "/login",
        "/login",
        "/login",
        "/account Bearer t3",
        "/orders Bearer t3",
    ];
    assert_eq!(asked, expected);
    assert_eq!(fates, [Fate::Failed, Fate::Failed, Fate::Done]);
}

#[tokio::test(start_paused = true)]
async fn what_a_task_captures_anew_stays_with_the_user() {
    let source = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
[class.A]
wait = "constant_pacing(1)"
[class.A.start.request]
path = "/login"
capture = { token = "json.token" }
[class.A.task.look.request]
path = "/{{ token }}"
capture = { token = "json.token ~ 'x'" }
"#;
    let (asked, _) = executed(source, 1, 3, |_, _| 200).await;
    assert_eq!(asked, ["/login", "/t1", "/t1x", "/t1x"]);
}

#[test]
fn mistakes_of_sessions_say_what_to_change() {
    let class = |keys: &str| {
        format!(
            "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n{keys}\n[class.A.task.t]\nrequest = 'GET /'\n"
        )
    };
    for (keys, expected) in [
        (
            "session_lasts = '1h'",
            "w.toml:2: class `A`: it has `session_lasts` and no session: add `start` with the requests that begin one, or `cookies = true`",
        ),
        (
            "cookies = 'yes'",
            "w.toml:4: class `A`, `cookies` is \"yes\": write true or false",
        ),
        (
            "cookies = true\nsession_lasts = 0",
            "w.toml:5: class `A`, `session_lasts` is 0: write a time from \"1s\" to \"24h\", such as \"30m\"",
        ),
        (
            "cookies = true\nrestart_session_on = ['4x']",
            "w.toml:5: class `A`, `restart_session_on` is an array: write an array of statuses, such as [401]",
        ),
        (
            "[class.A.start]\nrequests = 'GET /'",
            "w.toml:4: class `A`, `start`: it has no `request`: write for example request = \"GET /health\"\nw.toml:5: class `A`, `start` has an unknown key `requests`: did you mean `request`?",
        ),
        (
            "[class.A.stop]\nweight = 2\nrequest = 'GET /{{ tokn }}'\n[class.A.start.request]\npath = '/'\ncapture = { token = 'json.t' }",
            "w.toml:5: class `A`, `stop` has an unknown key `weight`: write one of `draw`, `expect`, `headers`, `redirects`, `request`, `status`, `timeout`\nw.toml:6: class `A`, `stop`, request `GET /{{ tokn }}`: unknown name `tokn`: did you mean `token`?",
        ),
    ] {
        assert_eq!(mistakes(&class(keys)), expected, "{keys}");
    }
    let drawn = class("[class.A.start]\ndraw = { name = 'names' }\nrequest = 'GET /{{ name }}'")
        .replace(
            "request = 'GET /'\n",
            "draw = { name = 'names' }\nrequest = 'GET /{{ name }}'\n",
        );
    let drawn = format!("pools.names = ['a', 'b']\n{drawn}");
    assert_eq!(
        mistakes(&drawn),
        "w.toml:9: `name` is a value of the user's session: choose another name"
    );
}

#[test]
fn a_class_without_sessions_has_no_rules_of_any() {
    let plain = "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n[class.A.task.t]\nrequest = 'GET /'\n";
    assert!(parse(plain).classes()[0].session().is_none());
    let of_all = format!(
        "[defaults]\ncookies = true\n{}",
        plain.replace("hosts.h", "[hosts]\nh")
    );
    let rules = parse(&of_all);
    assert!(rules.classes()[0].session().unwrap().cookies());
    let not_here = of_all.replace("wait =", "cookies = false\nwait =");
    assert!(parse(&not_here).classes()[0].session().is_none());
}
