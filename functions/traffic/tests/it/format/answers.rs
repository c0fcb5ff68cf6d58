//! What is made of an answer: values that are captured, expectations, and failures.

use super::*;

/// A task that creates something, uses it and says goodbye.
const CHAIN: &str = "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\n[class.A.task.t]\nrequest=[\n\
    { path='/orders', method='POST', status=201, capture={ id='json.id', at='headers[\"location\"]' } },\n\
    { path='/orders/{{ id }}', headers={ x-at='{{ at }}' } },\n\
    { path='/bye/{{ id | default(\"nobody\") }}/{{ randint(1, 1000000) }}' },\n]";

fn created() -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("Location", HeaderValue::from_static("/orders/17"));
    Response {
        headers,
        ..response(201, r#"{"id": 17}"#)
    }
}

/// The paths that the chain sends when its first request is answered so.
fn chain(first: Response) -> Vec<String> {
    let workload = parse(CHAIN);
    let class = &workload.classes()[0];
    let task = &class.tasks()[0];
    let mut scope = Scope::new(class, task, 0, 0, Draws::new(1, "A", 0, 0));
    let mut paths = Vec::new();
    let mut answer = Some(first);
    for step in task.steps() {
        if scope.begin(step).unwrap() {
            paths.push(render(step, &mut scope).expect("it renders").path);
            let response = answer.take().unwrap_or_default();
            step.judge(&mut scope, response).expect("no exception");
        }
    }
    paths
}

#[test]
fn a_captured_value_is_there_for_later_requests() {
    let paths = chain(created());
    assert_eq!(paths[1], "/orders/17");
    assert!(paths[2].starts_with("/bye/17/"), "{paths:?}");
}

#[test]
fn a_request_whose_value_was_not_captured_is_not_sent_and_the_others_stay_the_same() {
    let (good, bad) = (chain(created()), chain(response(500, "")));
    assert_eq!(bad.len(), 2, "{bad:?}");
    let last = |paths: &[String]| {
        paths
            .last()
            .and_then(|path| path.rsplit('/').next())
            .map(str::to_owned)
    };
    assert_eq!(last(&good), last(&bad));
    assert!(bad[1].starts_with("/bye/nobody/"), "{bad:?}");
}

#[test]
fn a_capture_that_is_not_there_is_an_exception() {
    let workload = parse(CHAIN);
    let error = judge(&workload, response(201, "<html>")).expect_err("no id");
    assert_eq!(
        error.message(),
        "the value is undefined (the body is not JSON)"
    );
    let expected = "Traceback (most recent call last):\n  File \"w.toml\", line 6, in class `A`, task `t`, \
         request `POST /orders`, `capture` `id`\n    json.id\n\
         EvaluationError: the value is undefined (the body is not JSON)\n";
    assert_eq!(error.traceback(), expected);
}

#[test]
fn an_expectation_sees_status_body_json_headers_and_time() {
    let expect = "status == 200 and 'ok' in body and json.items | length == 2 \
         and headers['Content-Type'] == 'application/json' and response_time_ms < 500 and user_class == 'A'";
    let workload = parse(&one_request("", &format!("path='/'\nexpect=\"{expect}\"")));
    let step = &workload.classes()[0].tasks()[0].steps()[0];
    assert!(step.needs_body());
    let mut good = response(200, r#"{"ok": 1, "items": [1, 2]}"#);
    good.headers
        .insert("content-type", HeaderValue::from_static("application/json"));
    let slow = Response {
        response_time: Duration::from_millis(501),
        ..good.clone()
    };
    assert_eq!(judge(&workload, good).expect("no exception"), Verdict::Pass);
    assert_eq!(
        judge(&workload, slow).expect("no exception"),
        failed(&format!("expected {expect}"))
    );
}

#[test]
fn an_expectation_of_the_status_replaces_a_status_of_further_out() {
    let judged = |request: &str, status| {
        let workload = parse(&one_request("defaults.status = 200", request));
        judge(&workload, response(status, "{}")).expect("no exception")
    };
    assert_eq!(
        judged("path='/'\nexpect='status == 404'", 404),
        Verdict::Pass
    );
    assert_eq!(
        judged("path='/'\nexpect='json == {}'", 404),
        failed("expected status 200, got 404 Not Found")
    );
    assert_eq!(
        judged("path='/'\nexpect='status > 400'\nstatus=[404]", 410),
        failed("expected status 404, got 410 Gone")
    );
    assert_eq!(judged("path='/'\nstatus='any'", 500), Verdict::Pass);
}

#[test]
fn an_expectation_of_a_class_holds_for_its_requests() {
    let source = "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\nexpect='json.ok'\n[class.A.task.t]\n\
         request=['/', { path='/', expect='json.fine' }]";
    let workload = parse(source);
    let class = &workload.classes()[0];
    let steps = class.tasks()[0].steps();
    let judged = |step: usize, body: &str| {
        judge_step(class, &steps[step], response(200, body)).expect("no exception")
    };
    assert_eq!(judged(0, r#"{"ok": 1}"#), Verdict::Pass);
    assert_eq!(judged(0, r#"{"fine": 1}"#), failed("expected json.ok"));
    assert_eq!(judged(1, r#"{"fine": 1}"#), Verdict::Pass);
}

#[test]
fn a_failure_text_that_cannot_be_made_still_says_what_failed() {
    let workload = parse(&one_request(
        "",
        "path='/'\nfailure='{{ json.why.exactly }}'",
    ));
    let error = judge(&workload, response(503, "")).expect_err("no text");
    assert_eq!(
        error.to_string(),
        "expected status <400, got 503 Service Unavailable, and the text for it could not be made: \
         undefined value: `json.why` is undefined (the body is not JSON)"
    );
}

/// How an expectation judges an answer with a JSON body.
fn holds(expect: &str, body: &str) -> bool {
    let workload = parse(&one_request("", &format!("path='/'\nexpect=\"{expect}\"")));
    judge(&workload, response(200, body)).expect(expect) == Verdict::Pass
}

#[test]
fn json_is_read_as_python_writes_it() {
    let written = r#"{"nan": NaN, "inf": Infinity, "low": -Infinity, "lone": "a\ud800", "a": 1, "a": 2,
        "id": 123456789012345678901234567890123456789012}"#;
    for expect in [
        "json.inf > 1e300 and json.low < -1e300",
        "json.nan != json.nan and json.nan != 0",
        "json.lone is startingwith('a') and json.lone | length == 2",
        "json.a == 2",
        "json.id | string == '123456789012345678901234567890123456789012'",
    ] {
        assert!(holds(expect, written), "{expect}");
    }
    assert!(!holds("json.a == 1", written));
    let deep = format!("{}{}", "[".repeat(900), "]".repeat(900));
    assert!(holds(
        "json.ok",
        &format!(r#"{{"deep": {deep}, "ok": true}}"#)
    ));
    let workload = parse(&one_request("", "path='/'\nexpect='json.ok'"));
    let verdict = judge(&workload, response(200, &"[".repeat(1_000_000)));
    let text = "expected json.ok (the body is JSON that is nested more than 1000 levels deep)";
    assert_eq!(verdict.unwrap(), Verdict::Fail(text.into()));
}

#[test]
fn what_python_reads_and_requests_does_not_send_is_not_sent() {
    let source = "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\n[class.A.task.t]\n\
         request=[{ path='/', capture={ v='json.v' } }, { path='/', method='POST', json={ v='{{ v }}' } }]";
    let workload = parse(source);
    let class = &workload.classes()[0];
    let task = &class.tasks()[0];
    let sent = |body: &str| {
        let mut scope = Scope::new(class, task, 0, 0, Draws::new(1, "A", 0, 0));
        assert!(scope.begin(&task.steps()[0]).unwrap());
        let answer = response(200, &format!("{{\"v\": {body}}}"));
        task.steps()[0].judge(&mut scope, answer).expect("a value");
        assert!(scope.begin(&task.steps()[1]).unwrap());
        render(&task.steps()[1], &mut scope).map(|sent| sent.body.expect("a body"))
    };
    for number in ["1", "-2.5", "18446744073709551616", &"9".repeat(70)] {
        assert_eq!(
            sent(number).expect("it renders"),
            format!("{{\"v\": {number}}}")
        );
    }
    for number in ["NaN", "Infinity", "-Infinity"] {
        let error = sent(number).expect_err("no number");
        assert!(error.message().ends_with("has no form in JSON"), "{error}");
    }
}

#[test]
fn header_lines_that_come_twice_can_be_told_apart() {
    let expect = "headers['set-cookie'] == 'a=1; Path=/, b=2' and headers.getlist('Set-Cookie') == ['a=1; Path=/', 'b=2'] \
         and headers.getlist('x-none') == [] and headers.get('x-none', 'nothing') == 'nothing' \
         and headers.get('x-none') is none and 'set-cookie' in headers and 'x-none' not in headers \
         and headers.getlist('set-cookie') | select('startingwith', 'b=') | list | length == 1";
    let workload = parse(&one_request("", &format!("path='/'\nexpect=\"{expect}\"")));
    let mut answer = response(200, "");
    for cookie in ["a=1; Path=/", "b=2"] {
        let cookie = HeaderValue::from_static(cookie);
        answer.headers.append("set-cookie", cookie);
    }
    assert_eq!(
        judge(&workload, answer).expect("no exception"),
        Verdict::Pass
    );
    let unknown = one_request("", "path='/'\nexpect=\"headers.getall('a')\"");
    assert!(crate::mistakes(&unknown).contains("there is no method `getall`"));
}
