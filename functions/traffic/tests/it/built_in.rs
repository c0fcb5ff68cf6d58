//! The six built-in classes are exactly the documented ones: dashboards group by their names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use traffic::workload::{Verdict, Wait, Workload};

use super::{Sent, failed, iteration, judge_step, no_variables, response};

fn built_in() -> Workload {
    Workload::built_in(&no_variables).expect("the built-in workload is right")
}

/// Everything that iterations of a class send, over many users.
fn everything(class: &str) -> Vec<(String, Vec<Sent>)> {
    let workload = built_in();
    let class = workload.class(class).expect("the class is built in");
    (0..4_000)
        .map(|n| iteration(class, 7, n % 50, u64::from(n / 50)))
        .collect()
}

#[test]
fn there_are_six_classes_with_their_hosts_and_waits() {
    let seconds = Duration::from_secs;
    let shop = ("target-app", "http://target-app:8000/", "TARGET_APP_URL");
    let agent = ("ai-agent", "http://ai-agent:8001/", "AI_AGENT_URL");
    let between = Wait::Between {
        min: seconds(1),
        max: seconds(3),
    };
    let expected = [
        ("ChatModelAUser", agent, Wait::ConstantPacing(seconds(45))),
        ("ChatModelBUser", agent, Wait::ConstantPacing(seconds(45))),
        ("ModelAUser", agent, Wait::ConstantPacing(seconds(30))),
        ("ModelBUser", agent, Wait::ConstantPacing(seconds(30))),
        ("PassiveLoadUser", agent, Wait::ConstantPacing(seconds(18))),
        ("TargetAppUser", shop, between),
    ];
    let workload = built_in();
    let found: Vec<_> = workload
        .classes()
        .iter()
        .map(|class| {
            let host = class.host();
            let variable = host.variable().expect("a variable");
            assert_eq!((class.weight(), class.fixed_count()), (1, 0));
            (
                &**class.name(),
                (&**host.name(), host.url().as_str(), variable),
                class.wait(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn every_request_has_its_name_method_timeout_and_probability() {
    let mut table = String::new();
    for class in built_in().classes() {
        for task in class.tasks() {
            for step in task.steps() {
                let timeout = step.timeout.as_secs();
                let (weight, name, method) = (task.weight(), &step.name, &step.method);
                let line = format!(
                    "{} {weight} | {name} | {method} | {timeout} | {}\n",
                    class.name(),
                    step.probability
                );
                table.push_str(&line);
            }
        }
    }
    let expected = "\
ChatModelAUser 1 | Chat (Model A) | POST | 60 | 1
ChatModelBUser 1 | Chat (Model B) | POST | 60 | 1
ModelAUser 1 | Agent Status (Model A) | GET | 60 | 1
ModelAUser 1 | Repair Workflow (Model A) | POST | 120 | 0.2
ModelBUser 1 | Agent Status (Model B) | GET | 60 | 1
ModelBUser 1 | Repair Workflow (Model B) | POST | 120 | 0.2
PassiveLoadUser 4 | Tool Prompt (Model A) | POST | 120 | 1
PassiveLoadUser 4 | Tool Prompt (Model B) | POST | 120 | 1
PassiveLoadUser 5 | Simple Prompt (Model A) | POST | 120 | 1
PassiveLoadUser 5 | Simple Prompt (Model B) | POST | 120 | 1
PassiveLoadUser 1 | Error Prompt (Model A) | POST | 120 | 1
PassiveLoadUser 1 | Error Prompt (Model B) | POST | 120 | 1
TargetAppUser 3 | GET /health | GET | 60 | 1
TargetAppUser 2 | GET /orders | GET | 60 | 1
TargetAppUser 2 | GET /products | GET | 60 | 1
TargetAppUser 1 | POST /orders | POST | 60 | 1
TargetAppUser 1 | GET /products/:id | GET | 60 | 1
";
    assert_eq!(table, expected);
}

#[test]
fn shop_users_send_what_a_shop_expects() {
    let sent: Vec<Sent> = everything("TargetAppUser")
        .into_iter()
        .flat_map(|(_, sent)| sent)
        .collect();
    let paths: BTreeSet<_> = sent.iter().map(|sent| &*sent.path).collect();
    let products = (1..=5).map(|id| format!("/products/{id}"));
    let known: BTreeSet<String> = products
        .chain(["/health", "/orders", "/products"].map(str::to_owned))
        .collect();
    assert_eq!(paths, known.iter().map(|path| &**path).collect());
    let orders = sent.iter().filter(|sent| sent.method == "POST");
    let mut names = BTreeSet::new();
    for order in orders.map(Sent::json) {
        let amount = order["amount"].as_f64().expect("a number");
        assert!((10.0..=500.0).contains(&amount), "{amount}");
        assert_eq!(format!("{amount:.2}").parse(), Ok(amount), "two digits");
        names.insert(order["product"].as_str().expect("a name").to_owned());
        assert_eq!(order.as_object().map(|order| order.len()), Some(2));
    }
    assert!((3..=10).contains(&names.len()), "{names:?}");
}

#[test]
fn chats_send_the_five_messages_to_their_model() {
    let messages = [
        "What is the current system status?",
        "How many containers are running?",
        "Tell me about the target application.",
        "What tools do you have access to?",
        "How do you diagnose failures?",
    ];
    for (class, model) in [("ChatModelAUser", "a"), ("ChatModelBUser", "b")] {
        let sent = everything(class).into_iter().flat_map(|(_, sent)| sent);
        let bodies: BTreeSet<String> = sent
            .map(|sent| {
                assert_eq!(sent.path, "/chat");
                assert_eq!(sent.header("content-type"), Some("application/json"));
                sent.json().to_string()
            })
            .collect();
        let expected =
            messages.map(|message| serde_json::json!({"message": message, "model": model}));
        assert_eq!(bodies, expected.iter().map(ToString::to_string).collect());
    }
}

#[test]
fn a_repair_follows_one_status_in_five() {
    for (class, model) in [("ModelAUser", "a"), ("ModelBUser", "b")] {
        let iterations = everything(class);
        let repairs = iterations
            .iter()
            .filter(|(_, sent)| sent.len() == 2)
            .count();
        let share = repairs as f64 / iterations.len() as f64;
        assert!((share - 0.2).abs() < 0.02, "{share}");
        for (_, sent) in &iterations {
            assert_eq!(sent[0].path, "/status");
            if let Some(repair) = sent.get(1) {
                assert_eq!(repair.path, format!("/repair?model={model}"));
                assert_eq!(repair.body, None);
            }
        }
    }
}

#[test]
fn passive_users_send_one_prompt_to_both_models_in_either_order() {
    let mut prompts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    let iterations = everything("PassiveLoadUser");
    let mut a_first: f64 = 0.0;
    for (task, sent) in &iterations {
        let [first, second] = &**sent else {
            panic!("{sent:?} is not two requests");
        };
        let models = [first, second].map(|sent| sent.json()["model"].clone());
        match models {
            _ if models == ["a", "b"] => a_first += 1.0 / iterations.len() as f64,
            _ => assert_eq!(models, ["b", "a"]),
        }
        assert_eq!(first.json()["message"], second.json()["message"]);
        let message = first.json()["message"].as_str().expect("a text").to_owned();
        prompts.entry(task.clone()).or_default().insert(message);
        *shares.entry(task.clone()).or_default() += 1.0 / iterations.len() as f64;
    }
    assert!((a_first - 0.5).abs() < 0.03, "{a_first}");
    for (task, count, share) in [
        ("tool_prompt", 15, 0.4),
        ("simple_prompt", 16, 0.5),
        ("error_prompt", 8, 0.1),
    ] {
        assert_eq!(prompts[task].len(), count, "{task}");
        assert!(
            (shares[task] - share).abs() < 0.03,
            "{task}: {}",
            shares[task]
        );
    }
    for (task, verbatim) in [
        ("tool_prompt", "Check the current system status"),
        ("tool_prompt", "What containers are running?"),
        ("tool_prompt", "Show me docker container status"),
        ("simple_prompt", "Hello"),
        ("simple_prompt", "What can you help me with?"),
        ("simple_prompt", "Explain what you do"),
        ("error_prompt", ""),
    ] {
        assert!(prompts[task].contains(verbatim), "{verbatim}");
    }
    let errors = &prompts["error_prompt"];
    assert!(errors.contains(&*"A".repeat(5_000)));
    assert!(
        errors
            .iter()
            .any(|prompt| prompt.contains('\u{0}') && prompt.contains('\u{1b}'))
    );
    assert!(
        errors
            .iter()
            .any(|prompt| prompt.matches('🚀').count() >= 10)
    );
}

#[test]
fn every_request_says_whose_it_is() {
    for class in built_in().classes() {
        let (_, sent) = iteration(class, 1, 41, 0);
        let expected = format!("{}/41", class.name());
        assert!(
            sent.iter()
                .all(|sent| sent.header("x-cicada-user") == Some(&expected))
        );
    }
}

#[test]
fn the_shop_fails_at_400_and_the_agent_on_anything_but_200() {
    for class in built_in().classes() {
        let good: &[u16] = match &**class.host().name() {
            "target-app" => &[200, 201, 204, 301, 399],
            _ => &[200],
        };
        for step in class.tasks().iter().flat_map(|task| task.steps()) {
            for status in [200, 201, 204, 301, 399, 400, 404, 500, 503] {
                let verdict = judge_step(class, step, response(status, r#"{"success":true}"#));
                let passed = verdict.expect("no exception") == Verdict::Pass;
                assert_eq!(passed, good.contains(&status), "{} {status}", step.name);
            }
        }
    }
}

#[test]
fn a_repair_succeeds_only_if_the_agent_says_so() {
    let workload = built_in();
    for class in ["ModelAUser", "ModelBUser"] {
        let class = workload.class(class).expect("the class is built in");
        let repair = &class.tasks()[0].steps()[1];
        assert!(repair.needs_body());
        let judge =
            |status, body| judge_step(class, repair, response(status, body)).expect("no exception");
        assert_eq!(
            judge(200, r#"{"success":true,"final_status":"healthy"}"#),
            Verdict::Pass
        );
        let text = |status, last| {
            failed(&format!(
                "repair failed: status {status}, final_status {last}"
            ))
        };
        let gave_up = r#"{"success":false,"final_status":"gave_up"}"#;
        assert_eq!(judge(200, gave_up), text(200, "gave_up"));
        assert_eq!(judge(500, gave_up), text(500, "gave_up"));
        for nonsense in [
            "",
            "<html>",
            "{}",
            "[]",
            "null",
            r#"{"success":"true"}"#,
            r#"{"success":1}"#,
        ] {
            assert_eq!(judge(200, nonsense), text(200, "unknown"), "{nonsense}");
        }
        let endless = format!("{{\"final_status\":\"{}\"}}", "x".repeat(10_000));
        assert!(matches!(judge(200, &endless), Verdict::Fail(text) if text.len() < 600));
    }
}

#[test]
fn variables_move_the_hosts() {
    let set = |name: &str| match name {
        "TARGET_APP_URL" => Some("https://shop.example:8443/base/".to_owned()),
        // as compose files pass on what nobody has set
        "AI_AGENT_URL" => Some(String::new()),
        _ => None,
    };
    let workload = Workload::built_in(&set).expect("both values are right");
    let url = |class: &str| {
        workload
            .class(class)
            .expect("built in")
            .host()
            .url()
            .to_string()
    };
    assert_eq!(url("TargetAppUser"), "https://shop.example:8443/base");
    assert_eq!(url("ModelAUser"), "http://ai-agent:8001/");
    assert!(workload.hosts()[0].is_at("https://SHOP.example:8443/base"));
    assert!(!workload.hosts()[0].is_at("http://target-app:8000"));
}

#[test]
fn a_bad_variable_is_named() {
    let set = |name: &str| (name == "AI_AGENT_URL").then(|| "ai-agent:8001".to_owned());
    let errors = Workload::built_in(&set).expect_err("no URL").to_string();
    assert!(errors.starts_with("default.toml:"), "{errors}");
    assert!(errors.contains("AI_AGENT_URL"), "{errors}");
    assert!(errors.contains("\"ai-agent:8001\""), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn the_version_is_the_text_and_nothing_else() {
    let moved = |_: &str| Some("http://elsewhere".to_owned());
    let workload = built_in();
    let elsewhere = Workload::built_in(&moved).expect("the values are right");
    assert_eq!(workload.version(), elsewhere.version());
    let longer = format!("{}\n", workload.source());
    let changed = Workload::parse(&longer, "w.toml", &no_variables).expect("a newline more");
    assert_ne!(workload.version(), changed.version());
    // computed apart from this implementation
    let small = "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\ntask.t.request='/'";
    assert_eq!(super::parse(small).version(), "e76bb546e665f82b");
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_requests(seed: u64, user: u32, number: u64) {
        let (one, other) = (built_in(), built_in());
        for (class, twin) in one.classes().iter().zip(other.classes()) {
            prop_assert_eq!(iteration(class, seed, user, number), iteration(twin, seed, user, number));
        }
    }
}
