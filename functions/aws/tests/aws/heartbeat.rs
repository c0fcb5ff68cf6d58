//! The heartbeat on EventBridge Scheduler: its contract on the emulator, what schedules are there,
//! that they fire, and how it meets what the service refuses.

use std::time::Duration;

use aws::SchedulerHeartbeat;
use aws::environment::{ScheduleSettings, ScheduleTarget};
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{
    FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use serde_json::{Value, json};
use testing::contract::heartbeat as contract;
use traffic::ports::{Heartbeat, HeartbeatError, Schedule};

use crate::answers::{self, Request};
use crate::emulator::{REGION, ministack, unique};

const ROLE: &str = "arn:aws:iam::000000000000:role/cicada-schedules";

/// A schedule of the emulator fires within its minute, and ten seconds of its own.
const FIRES_WITHIN: Duration = Duration::from_secs(90);

/// A stage's group with a heartbeat that is off, as the stack makes them.
struct Stage {
    heartbeat: SchedulerHeartbeat,
    client: Client,
    group: String,
}

impl Stage {
    async fn open() -> Self {
        Self::calling(&format!(
            "arn:aws:lambda:{REGION}:000000000000:function:aggregator"
        ))
        .await
    }

    /// One whose users' schedules call `target`.
    async fn calling(target: &str) -> Self {
        let sdk = ministack().sdk().await;
        let client = Client::new(&sdk);
        let group = unique("schedules");
        client
            .create_schedule_group()
            .name(&group)
            .send()
            .await
            .unwrap();
        let stage = Self {
            heartbeat: SchedulerHeartbeat::new(&sdk, settings(&group, target)),
            client,
            group,
        };
        stage
            .make("heartbeat", "rate(1 minute)", "{}", ScheduleState::Disabled)
            .await;
        stage
    }

    async fn make(&self, name: &str, expression: &str, input: &str, state: ScheduleState) {
        let retries = RetryPolicy::builder().maximum_retry_attempts(0).build();
        let target = Target::builder()
            .arn("arn:aws:lambda:eu-central-1:000000000000:function:fanout")
            .role_arn(ROLE)
            .retry_policy(retries)
            .input(input);
        let off = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
        let create = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .name(name)
            .schedule_expression(expression)
            .schedule_expression_timezone("Europe/Berlin")
            .description("made by the stack")
            .flexible_time_window(off.build().unwrap())
            .target(target.build().unwrap())
            .state(state);
        create.send().await.unwrap();
    }

    async fn get(&self, name: &str) -> GetScheduleOutput {
        let get = self
            .client
            .get_schedule()
            .group_name(&self.group)
            .name(name);
        get.send().await.unwrap()
    }

    async fn names(&self) -> Vec<String> {
        let list = self.client.list_schedules().group_name(&self.group);
        let found = list.send().await.unwrap().schedules;
        let mut names: Vec<_> = found.into_iter().filter_map(|found| found.name).collect();
        names.sort();
        names
    }
}

fn settings(group: &str, target: &str) -> ScheduleSettings {
    ScheduleSettings {
        group: group.into(),
        heartbeat: "heartbeat".into(),
        target: Some(ScheduleTarget {
            function_arn: target.into(),
            role_arn: ROLE.into(),
        }),
    }
}

fn weekdays() -> Schedule {
    Schedule {
        name: "weekdays".into(),
        start: Some("0 9 * * 1-5".into()),
        stop: Some("0 17 * * 1-5".into()),
        time_zone: "Europe/Berlin".into(),
        swarm: r#"{"user_count":50,"spawn_rate":2.5}"#.into(),
    }
}

fn line(error: &HeartbeatError) -> String {
    error.0.to_string()
}

#[tokio::test]
async fn the_heartbeat_keeps_the_contract() {
    contract::all(async || Stage::open().await.heartbeat).await;
}

#[tokio::test]
async fn switching_changes_the_state_and_nothing_else() {
    let stage = Stage::open().await;
    let before = stage.get("heartbeat").await;
    stage.heartbeat.turn_on().await.unwrap();
    let on = stage.get("heartbeat").await;
    assert_eq!(on.state, Some(ScheduleState::Enabled));
    assert_eq!(on.schedule_expression, before.schedule_expression);
    assert_eq!(
        on.schedule_expression_timezone,
        before.schedule_expression_timezone
    );
    assert_eq!(on.target, before.target);
    assert_eq!(on.flexible_time_window, before.flexible_time_window);
    assert_eq!(on.description, before.description);
    stage.heartbeat.turn_on().await.unwrap();
    let again = stage.get("heartbeat").await;
    assert_eq!(again.last_modification_date, on.last_modification_date);
}

#[tokio::test]
async fn a_schedule_is_two_of_eventbridge_that_call_the_aggregator() {
    let stage = Stage::open().await;
    stage.heartbeat.put_schedule(&weekdays()).await.unwrap();
    assert_eq!(
        stage.names().await,
        ["heartbeat", "weekdays-start", "weekdays-stop"]
    );
    let cases = [
        (
            "weekdays-start",
            "cron(0 9 ? * MON-FRI *)",
            "/swarm",
            weekdays().swarm,
        ),
        (
            "weekdays-stop",
            "cron(0 17 ? * MON-FRI *)",
            "/stop",
            String::new(),
        ),
    ];
    for (name, expression, path, body) in cases {
        let found = stage.get(name).await;
        assert_eq!(found.schedule_expression(), Some(expression));
        assert_eq!(found.schedule_expression_timezone(), Some("Europe/Berlin"));
        assert_eq!(found.state(), Some(&ScheduleState::Enabled));
        let window = found.flexible_time_window().unwrap();
        assert_eq!(window.mode, FlexibleTimeWindowMode::Off);
        let target = found.target().unwrap();
        assert_eq!(target.role_arn, ROLE);
        assert!(target.arn.ends_with(":function:aggregator"));
        let retries = target.retry_policy().unwrap();
        assert_eq!(retries.maximum_retry_attempts(), Some(0));
        assert_eq!(retries.maximum_event_age_in_seconds(), Some(60));
        let event: Value = serde_json::from_str(target.input().unwrap()).unwrap();
        assert_eq!(event["rawPath"], path);
        assert_eq!(event["body"], body);
        assert_eq!(event["requestContext"]["apiId"], aws::heartbeat::API_ID);
    }
}

#[tokio::test]
async fn what_was_typed_is_read_back_even_if_it_can_be_written_shorter() {
    let stage = Stage::open().await;
    let mut typed = weekdays();
    typed.start = Some("0,15,30,45 9-17 * JAN-DEC MON,tue".into());
    typed.stop = Some("5 18 * * 0-7".into());
    typed.swarm = " { \"user_count\" : 1 } ".into();
    stage.heartbeat.put_schedule(&typed).await.unwrap();
    assert_eq!(stage.heartbeat.schedules().await.unwrap(), [typed]);
}

#[tokio::test]
async fn what_was_changed_by_hand_is_read_as_it_is_now() {
    let stage = Stage::open().await;
    stage.heartbeat.put_schedule(&weekdays()).await.unwrap();
    for (name, expression) in [
        ("weekdays-start", "cron(30 8 ? * MON *)"),
        ("weekdays-stop", "cron(0 18 L * ? *)"),
    ] {
        let found = stage.get(name).await;
        let update = stage
            .client
            .update_schedule()
            .group_name(&stage.group)
            .name(name);
        let update = update
            .schedule_expression(expression)
            .schedule_expression_timezone("Europe/Vienna")
            .set_target(found.target)
            .set_flexible_time_window(found.flexible_time_window);
        update.send().await.unwrap();
    }
    let found = stage.heartbeat.schedules().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].start.as_deref(), Some("30 8 * * 1"));
    // the last day of a month has no five fields
    assert_eq!(found[0].stop.as_deref(), Some("cron(0 18 L * ? *)"));
    assert_eq!(found[0].time_zone, "Europe/Vienna");
    assert_eq!(found[0].swarm, weekdays().swarm);
}

#[tokio::test]
async fn the_stacks_own_schedules_are_listed_and_strangers_are_not() {
    let stage = Stage::open().await;
    let event = |path: &str, body: &str| {
        json!({
            "version": "2.0", "rawPath": path, "body": body,
            "headers": {"content-type": "application/json"},
            "requestContext": {"apiId": "cicada-schedule", "http": {"method": "POST", "path": path}},
        })
        .to_string()
    };
    let start = event("/swarm", r#"{"user_count":50}"#);
    let on = ScheduleState::Enabled;
    stage
        .make(
            "template-start",
            "cron(0 9 ? * MON-FRI *)",
            &start,
            on.clone(),
        )
        .await;
    stage
        .make(
            "template-stop",
            "cron(0 17 ? * MON-FRI *)",
            &event("/stop", ""),
            on.clone(),
        )
        .await;
    stage
        .make("backup-start", "rate(1 day)", "{}", on.clone())
        .await;
    stage.make("backup", "rate(1 day)", &start, on).await;
    let expected = Schedule {
        name: "template".into(),
        swarm: r#"{"user_count":50}"#.into(),
        ..weekdays()
    };
    assert_eq!(stage.heartbeat.schedules().await.unwrap(), [expected]);
}

#[tokio::test]
async fn half_of_a_schedule_is_mended_by_putting_or_taking_it_away_again() {
    let stage = Stage::open().await;
    let lose = async |name: &str| {
        let delete = stage.client.delete_schedule().group_name(&stage.group);
        delete.name(name).send().await.unwrap();
    };
    stage.heartbeat.put_schedule(&weekdays()).await.unwrap();
    lose("weekdays-stop").await;
    stage.heartbeat.put_schedule(&weekdays()).await.unwrap();
    assert_eq!(stage.heartbeat.schedules().await.unwrap(), [weekdays()]);
    lose("weekdays-start").await;
    assert!(stage.heartbeat.delete_schedule("weekdays").await.unwrap());
    assert_eq!(stage.names().await, ["heartbeat"]);
}

#[tokio::test]
async fn a_cron_that_eventbridge_does_not_know_changes_nothing() {
    let stage = Stage::open().await;
    stage.heartbeat.put_schedule(&weekdays()).await.unwrap();
    let mut wrong = weekdays();
    wrong.start = Some("0 8 * * *".into());
    wrong.stop = Some("0 17 1 * 1".into());
    let error = stage.heartbeat.put_schedule(&wrong).await.unwrap_err();
    assert!(
        line(&error).contains("day of month and day of week"),
        "{}",
        line(&error)
    );
    assert_eq!(stage.heartbeat.schedules().await.unwrap(), [weekdays()]);
}

#[tokio::test]
async fn without_a_target_schedules_are_listed_but_not_made() {
    let stage = Stage::open().await;
    let settings = ScheduleSettings {
        target: None,
        ..settings(&stage.group, "")
    };
    stage.heartbeat.put_schedule(&weekdays()).await.unwrap();
    let heartbeat = SchedulerHeartbeat::new(&ministack().sdk().await, settings);
    assert_eq!(heartbeat.schedules().await.unwrap(), [weekdays()]);
    let error = heartbeat.put_schedule(&weekdays()).await.unwrap_err();
    assert!(
        line(&error).contains("set CICADA_AGGREGATOR_ARN"),
        "{}",
        line(&error)
    );
}

#[tokio::test]
async fn what_is_not_deployed_is_one_line_that_says_what_to_do() {
    let sdk = ministack().sdk().await;
    let group = unique("missing");
    let heartbeat = SchedulerHeartbeat::new(&sdk, settings(&group, "arn:aws:lambda:x"));
    for error in [
        heartbeat.is_on().await.unwrap_err(),
        heartbeat.turn_on().await.unwrap_err(),
        heartbeat.put_schedule(&weekdays()).await.unwrap_err(),
    ] {
        let line = line(&error);
        assert!(
            line.contains(&group) && line.contains("deploy the stack"),
            "{line}"
        );
    }
}

/// Puts a schedule on a service that answers everything with one error.
async fn refused(status: u16, code: &str, message: &str) -> String {
    let answer = json!({"__type": code, "Message": message});
    let sdk = answers::sdk(move |_| (status, answer.clone())).await;
    let heartbeat = SchedulerHeartbeat::new(&sdk, settings("group", "arn:aws:lambda:x"));
    line(&heartbeat.put_schedule(&weekdays()).await.unwrap_err())
}

#[tokio::test]
async fn a_role_that_is_missing_or_not_allowed_is_told_what_to_do() {
    let passing = "User: x is not authorized to perform: iam:PassRole on resource: y";
    let line = refused(403, "AccessDeniedException", passing).await;
    assert!(line.contains("allow iam:PassRole"), "{line}");
    let line = refused(403, "AccessDeniedException", "User: x is not authorized").await;
    assert!(line.contains("allow scheduler:CreateSchedule"), "{line}");
    let assuming =
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
    let line = refused(400, "ValidationException", assuming).await;
    assert!(line.contains("set CICADA_SCHEDULER_ROLE_ARN"), "{line}");
}

#[tokio::test]
async fn a_group_is_listed_to_its_last_page() {
    let answer = |request: Request| {
        let page = |names: std::ops::Range<u32>, next: Value| {
            let names = names.map(|n| json!({"Name": format!("s{n:03}-start")}));
            (
                200,
                json!({"Schedules": names.collect::<Vec<_>>(), "NextToken": next}),
            )
        };
        match request.line.as_str() {
            line if line.contains("NextToken=two") => page(100..150, Value::Null),
            line if line.starts_with("GET /schedules?") => page(0..100, json!("two")),
            line => {
                let name = line.split(['/', '?']).nth(2).unwrap();
                let input = json!({
                    "rawPath": "/swarm", "body": "{}",
                    "requestContext": {
                        "apiId": "cicada-schedule", "http": {"method": "POST", "path": "/swarm"},
                    },
                });
                let target = json!({"Arn": "a", "RoleArn": "r", "Input": input.to_string()});
                (
                    200,
                    json!({
                        "Name": name, "ScheduleExpression": "cron(0 9 * * ? *)", "Target": target,
                    }),
                )
            }
        }
    };
    let sdk = answers::sdk(answer).await;
    let heartbeat = SchedulerHeartbeat::new(&sdk, settings("group", "arn:aws:lambda:x"));
    let found = heartbeat.schedules().await.unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|schedule| schedule.name.as_str())
        .collect();
    let expected: Vec<_> = (0..150).map(|n| format!("s{n:03}")).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_schedule_fires_by_itself_with_the_event_that_it_was_made_with() {
    let sdk = ministack().sdk().await;
    let queues = aws_sdk_sqs::Client::new(&sdk);
    let name = unique("fired");
    let queue = queues
        .create_queue()
        .queue_name(&name)
        .send()
        .await
        .unwrap();
    let url = queue.queue_url.unwrap();
    let stage = Stage::calling(&format!("arn:aws:sqs:{REGION}:000000000000:{name}")).await;
    let every_minute = Schedule {
        start: Some("* * * * *".into()),
        stop: None,
        time_zone: "UTC".into(),
        ..weekdays()
    };
    stage.heartbeat.put_schedule(&every_minute).await.unwrap();
    let fired = async {
        loop {
            let receive = queues
                .receive_message()
                .queue_url(&url)
                .wait_time_seconds(1);
            let received = receive.send().await.unwrap().messages.unwrap_or_default();
            if let Some(body) = received.into_iter().find_map(|message| message.body) {
                return body;
            }
        }
    };
    let body = tokio::time::timeout(FIRES_WITHIN, fired).await.unwrap();
    assert_eq!(
        Some(body.as_str()),
        stage.get("weekdays-start").await.target().unwrap().input()
    );
}
