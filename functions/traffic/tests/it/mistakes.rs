//! Every mistake in a file is found before anything is sent, and named with its line.

use super::{mistakes, one_request};

mod templates;

/// A file with one thing wrong, which is on the line that ends in `#!`, and what is said about it.
#[track_caller]
fn wrong(source: &str, expected: &str) {
    let line = source.lines().position(|line| line.contains("#!"));
    let line = line.expect("a marked line") + 1;
    assert_eq!(
        mistakes(source),
        format!("w.toml:{line}: {expected}"),
        "{source}"
    );
}

/// The same with a right host and a right class around what is wrong in a request.
#[track_caller]
fn wrong_request(request: &str, expected: &str) {
    // one with a body is a POST
    let has_body = ["body", "json"]
        .iter()
        .any(|key| request.lines().any(|line| line.starts_with(key)));
    let method = if has_body {
        "request `POST /`"
    } else {
        "request `GET /`"
    };
    let expected = &expected.replace("request `GET /`", method);
    wrong(&one_request("pools.names = ['a', 'b']", request), expected);
}

#[test]
fn all_mistakes_are_said_at_once_in_the_order_of_their_lines() {
    let source = "\
[hosts.shop]
url = \"shop:80\"
[pools]
empty = []
[class.A]
hots = \"shop\"
wait = \"between(3, 1)\"
weight = 0
[class.A.task.one]
request = \"FETCH /\"
[class.A.task.two]
wieght = 2
request = [{ path = \"/{{ pick('emtpy') }}{{ usr }}\", expect = \"json.\" }]
[class.B]
host = \"shpo\"
";
    let expected = "\
w.toml:2: host `shop`: \"shop:80\" is no base URL: write a URL such as \"http://localhost:8000\"
w.toml:4: pool `empty` is an empty array: write an array with at least one value, or a file, such as { csv = \"users.csv\" }
w.toml:6: class `A` has an unknown key `hots`: did you mean `host`?
w.toml:7: class `A`, `wait` is \"between(3, 1)\", whose first bound is above its second: swap them
w.toml:8: class `A`, `weight` is 0: write a whole number from 1 to 10000
w.toml:10: class `A`, task `one`, `request`: unknown method `FETCH`: did you mean `PATCH`?
w.toml:12: class `A`, task `two` has an unknown key `wieght`: did you mean `weight`?
w.toml:13: class `A`, task `two`, request `GET /{{ pick('emtpy') }}{{ usr }}`, `expect`: unexpected end of input, expected identifier or integer
w.toml:13: class `A`, task `two`, request `GET /{{ pick('emtpy') }}{{ usr }}`, `path`: unknown name `usr`: did you mean `user`?
w.toml:13: class `A`, task `two`, request `GET /{{ pick('emtpy') }}{{ usr }}`, `path`: unknown pool `emtpy`: did you mean `empty`?
w.toml:14: class `B`: it has no `task`: write a table of tasks, such as [class.MyUser.task.get_health] with request = \"GET /health\"
w.toml:14: class `B`: it has no `wait`: write \"between(1, 3)\", \"constant_pacing(30)\", \"constant_throughput(0.5)\", \"constant(1)\" or \"poisson(10)\", in seconds
w.toml:15: class `B`: unknown host `shpo`: did you mean `shop`?";
    assert_eq!(mistakes(source), expected);
}

#[test]
fn what_is_not_toml_is_said_with_its_line() {
    wrong(
        "a = #!\n",
        "this is not TOML: string values must be quoted, expected literal string",
    );
    let message =
        mistakes("hosts.h = 'http://h'\n[class.A\nwait = 'constant(0)'\n[class.A]\n[class.A]\n");
    assert!(
        message.starts_with("w.toml:2: this is not TOML: "),
        "{message}"
    );
    assert!(
        message
            .lines()
            .any(|line| line.starts_with("w.toml:5: this is not TOML: ")),
        "{message}"
    );
}

#[test]
fn an_empty_file_says_what_to_write() {
    let expected = "w.toml:1: the file has no user class: write a table of classes, such as [class.MyUser] \
         with `host`, `wait` and `task`";
    for empty in [
        "",
        "\n\n",
        "# nothing\n",
        "hosts.h = 'http://h'",
        "class = {}",
    ] {
        assert_eq!(mistakes(empty), expected, "{empty}");
    }
}

#[test]
fn hosts_are_base_urls() {
    let file =
        |host: &str| format!("{host} #!\n[class.A]\nwait='constant(0)'\ntask.t.request='/'\n");
    let expected =
        "host `h`: \"ftp://h\" is no base URL: write a URL such as \"http://localhost:8000\"";
    wrong(&file("hosts.h = 'ftp://h'"), expected);
    let expected =
        "host `h`: \"http://h/?a=1\" is no base URL: leave out what follows the `?` or `#`";
    wrong(&file("hosts.h = 'http://h/?a=1'"), expected);
    let expected = "`hosts` `h` is 8000: write a URL such as \"http://localhost:8000\", or a table with `url` and `env`";
    wrong(&file("hosts.h = 8000"), expected);
    wrong(
        &file("hosts.h = { url = 'http://h', evn = 'H' }"),
        "host `h` has an unknown key `evn`: did you mean `env`?",
    );
    let expected = "host `h`, `env` is \"MY-HOST\": write the name of an environment variable";
    wrong(
        &file("hosts.h = { url = 'http://h', env = 'MY-HOST' }"),
        expected,
    );
    let two = "hosts.h = 'http://h'\nhosts.i = 'http://i'\n[class.A] #!\nwait='constant(0)'\ntask.t.request='/'\n";
    wrong(
        two,
        "class `A`: it has no `host`: write the name of one of the file's [hosts]",
    );
}

#[test]
fn waits_of_nothing_point_to_constant_0() {
    for wait in ["between(0, 0)", "constant_pacing(0)", "poisson(0)"] {
        let source =
            format!("hosts.h='http://h'\n[class.A]\nwait='{wait}' #!\ntask.t.request='/'\n");
        let expected = format!(
            "class `A`, `wait` is {wait:?}, less than a millisecond: write \"constant(0)\" for users that never wait"
        );
        wrong(&source, &expected);
    }
}

#[test]
fn weights_and_counts_are_whole_numbers_in_bounds() {
    let file = |line: &str| {
        format!(
            "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\n{line} #!\ntask.t.request='/'\n"
        )
    };
    for weight in ["0", "-1", "10001", "1.5", "'2'"] {
        let expected = "write a whole number from 1 to 10000";
        let found = weight.replace('\'', "\"");
        wrong(
            &file(&format!("weight = {weight}")),
            &format!("class `A`, `weight` is {found}: {expected}"),
        );
    }
    let expected = "class `A`, `fixed_count` is -1: write a whole number from 0 to 1000000";
    wrong(&file("fixed_count = -1"), expected);
}

#[test]
fn pools_are_checked_value_by_value() {
    let file = |pool: &str| one_request(&format!("pools.p = {pool} #!"), "path='/'");
    let expected = "pool `p`[1]: write one of `value`, `repeat` (with `times`) and `characters`";
    wrong(&file("['a', { weight = 2 }]"), expected);
    wrong(
        &file("[{ value = 'a', repeat = 'b' }]"),
        &expected.replace('1', "0"),
    );
    let expected =
        "pool `p`[0], `characters` is \"contrl\": write \"control\", \"space\" or \"emoji\"";
    let message = mistakes(&file("[{ characters = 'contrl' }]"));
    assert!(message.contains(expected), "{message}");
    let expected = "pool `p`[0]: the value is longer than a million bytes: make it shorter";
    wrong(&file("[{ repeat = 'ab', times = 600000 }]"), expected);
    wrong(
        &file("'a'"),
        "pool `p` is \"a\": write an array with at least one value, or a file, such as { csv = \"users.csv\" }",
    );
    wrong(&file("[nan]"), "pool `p`[0] is nan: write a finite number");
}

#[test]
fn connections_are_own_or_shared_and_get_so_old() {
    let class = |line: &str| {
        format!(
            "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n{line}\n\
             [class.A.task.t]\nrequest = '/'\n"
        )
    };
    assert_eq!(
        mistakes(&class("connections = 'mine'")),
        "w.toml:4: class `A`, `connections` is \"mine\": write \"own\" or \"shared\""
    );
    assert_eq!(
        mistakes(&class("max_connection_age = '0s'")),
        "w.toml:4: class `A`, `max_connection_age` is \"0s\": write a time from \"1ms\" to \"24h\", \
         such as \"60s\""
    );
    let of_request = one_request("", "path='/'\nconnections='own'");
    let message = mistakes(&of_request);
    assert!(
        message.contains("has an unknown key `connections`"),
        "{message}"
    );
}

#[test]
fn requests_say_one_thing_and_say_it_right() {
    let place = "class `A`, task `t`, request `GET /`";
    let check = |line: &str, expected: &str| {
        wrong_request(
            &format!("path='/'\n{line} #!"),
            &format!("{place}{expected}"),
        );
    };
    check(
        "probability = 20",
        ", `probability` is 20: write a number above 0 and up to 1, such as 0.2 for one time in five",
    );
    check(
        "probability = 0",
        ", `probability` is 0: write a number above 0 and up to 1, such as 0.2 for one time in five",
    );
    check(
        "timeout = '0s'",
        ", `timeout` is \"0s\": write a time from \"1ms\" to \"24h\", such as \"30s\"",
    );
    check(
        "timeout = '25h'",
        ", `timeout` is \"25h\": write a time from \"1ms\" to \"24h\", such as \"30s\"",
    );
    for redirects in ["-1", "31", "1.5", "'3'", "true"] {
        wrong_request(
            &format!("path='/'\nredirects = {redirects} #!"),
            &format!(
                "{place}, `redirects` is {}: write a whole number from 0, where none is followed, to 30",
                redirects.replace('\'', "\"")
            ),
        );
    }
    check(
        "status = 'ok'",
        ", `status` is \"ok\": write a status such as 200, a rule such as \"<400\", \"2xx\", \"200-204\", \"!=404\" or \"any\", or an array of them",
    );
    check(
        "headers = { x = 1 }",
        ", `headers` `x` is 1: write a string",
    );
    check(
        "headers = { x = \"a\\nb\" }",
        ", `headers` `x`: a header cannot hold line breaks or control characters: remove them",
    );
    check(
        "body = { a = 1 }",
        ", `body` is a table: write a string; a table goes into `json`",
    );
    check(
        "json = { a = inf }",
        ", `json` `a` is inf: write a number that JSON can hold",
    );
    wrong_request(
        "path='/'\nname = '{{ user }}' #!",
        "class `A`, task `t`, request 1, `name` is \"{{ user }}\": write a name of up to 200 characters, the same for every request (no `{{`)",
    );
}

#[test]
fn what_a_request_cannot_do_without_is_asked_for() {
    wrong(
        "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\n[class.A.task.t]\nrequest={ method='GET' } #!",
        "class `A`, task `t`, request 1: it has no `path`: write for example path = \"/health\"",
    );
    wrong(
        "hosts.h='http://h'\n[class.A]\nwait='constant(0)'\n[class.A.task.t] #!\nweight=2",
        "class `A`, task `t`: it has no `request`: write for example request = \"GET /health\"",
    );
    wrong_request(
        "path='health' #!",
        "class `A`, task `t`, request `GET health`, `path`: \"health\" is no path: write one that begins with `/`, such as \"/health\"",
    );
    wrong_request(
        "path='http://x/' #!",
        "class `A`, task `t`, request `GET http://x/`, `path`: \"http://x/\" is no path: write one that begins with `/`, such as \"/health\"",
    );
    let message = mistakes(&one_request("", "path='/'\njson={a=1}\nbody='b'"));
    assert!(
        message.ends_with("request `POST /`: it has `json` and `body`: leave only one of them"),
        "{message}"
    );
    let long = format!("path='/{}'", "x".repeat(300));
    let message = mistakes(&one_request("", &long));
    assert!(
        message.ends_with("its path is too long to be its name: give it a short `name`"),
        "{message}"
    );
    let message = mistakes(&one_request("headers.':authority' = 'x'", "path='/'"));
    assert_eq!(
        message,
        "w.toml:2: \":authority\" is no header that a request may set: rename it or leave it out"
    );
}

#[test]
fn what_cannot_be_set_for_a_user_class_is_said() {
    let user = |line: &str| format!("{}\n[user.A]\n{line} #!\n", one_request("", "path = '/'"));
    for (line, expected) in [
        (
            "weight = -1",
            "user `A`, `weight` is -1: write a whole number from 0 to 10000",
        ),
        (
            "fixed_count = 'two'",
            "user `A`, `fixed_count` is \"two\": write a whole number from 0 to 1000000",
        ),
        (
            "host = 'h'",
            "user `A`, `host`: \"h\" is no base URL: write a URL such as \"http://localhost:8000\"",
        ),
        (
            "tasks = []",
            "user `A`, `tasks` is an empty array: write an array with the names of at least one of the class's tasks",
        ),
        (
            "tasks = ['s']",
            "user `A`, `tasks`[0]: unknown task `s`: did you mean `t`?",
        ),
        (
            "tasks = ['t', 1]",
            "user `A`, `tasks`[1] is 1: write the name of a task",
        ),
        (
            "wieght = 1",
            "user `A` has an unknown key `wieght`: did you mean `weight`?",
        ),
    ] {
        wrong(&user(line), expected);
    }
    wrong(
        &format!(
            "{}\n[user.B] #!\nweight = 1\n",
            one_request("", "path = '/'")
        ),
        "`user`: unknown class `B`: did you mean `A`?",
    );
    wrong(
        &format!("user = 1 #!\n{}", one_request("", "path = '/'")),
        "`user` is 1: write a table of classes, such as [user.MyUser] with any of `weight`, \
         `fixed_count`, `host` and `tasks`",
    );
}

#[test]
fn what_cannot_be_a_pair_is_said() {
    let pair = |line: &str| {
        let tasks = "[class.A.task.u]\nrequest = 'POST /b'\n";
        format!("{}\n{tasks}{line}\n", one_request("", "path = '/a'"))
    };
    for (table, expected) in [
        (
            "[pairs.p]\na = 'GET /a'\nb = 'GET /aa' #!",
            "pair `p`, `b`: unknown request `GET /aa`: did you mean `GET /a`?",
        ),
        (
            "[pairs.p] #!\na = 'GET /a'\nb = 'GET /a'",
            "pair `p`: its `a` and `b` are the same request: name two",
        ),
        (
            "[pairs.p] #!\na = 'GET /a'\nb = 'POST /b'",
            "pair `p`: its `a` and `b` have no method in common: name requests of one method",
        ),
        (
            "[pairs.p] #!\na = 'GET /a'",
            "pair `p`: it has no `b`: write the name of a request",
        ),
        (
            "[pairs.p]\na = 'GET /a'\nb = 'GET /a'\nc = 1 #!",
            "pair `p` has an unknown key `c`: did you mean `a`?",
        ),
        (
            "[pairs]\np = 1 #!",
            "`pairs` `p` is 1: write a table of pairs, such as [pairs.checkout] with `a` and `b`, each the name of a request",
        ),
    ] {
        if table.contains("c = 1") {
            let said = mistakes(&pair(table));
            assert!(said.contains(expected), "{said}");
        } else {
            wrong(&pair(table), expected);
        }
    }
}

#[test]
fn what_cannot_be_a_threshold_is_said() {
    let threshold = |table: &str| format!("{}\n{table}\n", one_request("", "path = '/a'"));
    for (table, expected) in [
        (
            "[[threshold]]\nmetric = 'p950' #!\nbelow = 1",
            "`threshold`[0], `metric` is \"p950\": write fail_ratio, average, p50, p95, p99.9 or another percentile, \
             max, first_event_p95, or missing",
        ),
        (
            "[[threshold]]\nmetric = 'p95'\nbelow = 0 #!",
            "`threshold`[0], `below` is 0: write a number above 0",
        ),
        (
            "[[threshold]]\nmetric = 'p95'\nbelow = 1\nrow = 'GET /aa' #!",
            "`threshold`[0], `row`: unknown request `GET /aa`: did you mean `GET /a`?",
        ),
        (
            "[[threshold]] #!\nmetric = 'missing'\nbelow = 1\nrow = 'GET /a'",
            "`threshold`[0]: missing is a figure of the whole run: leave out the name of the requests",
        ),
        (
            "[[threshold]] #!\nbelow = 1",
            "`threshold`[0]: it has no `metric`",
        ),
        (
            "[threshold] #!\np95 = 1",
            "`threshold` is a table: write tables such as [[threshold]] with `metric` and `below`, and `row` for \
             requests of one name",
        ),
        (
            "[[threshold]]\nmetric = 'max'\nbelow = 1\nabove = 1 #!",
            "`threshold`[0] has an unknown key `above`: write one of `below`, `metric`, `row`",
        ),
    ] {
        wrong(&threshold(table), expected);
    }
}
