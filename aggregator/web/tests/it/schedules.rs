//! Schedules: what is kept, what is shown of it, and what is refused.

use serde_json::{Value, json};
use traffic::ports::Heartbeat as _;

use crate::cicada::{Answer, Cicada, FORM};

/// The tests' time begins on 2027-01-15 at 08:00:00 UTC, a Friday.
const WEEKDAYS: &str = "name=weekdays&start=0 9 * * 1-5&stop=0 17 * * 1-5&time_zone=Europe/Berlin\
                        &user_count=50&spawn_rate=2.5";

async fn form(cicada: &Cicada, form: &str) -> Answer {
    cicada
        .call("POST", "/schedules", Some(FORM), form.to_owned())
        .await
}

async fn json_body(cicada: &Cicada, body: &Value) -> Answer {
    let body = body.to_string();
    cicada
        .call("POST", "/schedules", Some("application/json"), body)
        .await
}

async fn delete(cicada: &Cicada, path: &str) -> (u16, Value) {
    let answer = cicada.call("DELETE", path, None, "").await;
    (answer.status.as_u16(), answer.json())
}

async fn listed(cicada: &Cicada) -> Value {
    cicada.get("/schedules").await.json()["schedules"].clone()
}

#[track_caller]
fn refused(answer: &Answer) -> String {
    let json = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &json["success"]),
        (400, &json!(false)),
        "{json}"
    );
    json["message"].as_str().expect("it is a text").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_shown_with_its_next_times_in_its_zone() {
    let cicada = Cicada::new();
    assert_eq!(listed(&cicada).await, json!([]));
    let answer = form(&cicada, &WEEKDAYS.replace(' ', "+")).await;
    let expected = json!({
        "name": "weekdays",
        "start": "0 9 * * 1-5",
        "stop": "0 17 * * 1-5",
        "time_zone": "Europe/Berlin",
        "next_start": "2027-01-18T09:00:00+01:00",
        "next_stop": "2027-01-15T17:00:00+01:00",
        "user_count": 50,
        "spawn_rate": 2.5,
    });
    let saved = json!({"success": true, "message": "Schedule saved", "schedule": expected});
    assert_eq!((answer.status.as_u16(), answer.json()), (200, saved));
    assert_eq!(listed(&cicada).await, json!([expected]));
    assert!(
        cicada.store_is_empty().await,
        "nothing is started by it now"
    );
}

#[tokio::test(start_paused = true)]
async fn json_says_the_same_and_what_was_read_can_be_sent_back() {
    let cicada = Cicada::new();
    let body = json!({
        "name": "night",
        "start": "30 22 * * *",
        "user_classes_count": {"ModelAUser": 3, "ModelBUser": 4},
        "spawn_rate": 1,
        "run_time": "1h30m",
        "host": "http://127.0.0.1:8001",
    });
    let saved = json_body(&cicada, &body).await.json()["schedule"].clone();
    assert_eq!(saved["time_zone"], "UTC");
    assert_eq!(saved["run_time"], 5_400);
    assert_eq!(saved["next_start"], "2027-01-15T22:30:00+00:00");
    assert_eq!(
        (&saved["stop"], &saved["next_stop"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(saved["user_classes_count"], body["user_classes_count"]);
    let again = json_body(&cicada, &saved).await.json();
    assert_eq!(again["schedule"], saved);
    assert_eq!(listed(&cicada).await, json!([saved]));
    // what the heartbeat keeps is the body of a swarm that is granted
    let kept = cicada.heartbeat.schedules().await.expect("it answers");
    let swarm = serde_json::from_str(&kept[0].swarm).expect("it is JSON");
    assert_eq!(cicada.json(&swarm).await.json()["success"], true);
    cicada.settle().await;
    let users = [("ModelAUser".to_owned(), 3), ("ModelBUser".to_owned(), 4)];
    assert_eq!(cicada.users().await, users);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_replaced_and_deleted_by_path_or_query() {
    let cicada = Cicada::new();
    for name in ["b", "a", "c"] {
        let answer = form(&cicada, &format!("name={name}&stop=0+17+*+*+*")).await;
        assert_eq!(answer.json()["success"], true);
    }
    form(&cicada, "name=b&stop=0+18+*+*+*").await;
    let names = |listed: &Value| -> Vec<String> {
        let listed = listed.as_array().expect("it is a list").iter();
        listed
            .map(|schedule| schedule["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let now = listed(&cicada).await;
    assert_eq!(
        (names(&now), &now[1]["stop"]),
        (
            vec!["a".into(), "b".into(), "c".into()],
            &json!("0 18 * * *")
        )
    );
    let deleted = json!({"success": true, "message": "Schedule deleted"});
    assert_eq!(
        delete(&cicada, "/schedules/a").await,
        (200, deleted.clone())
    );
    assert_eq!(delete(&cicada, "/schedules?name=c").await, (200, deleted));
    let (status, said) = delete(&cicada, "/schedules/a").await;
    assert_eq!((status, &said["success"]), (404, &json!(false)));
    assert_eq!(
        said["message"],
        "there is no schedule \"a\": GET /schedules lists them"
    );
    let (status, said) = delete(&cicada, "/schedules").await;
    assert_eq!(status, 400);
    assert!(
        said["message"]
            .as_str()
            .is_some_and(|said| said.starts_with("name is missing"))
    );
    assert_eq!(names(&listed(&cicada).await), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_swarm_would_be_refused_for_a_schedule_is_refused_for_in_the_same_line() {
    let cicada = Cicada::new();
    for swarm in [
        "",
        "user_count=1",
        "spawn_rate=1",
        "user_count=x&spawn_rate=1",
        "user_count=-1&spawn_rate=1",
        "user_count=1000001&spawn_rate=1",
        "user_count=1&spawn_rate=0",
        "user_count=1&spawn_rate=inf",
        "user_count=1&spawn_rate=1&host=localhost",
        "user_count=1&spawn_rate=1&run_time=soon",
        "user_count=1&spawn_rate=1&user_classes=Nobody",
        "user_count=1&spawn_rate=1&user_classes_count={",
        "user_count=1&spawn_rate=1&shape_class=S",
    ] {
        let answer = form(&cicada, &format!("name=x&start=0+9+*+*+*&{swarm}")).await;
        let said = cicada.form(swarm).await.json()["message"].clone();
        assert_eq!(refused(&answer), said, "{swarm}");
    }
    assert_eq!(listed(&cicada).await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn names_times_and_zones_that_make_no_sense_are_refused_with_their_field() {
    let cicada = Cicada::new();
    for (fields, start) in [
        ("", "name is missing"),
        ("name=&start=0+9+*+*+*", "name is missing"),
        ("name=a+b&start=0+9+*+*+*", "name: \"a b\""),
        ("name=x%2F..&start=0+9+*+*+*", "name: "),
        ("name=x", "start: neither start nor stop is given"),
        ("name=x&start=&stop=", "start: neither"),
        ("name=x&start=9", "start: \"9\" has 1 fields"),
        ("name=x&start=0+9+*+*+MONDAY", "start: day of week"),
        ("name=x&stop=61+9+*+*+*", "stop: minute"),
        ("name=x&stop=0+9+31+2+*", "stop: no such day"),
        (
            "name=x&stop=0+9+1+*+1",
            "stop: day of month and day of week",
        ),
        (
            "name=x&stop=0+9+*+*+*&time_zone=Berlin",
            "time_zone: \"Berlin\"",
        ),
        (
            "name=x&stop=0+9+*+*+*&stopp=1",
            "body has the unknown field \"stopp\"",
        ),
        (
            "name=x&stop=0+9+*+*+*&cron=1",
            "body has the unknown field \"cron\"",
        ),
    ] {
        let swarm = "&user_count=1&spawn_rate=1";
        let both = format!(
            "{fields}{}",
            if fields.contains("start=0") {
                swarm
            } else {
                ""
            }
        );
        let said = refused(&form(&cicada, &both).await);
        assert!(
            said.starts_with(start) && said.len() < 300,
            "{fields}: {said}"
        );
    }
    for (body, start) in [
        ("[]", "body is not a JSON object"),
        ("{", "body is not valid JSON"),
        (r#"{"name": 1}"#, "name is 1: write a text"),
        (
            r#"{"name": "x", "start": ["0 9 * * *"]}"#,
            "start is a list",
        ),
        (r#"{"name": "x", "stop": 9}"#, "stop is 9"),
        (
            r#"{"name": "x", "stop": "0 9 * * *", "time_zone": {}}"#,
            "time_zone is an object",
        ),
        (
            r#"{"name": "x", "stop": "0 9 * * *", "swarm": {}}"#,
            "body has the unknown field",
        ),
        // somebody who forgot when to start
        (
            r#"{"name": "x", "stop": "0 9 * * *", "user_count": 3}"#,
            "start is missing",
        ),
    ] {
        let answer = cicada
            .call("POST", "/schedules", Some("application/json"), body)
            .await;
        let said = refused(&answer);
        assert!(said.starts_with(start), "{body}: {said}");
    }
    assert_eq!(listed(&cicada).await, json!([]));
}
