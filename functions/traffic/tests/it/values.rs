//! The values that templates may name besides: variables, secrets, identifiers and instants; and the filters for them.

use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::random::Draws;
use traffic::workload::{Scope, Verdict, WORKLOAD_ENV, Workload};

use super::{Sent, judge, one_request, render, response};

const SECRET: &str = "hunter2-and+more";

fn variables(name: &str) -> Option<String> {
    match name {
        WORKLOAD_ENV => Some("PLAN,KEY,UNSET,PIN".to_owned()),
        "PLAN" => Some("gold".to_owned()),
        "KEY" => Some(SECRET.to_owned()),
        "PIN" => Some("123".to_owned()),
        _ => None,
    }
}

fn parse(request: &str) -> Workload {
    Workload::parse(&one_request("", request), "w.toml", &variables).expect("the workload is good")
}

fn mistakes(request: &str) -> String {
    let parsed = Workload::parse(&one_request("", request), "w.toml", &variables);
    parsed.expect_err("there is a mistake").to_string()
}

/// The request of iteration `number` of user `user`, due at an instant.
fn sent(workload: &Workload, user: u32, number: u64, due_at: Timestamp) -> Sent {
    let class = &workload.classes()[0];
    let mut draws = Draws::new(1, class.name(), user, number);
    let task = class.choose_task(&mut draws);
    let mut scope = Scope::new(class, task, user, number, draws).due_at(due_at);
    let step = &task.steps()[0];
    assert!(scope.begin(step).unwrap());
    render(step, &mut scope).expect("the request renders")
}

fn body(template: &str) -> String {
    let workload = parse(&format!("path = '/'\nbody = '''{template}'''"));
    let sent = sent(&workload, 0, 0, Timestamp::default());
    sent.body.expect("the request has a body")
}

#[test]
fn variables_and_secrets_are_those_of_the_process_and_their_values_are_not_in_the_text() {
    let workload = parse(
        "path = '/{{ env(\"PLAN\") }}/{{ env(\"UNSET\", \"none\") }}'\nheaders = { X-Key = '{{ secret(\"KEY\") }}' }",
    );
    let sent = sent(&workload, 0, 0, Timestamp::default());
    assert_eq!(sent.path, "/gold/none");
    assert_eq!(sent.header("x-key"), Some(SECRET));
    assert!(!workload.source().contains(SECRET));
    assert!(!format!("{workload:?}").contains(SECRET));
    let names = [("KEY", true), ("PLAN", false), ("UNSET", false)];
    let names = names.map(|(name, is_secret)| (name.to_owned(), is_secret));
    assert_eq!(workload.variables(), names);
}

#[test]
fn variables_that_cannot_be_had_are_mistakes() {
    for (call, problem) in [
        (
            "env('UNSET')",
            "the environment variable UNSET is not set here: set it, or write env(\"UNSET\", \"a default\")",
        ),
        (
            "secret('UNSET')",
            "the environment variable UNSET is not set here: set it to the secret",
        ),
        (
            "env('AWS_SECRET_ACCESS_KEY')",
            "the environment variable AWS_SECRET_ACCESS_KEY is not given to workloads here: name it in CICADA_WORKLOAD_ENV",
        ),
        (
            "secret('PIN')",
            "the environment variable PIN is too short for a secret: it needs at least 4 characters",
        ),
        (
            "env(user_class)",
            "`env` takes the name of an environment variable, in quotes: write env(\"NAME\") or env(\"NAME\", \"a default\")",
        ),
        (
            "secret('KEY', 'x')",
            "`secret` takes the name of an environment variable, in quotes: write secret(\"NAME\")",
        ),
        ("env", "`env` is a function: write `env(...)`"),
    ] {
        let said = mistakes(&format!("path = '/'\nbody = \"{{{{ {call} }}}}\""));
        let place = "class `A`, task `t`, request `POST /`, `body`: ";
        assert!(said.ends_with(&format!("{place}{problem}")), "{said}");
    }
}

#[test]
fn a_secret_is_in_no_mistake_and_in_no_failure() {
    let said = mistakes("path = '{{ secret(\"KEY\") }}'");
    assert!(said.contains("\"***\" makes no URL"), "{said}");
    let said = mistakes(
        r#"path = '/'
headers = { X = '{{ secret("KEY") ~ "\n" }}' }"#,
    );
    assert!(said.contains(r#"header x would be "***\n""#), "{said}");

    let workload = parse(
        "path = '/'\nheaders = { X-Key = '{{ secret(\"KEY\") }}' }\nexpect = 'false'\nfailure = '{{ body }}'",
    );
    let answer = format!("{} {SECRET}", "x".repeat(490));
    let Ok(Verdict::Fail(text)) = judge(&workload, response(200, &answer)) else {
        panic!("nothing is expected");
    };
    assert!(text.ends_with(" ***"), "cut before it was masked: {text}");
}

#[test]
fn an_error_with_a_secret_in_it_can_be_masked_before_it_is_shown() {
    let workload = parse("path = '/'\nheaders = { X-Key = '{{ secret(\"KEY\") }}' }");
    let shown = workload
        .mask(&format!("no {SECRET}, hunter2-and%2Bmore or other"))
        .into_owned();
    assert_eq!(shown, "no ***, *** or other");
    let url = reqwest::Url::parse(&format!("http://h/x?key={SECRET}&a=1")).unwrap();
    assert_eq!(workload.mask_url(&url).as_str(), "http://h/x?key=***&a=1");
}

#[test]
fn an_iteration_has_the_same_identifiers_and_instants_wherever_it_is_executed() {
    let template = "{{ uuid() }} {{ now(\"%FT%T%.3fZ\") }}";
    let workload = parse(&format!("path = '/'\nbody = '{template}'"));
    let at = Timestamp::from_micros(1_700_000_000_250_000);
    let first = sent(&workload, 3, 7, at).body.unwrap();
    let (id, instant) = first.split_once(' ').unwrap();
    assert_eq!(instant, "2023-11-14T22:13:20.250Z");
    assert_eq!(sent(&workload, 3, 7, at).body.unwrap(), first);
    let later = sent(&workload, 3, 7, at + Duration::from_secs(1))
        .body
        .unwrap();
    assert!(
        later.starts_with(id) && later.ends_with("22:13:21.250Z"),
        "{later}"
    );
    assert!(!sent(&workload, 3, 8, at).body.unwrap().starts_with(id));
    assert!(!sent(&workload, 4, 7, at).body.unwrap().starts_with(id));
}

#[test]
fn filters_sign_encode_and_find() {
    for (template, expected) in [
        ("{{ \"user:pass\" | base64 }}", "dXNlcjpwYXNz"),
        (
            "{{ \"what do ya want for nothing?\" | hmac(\"Jefe\") }}",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "{{ \"what do ya want for nothing?\" | hmac(\"Jefe\", algorithm=\"sha1\", encoding=\"base64\") }}",
            "7/zfauXrL6LSdBbV8YTfnCWafHk=",
        ),
        ("{{ ('{\"a\": [1, 2]}' | fromjson).a | sum }}", "3"),
        (
            "{{ \"order 17, order 18\" | regex(\"order ([0-9]+)\") }}",
            "17",
        ),
        ("{{ \"order 17\" | regex(\"[0-9]+\") }}", "17"),
        (
            "{{ \"nothing\" | regex(\"[0-9]+\") | default(\"none\") }}",
            "none",
        ),
    ] {
        assert_eq!(body(template), expected, "{template}");
    }
}

#[test]
fn arguments_of_the_new_functions_are_checked() {
    for (template, problem) in [
        (
            "{{ uuid(4) }}",
            "`uuid` has too few or too many arguments: write uuid()",
        ),
        (
            "{{ now() }}",
            "`now` has too few or too many arguments: write now(\"%F\")",
        ),
        (
            "{{ now(1) }}",
            "`now` takes a form, in quotes: write now(\"%F\")",
        ),
        ("{{ now(\"%!\") }}", "now(\"%!\") has an unknown form ("),
        ("{{ host | regex(\"(a\") }}", "\"(a\" is no pattern: "),
        (
            "{{ host | regex }}",
            "`regex` takes one pattern: write body | regex(\"id=([0-9]+)\")",
        ),
        (
            "{{ host | base46 }}",
            "unknown filter `base46`: did you mean `base64`?",
        ),
    ] {
        let said = mistakes(&format!("path = '/'\nbody = '{template}'"));
        assert!(said.contains(problem), "{template}: {said}");
    }
    let said = mistakes("path = '/'\nexpect = 'now(\"%F\") == json'");
    assert!(
        said.ends_with("`now` cannot be used here: only requests have it"),
        "{said}"
    );
}

#[test]
fn a_pattern_that_takes_too_long_is_given_up() {
    let workload = parse("path = '/'\ncapture = { x = 'body | regex(\"[a-z]{50}#\")' }");
    let error = judge(&workload, response(200, &"a".repeat(4_000_000))).unwrap_err();
    assert_eq!(error.message(), "it takes too long or makes too much text");
}
