//! Whatever is sent, the API answers: never a panic, never a 5xx, always the name of the field.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

use crate::cicada::{Answer, Cicada, FORM};

/// Fields that an error may name.
const FIELDS: [&str; 11] = [
    "user_count",
    "spawn_rate",
    "host",
    "run_time",
    "user_classes",
    "user_classes_count",
    "shape_class",
    "profile",
    "locust_count",
    "hatch_rate",
    "body",
];

const PATHS: [&str; 15] = [
    "/",
    "/swarm",
    "/stop",
    "/stats/requests",
    "/stats/reset",
    "/tasks",
    "/exceptions",
    "/logs",
    "/worker-count",
    "/ledger",
    "/health",
    "/workload",
    "/schedules",
    "/schedules/x",
    "/nothing",
];

/// Runs `check` for many inputs, each on a Cicada of its own, in paused time.
pub(crate) fn for_all<I: std::fmt::Debug>(
    cases: u32,
    inputs: impl Strategy<Value = I>,
    check: &impl AsyncFn(Cicada, &I) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&inputs, |input| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without input and output can be built");
        runtime.block_on(async { check(Cicada::new(), &input).await })
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

/// A swarm is granted, or refused with a field's name; and what follows still answers.
async fn judge(cicada: &Cicada, answer: &Answer) -> Result<(), TestCaseError> {
    prop_assert_eq!(answer.status.as_u16(), 200, "{}", &answer.body);
    let json = answer.json();
    let message = json["message"].as_str().unwrap_or_default();
    if json["success"] == true {
        prop_assert_eq!(message, "Swarming started");
        let run = cicada.run().await;
        let rate = run.segments[0].spawn_rate;
        prop_assert!(rate.is_finite() && rate > 0.0);
    } else {
        let named = FIELDS.iter().any(|field| message.starts_with(field));
        prop_assert!(named && message.len() < 1_000, "{}", message);
        prop_assert!(cicada.store_is_empty().await);
    }
    for path in ["/stats/requests", "/tasks", "/ledger", "/"] {
        prop_assert_eq!(cicada.get(path).await.status.as_u16(), 200, "{}", path);
    }
    Ok(())
}

/// Values that come close to making sense.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        (0_u32..2_000).prop_map(|number| number.to_string()),
        "[0-9]{0,30}[hms]?[0-9]{0,3}[ms]?",
        "(http|https|ftp)?:?/{0,2}[a-z<>.:@\\[\\]%0-9/?#-]{0,20}",
        prop::sample::select(vec![
            "",
            "nan",
            "-inf",
            "ModelAUser",
            "{\"ModelAUser\": 1}",
            "{\"ModelAUser\": 1e99}",
            "Default",
        ])
        .prop_map(String::from),
        any::<String>(),
    ]
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(&FIELDS[..10]).prop_map(String::from),
        1 => any::<String>(),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u32..2_000).prop_map(Value::from),
        value().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((field(), inner), 0..4).prop_map(object),
        ]
    })
}

fn object(fields: Vec<(String, Value)>) -> Value {
    Value::Object(fields.into_iter().collect::<Map<_, _>>())
}

#[test]
fn any_form_is_answered() {
    for_all(
        400,
        prop::collection::vec((field(), value()), 0..8),
        &async |cicada, fields| {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(fields);
            judge(&cicada, &cicada.form(&form.finish()).await).await
        },
    );
}

#[test]
fn any_form_with_users_is_answered() {
    let fields = prop::collection::vec((field(), value()), 0..4);
    for_all(200, (0_u32..300, 1e-9_f64..1e6, fields), &async |cicada,
                                                              (
        count,
        rate,
        fields,
    )| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("user_count", &count.to_string());
        form.append_pair("spawn_rate", &rate.to_string());
        form.extend_pairs(fields);
        judge(&cicada, &cicada.form(&form.finish()).await).await
    });
}

#[test]
fn any_json_is_answered() {
    let fields = prop::collection::vec((field(), json()), 0..8).prop_map(object);
    for_all(
        400,
        prop_oneof![4 => fields, 1 => json()],
        &async |cicada, body| judge(&cicada, &cicada.json(body).await).await,
    );
}

#[test]
fn any_bytes_are_answered() {
    let kinds = [
        None,
        Some(FORM),
        Some("application/json"),
        Some("multipart/form-data; boundary=x"),
        Some("multipart/form-data"),
        Some("text/plain"),
        Some("image/png; q=\"\u{0009}"),
    ];
    let start = prop::sample::select(vec![
        "",
        "{",
        "user_count=",
        "--x\r\n",
        "--x\r\ncontent-disposition: form-data; name=\"user_count\"\r\n\r\n",
    ]);
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let inputs = (prop::sample::select(kinds.to_vec()), start, bytes);
    for_all(400, inputs, &async |cicada, (kind, start, bytes)| {
        let body = [start.as_bytes(), bytes].concat();
        judge(&cicada, &cicada.call("POST", "/swarm", *kind, body).await).await
    });
}

#[test]
fn any_schedule_is_answered() {
    let own = prop::sample::select(vec!["name", "start", "stop", "time_zone"]);
    let name = prop_oneof![4 => own.prop_map(String::from), 2 => field()];
    let cron = "[0-9*/,a-z-]{0,5}( [0-9*/,-]{1,4}){0,5}";
    let text = prop_oneof![
        cron,
        Just("0 9 * * 1-5".to_owned()),
        Just("weekdays".to_owned()),
        value()
    ];
    let text = prop_oneof![3 => text.prop_map(Value::from), 1 => json()];
    let fields = prop::collection::vec((name, text), 0..8).prop_map(object);
    for_all(400, fields, &async |cicada, body| {
        let kind = Some("application/json");
        let answer = cicada
            .call("POST", "/schedules", kind, body.to_string())
            .await;
        let json = answer.json();
        let listed = cicada.get("/schedules").await.json();
        let kept = listed["schedules"].as_array().map_or(0, Vec::len);
        if json["success"] == true {
            prop_assert_eq!((answer.status.as_u16(), kept), (200, 1), "{}", &answer.body);
            // what was taken can be taken again
            let again = json["schedule"].to_string();
            let again = cicada.call("POST", "/schedules", kind, again).await;
            prop_assert_eq!(&again.json()["schedule"], &json["schedule"]);
        } else {
            let message = json["message"].as_str().unwrap_or_default();
            prop_assert_eq!((answer.status.as_u16(), kept), (400, 0), "{}", message);
            prop_assert!(!message.is_empty() && message.len() < 1_000, "{}", message);
        }
        Ok(())
    });
}

#[test]
fn any_workload_is_answered() {
    let line = prop_oneof![
        "\\[[a-z.]{0,9}\\]",
        "[a-z]{1,9} = [0-9a-z\"'{}\\[\\]]{0,9}",
        prop::sample::select(vec![
            "[hosts]",
            "a = \"http://a\"",
            "[class.A]",
            "wait = \"constant(1)\"",
            "task.a.request = { path = \"/\" }",
        ])
        .prop_map(String::from),
        any::<String>(),
    ];
    let lines = prop::collection::vec(line, 0..12);
    let text = prop_oneof![
        3 => lines.prop_map(|lines| lines.join("\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    for_all(400, text, &async |cicada, text| {
        let answer = cicada.call("PUT", "/workload", None, text.clone()).await;
        let json = answer.json();
        let present = cicada.get("/workload").await;
        if json["success"] == true {
            prop_assert_eq!(answer.status.as_u16(), 200);
            prop_assert_eq!(present.body.as_bytes(), text.as_slice());
        } else {
            prop_assert_eq!(answer.status.as_u16(), 422, "{}", &answer.body);
            prop_assert!(
                present.body.starts_with("# "),
                "it is the built-in one still"
            );
            prop_assert!(answer.body.len() < 100_000);
        }
        Ok(())
    });
}

#[test]
fn any_method_on_any_path_with_any_body_is_answered() {
    let methods = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW",
    ];
    let path = prop_oneof![
        6 => prop::sample::select(&PATHS[..]).prop_map(String::from),
        1 => "/[a-z%./-]{0,12}",
    ];
    let query = prop_oneof![Just(String::new()), "\\?[a-z=&%+;]{0,20}"];
    let bytes = prop::collection::vec(any::<u8>(), 0..50);
    let inputs = (prop::sample::select(methods.to_vec()), path, query, bytes);
    for_all(
        400,
        inputs,
        &async |cicada, (method, path, query, bytes)| {
            let answer = cicada
                .call(method, &format!("{path}{query}"), None, bytes.clone())
                .await;
            prop_assert!(
                answer.status.as_u16() < 500,
                "{} {}",
                answer.status,
                answer.body
            );
            Ok(())
        },
    );
}
