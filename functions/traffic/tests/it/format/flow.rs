//! The flow of a task: pauses, conditions, groups that are sent again, forms, and hosts of a request's own.

use std::time::Duration;

use traffic::random::Draws;
use traffic::workload::{FOLDER, Scope, Workload};

use super::super::{first_request, iteration, mistakes, one_request, parse, render, response};

/// The paths that an iteration sends, where the `n`-th answer is `answers(n)`.
fn paths(workload: &Workload, answers: impl Fn(usize) -> String) -> Vec<String> {
    let class = &workload.classes()[0];
    let task = &class.tasks()[0];
    let mut scope = Scope::new(class, task, 0, 0, Draws::new(1, class.name(), 0, 0));
    let mut walk = scope.walk(task);
    let mut paths = Vec::new();
    while let Some(index) = walk.next(&mut scope).unwrap() {
        let step = &task.steps()[index];
        if scope.begin(step).unwrap() {
            let sent = render(step, &mut scope).unwrap();
            let answer = answers(paths.len());
            paths.push(sent.path);
            let status = if answer.is_empty() { 500 } else { 200 };
            step.judge(&mut scope, response(status, &answer)).unwrap();
        }
    }
    paths
}

fn task(requests: &str) -> String {
    format!("hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n{requests}")
}

#[test]
fn a_request_with_a_body_is_a_post() {
    for (request, method) in [
        ("path = '/'", "GET"),
        ("path = '/'\nbody = ''", "POST"),
        ("path = '/'\njson = {}", "POST"),
        ("path = '/'\nform = { a = 1 }", "POST"),
        ("path = '/'\nmethod = 'PUT'\njson = {}", "PUT"),
    ] {
        let sent = first_request(&parse(&one_request("", request)));
        assert_eq!(sent.method, method, "{request}");
        assert_eq!(sent.name, format!("{method} /"));
    }
}

#[test]
fn a_form_is_encoded_as_requests_encodes_it() {
    let form = "path = '/'\nform = { q = 'a b+c&d=é~*', n = 1, x = 0.5, yes = true, size = ['s', 'm'], who = '{{ user }}/{{ user_class }}' }";
    let sent = first_request(&parse(&one_request("", form)));
    // urllib.parse.urlencode(..., doseq=True)
    let expected = "q=a+b%2Bc%26d%3D%C3%A9~%2A&n=1&x=0.5&yes=true&size=s&size=m&who=0%2FA";
    assert_eq!(sent.body.as_deref(), Some(expected));
    assert_eq!(
        sent.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let constant = parse(&one_request("", "path = '/'\nform = { 'a b' = 'c d' }"));
    assert!(constant.classes()[0].tasks()[0].steps()[0].is_constant());
    assert_eq!(first_request(&constant).body.as_deref(), Some("a+b=c+d"));
}

#[test]
fn pauses_are_drawn_from_the_seed_and_leave_requests_as_they_are() {
    let request = |pause: &str| {
        one_request(
            "",
            &format!("path = '/{{{{ randint(1, 1000000) }}}}'\n{pause}"),
        )
    };
    let (with, without) = (
        parse(&request("pause = 'between(1, 3)'")),
        parse(&request("")),
    );
    let mut drawn = Vec::new();
    for number in 0..50 {
        let class = &with.classes()[0];
        let task = &class.tasks()[0];
        let pause = || {
            let draws = Draws::new(7, class.name(), 3, number);
            let mut scope = Scope::new(class, task, 3, number, draws);
            assert!(scope.begin(&task.steps()[0]).unwrap());
            scope.pause(&task.steps()[0])
        };
        assert_eq!(pause(), pause());
        drawn.push(pause());
        let sent = |workload: &Workload| iteration(&workload.classes()[0], 7, 3, number);
        assert_eq!(sent(&with), sent(&without));
    }
    let bounds = Duration::from_secs(1)..=Duration::from_secs(3);
    assert!(
        drawn.iter().all(|pause| bounds.contains(pause)),
        "{drawn:?}"
    );
    assert!(
        drawn.iter().max().unwrap().as_secs_f64() - drawn.iter().min().unwrap().as_secs_f64() > 1.0
    );
    let longest = |workload: &Workload| workload.classes()[0].longest_iteration();
    assert_eq!(longest(&with), longest(&without) + Duration::from_secs(3));
}

#[test]
fn a_request_is_sent_when_its_condition_holds() {
    let source = task(
        "[[class.A.task.t.request]]\npath = '/cart'\ncapture = { items = 'json.items' }\n\
         [[class.A.task.t.request]]\npath = '/pay'\nwhen = 'items > 2'\n\
         [[class.A.task.t.request]]\npath = '/even'\nwhen = 'user % 2 == 0'\n",
    );
    let workload = parse(&source);
    let with = |items: &'static str| paths(&workload, |_| format!("{{\"items\": {items}}}"));
    assert_eq!(with("3"), ["/cart", "/pay", "/even"]);
    assert_eq!(with("2"), ["/cart", "/even"]);
    assert_eq!(
        paths(&workload, |_| String::new()),
        ["/cart", "/even"],
        "nothing was captured"
    );
}

#[test]
fn a_group_is_sent_again_while_the_answer_says_so() {
    let source = task(
        "[[class.A.task.t.request]]\npath = '/first'\n\
         [[class.A.task.t.request]]\nrepeat = { while = 'json.next', at_most = 4 }\n\
         request = [\n\
         { path = '/look/{{ randint(1, 1000000) }}' },\n\
         { path = \"/page/{{ next | default('1') }}\", capture = { next = 'json.next' } },\n]\n\
         [[class.A.task.t.request]]\npath = '/last'\n",
    );
    let workload = parse(&source);
    // the answers of /first, /look, /page, /look, /page, ...
    let pages = |until: usize| {
        paths(&workload, move |number| match number / 2 {
            page if page < until => format!("{{\"next\": \"{}\"}}", page + 1),
            _ => "{\"next\": null}".to_owned(),
        })
    };
    let sent = pages(3);
    assert_eq!(sent.len(), 8, "{sent:?}");
    assert_eq!(
        [&*sent[0], &sent[2], &sent[4], &sent[6], &sent[7]],
        ["/first", "/page/1", "/page/2", "/page/3", "/last"]
    );
    assert_ne!(sent[1], sent[3], "each round has draws of its own");
    assert_eq!(pages(99).len(), 1 + 4 * 2 + 1, "at most four times");
    let failing = paths(&workload, |number| {
        if number == 2 {
            String::new()
        } else {
            "{\"next\": 1}".into()
        }
    });
    assert_eq!(failing.len(), 4, "a failure ends it: {failing:?}");
    let longest = workload.classes()[0].longest_iteration();
    assert_eq!(longest, Duration::from_secs(60 * (1 + 4 * 2 + 1)));
}

#[test]
fn one_request_may_be_repeated_by_number() {
    let workload = parse(&one_request("", "path = '/a'\nrepeat = { at_most = 3 }"));
    assert_eq!(paths(&workload, |_| "{}".to_owned()), ["/a", "/a", "/a"]);
}

#[test]
fn a_request_may_go_to_another_host() {
    let source = "[hosts]\nshop = 'http://shop:1'\nauth = { url = 'http://auth:2', env = 'AUTH' }\n[class.A]\n\
        wait = 'constant(1)'\nhost = 'shop'\n[class.A.task.t]\n\
        request = [{ path = '/t', host = 'auth' }, { path = '/s', host = 'shop' }, '/u']\n";
    let workload = parse(source);
    let class = &workload.classes()[0];
    let hosts = class.tasks()[0]
        .steps()
        .iter()
        .map(|step| step.host(class).url().as_str().to_owned());
    assert_eq!(
        Vec::from_iter(hosts),
        ["http://auth:2/", "http://shop:1/", "http://shop:1/"]
    );
    let wrong = source.replace("host = 'auth'", "host = 'auht'");
    assert_eq!(
        mistakes(&wrong),
        "w.toml:8: class `A`, task `t`, request `GET /t`: unknown host `auht`: did you mean `auth`?"
    );
}

#[test]
fn mistakes_of_the_flow_say_what_to_change() {
    for (request, expected) in [
        (
            "path = '/'\npause = 'poisson(1)'",
            "w.toml:7: class `A`, task `t`, request `GET /`, `pause` is \"poisson(1)\": write \"between(1, 3)\" or \"constant(2)\", in seconds",
        ),
        (
            "path = '/'\njson = {}\nform = {}",
            "w.toml:5: class `A`, task `t`, request `POST /`: it has `json` and `form`: leave only one of them",
        ),
        (
            "path = '/'\nform = 'a=1'",
            "w.toml:7: class `A`, task `t`, request `POST /`, `form` is \"a=1\": write a table of fields, such as { name = \"{{ user }}\", size = [\"s\", \"m\"] }",
        ),
        (
            "path = '/'\nwhen = 'status == 200'",
            "w.toml:7: class `A`, task `t`, request `GET /`, `when`: unknown name `status`: write one of `host`, `iteration`, `user`, `user_class`",
        ),
        (
            "path = '/'\nrepeat = { while = 'json.next' }",
            "w.toml:7: class `A`, task `t`, request 1, `repeat`: it has no `at_most`: write how often the requests are sent at most, such as 50",
        ),
        (
            "path = '/'\nrepeat = { at_most = 0 }",
            "w.toml:7: class `A`, task `t`, request 1, `repeat`, `at_most` is 0: write a whole number from 1 to 1000",
        ),
        (
            "path = '/{{ next }}'\nrepeat = { at_most = 2 }\ncapture = { next = 'json.next' }",
            "w.toml:5: class `A`, task `t`: `next` is not captured yet when the group is sent first: write `next | default(...)`",
        ),
        (
            "request = ['/a', '/b']",
            "w.toml:5: class `A`, task `t`, group 1: it has no `repeat`: write a table such as { while = \"json.next\", at_most = 50 }",
        ),
    ] {
        assert_eq!(mistakes(&one_request("", request)), expected, "{request}");
    }
}

/// What `requests.Request("POST", url, data=..., files=...)` makes of it, with our boundary.
#[test]
fn files_are_sent_as_requests_sends_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("photo.bin"), [0xff, 0, b'\n']).unwrap();
    let source = one_request(
        "pools.notes = ['a note']",
        "path = '/'\nform = { title = 'é {{ user }}' }\nfiles = [\n\
         { field = 'photo', path = 'photo.bin', type = 'image/x' },\n\
         { field = 'note', pool = 'notes', name = 'n\"{{ user }}.txt' },\n]",
    );
    let at = folder.path().to_str().unwrap().to_owned();
    let variables = |name: &str| (name == traffic::workload::FOLDER).then(|| at.clone());
    let workload = Workload::parse(&source, "w.toml", &variables).unwrap();
    let class = &workload.classes()[0];
    let step = &class.tasks()[0].steps()[0];
    let mut scope = Scope::new(class, &class.tasks()[0], 0, 0, Draws::new(1, "A", 0, 0));
    let (_, content_type) = &step.headers[0];
    let content_type = content_type.constant().unwrap();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let parts = [
        "Content-Disposition: form-data; name=\"title\"\r\n\r\né 0".as_bytes(),
        b"Content-Disposition: form-data; name=\"photo\"; filename=\"photo.bin\"\r\nContent-Type: image/x\r\n\r\n\xff\0\n",
        b"Content-Disposition: form-data; name=\"note\"; filename=\"n%220.txt\"\r\n\r\na note",
    ];
    let expected = parts
        .iter()
        .flat_map(|part| [format!("--{boundary}\r\n").as_bytes(), part, b"\r\n"].concat());
    let mut expected: Vec<u8> = expected.collect();
    expected.extend(format!("--{boundary}--\r\n").as_bytes());
    let body = step.body.as_ref().unwrap().render(&mut scope).unwrap();
    assert_eq!(body, expected);
    assert_eq!((step.method.as_str(), step.is_constant()), ("POST", false));
}

#[test]
fn mistakes_of_files_say_what_to_change() {
    let place = "class `A`, task `t`, request `POST /`, `files`[0]";
    for (file, expected) in [
        (
            "field = 'a'",
            "w.toml:7: PLACE: it needs a `path` or a `pool`: write one of them",
        ),
        (
            "path = 'missing.bin', field = 'a'",
            "w.toml:7: PLACE, `path` \"missing.bin\": it cannot be read: No such file or directory (os error 2)",
        ),
        (
            "path = '/etc/passwd', field = 'a'",
            "w.toml:7: PLACE, `path` is \"/etc/passwd\": write the name of a file in the workload's folder, without `..`",
        ),
        (
            "path = '../x', field = 'a'",
            "w.toml:7: PLACE, `path` is \"../x\": write the name of a file in the workload's folder, without `..`",
        ),
    ] {
        let request = format!("path = '/'\nfiles = [{{ {file} }}]");
        assert_eq!(
            mistakes(&one_request("", &request)),
            expected.replace("PLACE", place),
            "{file}"
        );
    }
}

#[test]
fn the_examples_are_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    assert!(files.len() >= 10, "{files:?}");
    let with_folder = |name: &str| (name == FOLDER).then(|| folder.to_owned());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(errors) = Workload::parse(&text, "example", &with_folder) {
            panic!("{path:?}: {errors}");
        }
    }
}
