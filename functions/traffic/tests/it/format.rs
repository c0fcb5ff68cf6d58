//! What the format can say, and what it means.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use traffic::random::Draws;
use traffic::workload::{Response, Scope, Set, Verdict};

use super::{
    failed, first_request, iteration, judge, judge_step, one_request, parse, render, response,
};

mod answers;
mod flow;
mod metrics;
mod streams;

#[test]
fn the_shortest_file_says_host_class_wait_and_request() {
    let workload =
        parse("hosts.h = 'http://h'\n[class.A]\nwait = 'constant(0)'\ntask.t.request = '/'");
    let class = &workload.classes()[0];
    assert_eq!((class.weight(), class.fixed_count()), (1, 0));
    let step = &class.tasks()[0].steps()[0];
    assert_eq!((&*step.name, step.method.as_str()), ("GET /", "GET"));
    assert_eq!(
        (step.timeout, step.probability),
        (Duration::from_secs(60), 1.0)
    );
    assert!(step.is_constant() && !step.needs_body());
}

#[test]
fn tasks_may_be_an_array_with_names() {
    let workload = parse(
        "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(0)'\nweight = 3\nfixed_count = 2\n\
         [[class.A.task]]\nname = 'one'\nrequest = 'POST /orders'\n\
         [[class.A.task]]\nname = 'two'\nweight = 4\nrequest = ['/a', 'DELETE /b']\n",
    );
    let class = &workload.classes()[0];
    assert_eq!((class.weight(), class.fixed_count()), (3, 2));
    let names: Vec<_> = class
        .tasks()
        .iter()
        .map(|task| (&**task.name(), task.weight()))
        .collect();
    assert_eq!(names, [("one", 1), ("two", 4)]);
    let steps: Vec<_> = class.tasks()[1]
        .steps()
        .iter()
        .map(|step| &*step.name)
        .collect();
    assert_eq!(steps, ["GET /a", "DELETE /b"]);
}

#[test]
fn classes_are_sorted_by_name_and_found_by_it() {
    let class = |name: &str| format!("[class.{name}]\nwait='constant(0)'\ntask.t.request='/'\n");
    let workload = parse(&format!(
        "hosts.h='http://h'\n{}{}{}",
        class("b"),
        class("C"),
        class("a")
    ));
    let names: Vec<_> = workload
        .classes()
        .iter()
        .map(|class| &**class.name())
        .collect();
    assert_eq!(names, ["C", "a", "b"]);
    assert!(workload.class("a").is_some() && workload.class("A").is_none());
    assert_eq!(workload.class_like("B"), Some("b"));
}

#[test]
fn a_header_of_a_request_wins_over_the_class_and_the_file() {
    let source = "hosts.h = 'http://h'\n[headers]\nX-One = 'file'\nX-Two = 'file'\nX-Three = 'file'\n\
         [class.A]\nwait = 'constant(0)'\nheaders = { x-two = 'class', x-three = 'class' }\n\
         [class.A.task.t]\nrequest = { path = '/', headers = { X-THREE = '{{ user }}' } }\n";
    let mut headers = first_request(&parse(source)).headers;
    headers.sort();
    let expected = [("x-one", "file"), ("x-three", "0"), ("x-two", "class")];
    assert_eq!(
        headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn redirects_are_followed_as_the_nearest_says() {
    let source = |defaults: &str, class: &str, task: &str| {
        format!(
            "hosts.h = 'http://h'\ndefaults = {{ {defaults} }}\n[class.A]\nwait = 'constant(0)'\n{class}\n\
             [class.A.task.t]\n{task}\nrequest = ['/', {{ path = '/', redirects = 0 }}]\n"
        )
    };
    for (defaults, class, task, expected) in [
        ("", "", "", 30),
        ("redirects = 3", "", "", 3),
        ("redirects = 3", "redirects = 4", "", 4),
        ("redirects = 3", "redirects = 4", "redirects = 30", 30),
    ] {
        let workload = parse(&source(defaults, class, task));
        let steps = workload.classes()[0].tasks()[0].steps();
        let redirects: Vec<_> = steps.iter().map(|step| step.redirects).collect();
        assert_eq!(redirects, [expected, 0], "{defaults} {class} {task}");
    }
}

#[test]
fn what_a_request_does_not_say_its_class_says_and_then_the_file() {
    let source = "hosts.h = 'http://h'\ndefaults = { timeout = '5s', status = 201 }\n\
         [class.A]\nwait = 'constant(0)'\ntimeout = 7\n[class.A.task.t]\nrequest = ['/', { path = '/', timeout = '250ms' }]\n";
    let workload = parse(source);
    let timeouts: Vec<_> = workload.classes()[0].tasks()[0]
        .steps()
        .iter()
        .map(|step| step.timeout)
        .collect();
    assert_eq!(
        timeouts,
        [Duration::from_secs(7), Duration::from_millis(250)]
    );
    assert_eq!(
        judge(&workload, response(201, "")).expect("no exception"),
        Verdict::Pass
    );
    let text = failed("expected status 201, got 200 OK");
    assert_eq!(
        judge(&workload, response(200, "")).expect("no exception"),
        text
    );
}

#[test]
fn a_class_says_whose_connections_it_has_and_then_the_file() {
    use traffic::workload::Connections::{Own, Shared};
    let connections = |defaults: &str, class: &str| {
        let source = format!(
            "hosts.h = 'http://h'\n[defaults]\n{defaults}\n[class.A]\nwait = 'constant(0)'\n{class}\n\
             [class.A.task.t]\nrequest = '/'\n"
        );
        let class = Arc::clone(&parse(&source).classes()[0]);
        (class.connections(), class.max_connection_age().as_secs())
    };
    assert_eq!(connections("", ""), (None, 60));
    let all = "connections = 'shared'\nmax_connection_age = '5s'";
    assert_eq!(connections(all, ""), (Some(Shared), 5));
    assert_eq!(connections(all, "connections = 'own'"), (Some(Own), 5));
    assert_eq!(
        connections(all, "max_connection_age = 90"),
        (Some(Shared), 90)
    );
}

#[test]
fn headers_from_a_har_file_are_no_mistake() {
    let source = "hosts.h = 'http://h'\n[headers]\nConnection = 'keep-alive'\nKeep-Alive = 'timeout=5'\n\
         Content-Length = '7'\nTransfer-Encoding = 'chunked'\nHost = 'x'\n\
         [class.A]\nwait = 'constant(0)'\n[class.A.task.t]\nrequest = '/'\n";
    assert_eq!(first_request(&parse(source)).headers.len(), 5);
}

#[test]
fn a_json_body_keeps_order_and_types_and_escapes_what_it_is_given() {
    let pools = "pools.nasty = [\"quote \\\" backslash \\\\ newline \\n nul \\u0000 {{ user }}\"]";
    let request = r#"
path = "/"
method = "POST"
[class.A.task.t.request.json]
z = 1
a = [true, 2.5, "plain", {}, []]
number = "{{ 6 * 7 }}"
float = "{{ 1 / 4 }}"
list = "{{ [1, 'two', none] }}"
text = "{{ 6 * 7 }}!"
nasty = "<{{ pick('nasty') }}>"
typed = "{{ pick('nasty') }}"
name = "{{ user_class }}"
index = "{{ user }}"
"#;
    let sent = first_request(&parse(&one_request(pools, request)));
    let nasty = "quote \" backslash \\ newline \n nul \u{0} {{ user }}";
    let expected = serde_json::json!({
        "z": 1, "a": [true, 2.5, "plain", {}, []], "number": 42, "float": 0.25,
        "list": [1, "two", null], "text": "42!", "nasty": format!("<{nasty}>"), "typed": nasty,
        "name": "A", "index": 0,
    });
    assert_eq!(sent.json(), expected);
    assert!(
        sent.body
            .as_deref()
            .is_some_and(|body| body.starts_with(r#"{"z": 1, "a": ["#)),
        "{sent:?}"
    );
    assert_eq!(sent.header("content-type"), Some("application/json"));
}

#[test]
fn a_raw_body_is_sent_as_it_is_written() {
    let request = "path='/'\nmethod='PUT'\nheaders={content-type='text/csv'}\nbody='''\nid,name\n{{ iteration }},x\n'''";
    let sent = first_request(&parse(&one_request("", request)));
    assert_eq!(sent.body.as_deref(), Some("id,name\n0,x\n"));
    assert_eq!(sent.header("content-type"), Some("text/csv"));
}

#[test]
fn a_prompt_goes_into_a_query_escaped() {
    let request = "path = \"/search?q={{ 'a b&c/ü' | urlencode }}\"";
    let sent = first_request(&parse(&one_request("", request)));
    assert_eq!(sent.path, "/search?q=a%20b%26c/%C3%BC");
    assert_eq!(sent.name, "GET /search?q={{ 'a b&c/ü' | urlencode }}");
}

#[test]
fn pools_hold_values_of_every_kind() {
    let pools = "[pools]\nmixed = ['text', 3, 2.5, false, ['a', 1], { value = { id = 7 } }, { repeat = 'ab', times = 3 }, \
         { characters = 'control' }, { characters = 'space', times = 2, weight = 2 }]\n";
    let workload = parse(&one_request(
        pools,
        "path='/'\nmethod='POST'\njson={v=\"{{ pick('mixed') }}\"}",
    ));
    let class = &workload.classes()[0];
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..300 {
        seen.insert(iteration(class, 1, 0, number).1[0].json()["v"].to_string());
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
    for value in [
        "\"text\"",
        "3",
        "2.5",
        "false",
        "[\"a\",1]",
        "{\"id\":7}",
        "\"ababab\"",
    ] {
        assert!(seen.contains(value), "{value} in {seen:?}");
    }
    let control: String = ('\0'..='\u{1f}').chain(['\u{7f}']).collect();
    assert!(seen.contains(&serde_json::json!(control).to_string()));
}

#[test]
fn a_draw_holds_for_the_whole_iteration_and_a_pick_for_one_use() {
    let source = "hosts.h='http://h'\npools.n=[1,2,3,4,5,6,7,8,9]\n[class.A]\nwait='constant(0)'\n\
         [class.A.task.t]\ndraw={n='n'}\nrequest=['/{{ n }}/{{ pick(\"n\") }}', '/{{ n }}/{{ pick(\"n\") }}']";
    let workload = parse(source);
    let mut differ = 0;
    for number in 0..100 {
        let (_, sent) = iteration(&workload.classes()[0], 1, 0, number);
        let parts: Vec<Vec<&str>> = sent
            .iter()
            .map(|sent| sent.path.split('/').collect())
            .collect();
        assert_eq!(parts[0][1], parts[1][1]);
        differ += usize::from(parts[0][2] != parts[1][2]);
    }
    assert!(differ > 50, "{differ}");
}

#[test]
fn a_template_that_never_ends_is_cut_short() {
    let expect = "expect=\"range(9999) | map('string') | join | length > 0 and ('x' * 999999999) | length > 0\"";
    let workload = parse(&one_request("", &format!("path='/'\n{expect}")));
    let error = judge(&workload, response(200, "")).expect_err("too long");
    assert_eq!(error.message(), "it takes too long or makes too much text");
}

#[test]
fn a_probability_is_a_share_of_the_iterations() {
    let workload = parse(&one_request("", "path='/'\nprobability=0.25"));
    let class = &workload.classes()[0];
    let sent = (0..8_000)
        .filter(|number| !iteration(class, 3, 0, *number).1.is_empty())
        .count();
    assert!((1_850..2_150).contains(&sent), "{sent}");
}

#[test]
fn what_is_the_same_every_time_is_known_to_be() {
    let constant = |before: &str, request: &str| {
        let workload = parse(&one_request(before, request));
        workload.classes()[0].tasks()[0].steps()[0].is_constant()
    };
    assert!(constant(
        "headers.x = 'y'",
        "path='/'\nmethod='POST'\njson={a=[1, 'b']}\nexpect='json.a'"
    ));
    assert!(!constant("headers.x = '{{ user }}'", "path='/'"));
    assert!(!constant("", "path='/{{ randint(1, 2) }}'"));
    assert!(!constant("", "path='/'\njson={a='{{ user }}'}"));
}

#[test]
fn equal_weights_level_classes_and_tasks_and_leave_text_and_version() {
    let file = "[hosts.a]\nurl = \"http://a\"\n[class.A]\nhost = \"a\"\nwait = \"constant(1)\"\nweight = 7\n\
                [class.A.task.one]\nrequest = \"GET /1\"\nweight = 5\n[class.A.task.two]\nrequest = \"GET /2\"\n";
    let read = |file: &str| traffic::workload::Workload::parse(file, "f", &|_| None);
    let workload = read(file).unwrap().with_equal_weights(true);
    assert_eq!(workload.version(), read(file).unwrap().version());
    let class = workload.class("A").unwrap();
    assert_eq!(class.weight(), 1);
    assert!(class.tasks().iter().all(|task| task.weight() == 1));
    let ratios = serde_json::to_value(workload.task_ratio(&[("A", 1)], true)).unwrap();
    assert_eq!(ratios["A"]["tasks"]["one"]["ratio"], 0.5);

    // a weight that `POST /user` has set stays
    let set = format!("{file}[user.A]\nweight = 3\n");
    let workload = read(&set).unwrap().with_equal_weights(true);
    assert_eq!(workload.class("A").unwrap().weight(), 3);
    let errors = read(&format!("equal_weights = true\n{file}")).unwrap_err();
    assert_eq!(errors.mistakes()[0].line, 1);
}

/// A class of two tasks, and what a `[user]` table sets for it.
fn class_with(user: &str) -> std::sync::Arc<traffic::workload::UserClass> {
    let file = format!(
        "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\nweight = 7\nfixed_count = 2\n\
         [class.A.task.one]\nrequest = 'GET /1'\nweight = 5\n\
         [class.A.task.two]\nrequest = 'GET /2'\n{user}"
    );
    std::sync::Arc::clone(parse(&file).class("A").unwrap())
}

#[test]
fn what_is_set_for_a_user_class_holds_in_place_of_what_it_says() {
    let as_it_says = class_with("");
    assert_eq!((as_it_says.weight(), as_it_says.fixed_count()), (7, 2));
    assert_eq!(as_it_says.set(), Set::default());

    let class = class_with("[user.A]\nweight = 0\nhost = 'https://other/base/'\ntasks = ['two']\n");
    assert_eq!((class.weight(), class.fixed_count()), (0, 2));
    assert_eq!(class.host().url().as_str(), "https://other/base");
    assert_eq!(&**class.host().name(), "h");
    let names: Vec<&str> = class.tasks().iter().map(|task| &**task.name()).collect();
    assert_eq!(names, ["two"]);
    assert_eq!(
        class.task_names().len(),
        2,
        "what could be chosen is still known"
    );
    let mut draws = Draws::new(1, "A", 0, 0);
    assert_eq!(&**class.choose_task(&mut draws).name(), "two");
    let set = Set {
        weight: true,
        fixed_count: false,
        host: true,
    };
    assert_eq!(class.set(), set);

    let both = class_with("[user.A]\ntasks = ['two', 'one', 'two']\n");
    let weights: Vec<u32> = both.tasks().iter().map(|task| task.weight()).collect();
    assert_eq!(
        weights,
        [5, 1],
        "in the order of the file, with their weights"
    );
}
