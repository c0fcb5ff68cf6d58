//! No template kills the process, hangs it or fills its memory: not when it is read, nor while traffic runs.
//!
//! A stack that overflows ends the process, so the templates are tried in a process of its own. It says
//! what it tries next, and what it did with it; how much memory it had at most is asked from Linux. What a
//! machine that is busy does to the time is left to a generous end: what never ends is found by it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::StatusCode;
use traffic::random::Draws;
use traffic::workload::{Response, Scope, Workload};

use super::{no_variables, one_request};

/// How long one template may take on a busy machine, without optimization.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one file may make the process grow by, in kB.
const MEMORY: u64 = 64 * 1024;

/// Set in the process that tries the templates.
const CHILD: &str = "CICADA_TEST_TEMPLATES";

/// What is before the kind of a large body, in place of a file's text.
const LARGE: &str = "large: ";

fn times(piece: &str, count: usize) -> String {
    piece.repeat(count)
}

/// Expressions that took the process down, or more than their share, and their siblings.
fn expressions() -> Vec<String> {
    let mut all = vec![
        format!("+{}1", times("-", 5_000)),
        format!("{}1", times("not ", 16_000)),
        format!("1{}", times("~1", 30_000)),
        format!("user{}", times(".a", 30_000)),
        format!("user{}", times("[0]", 20_000)),
        format!("1{}", times("|string", 8_000)),
        format!("1{}", times("|string", 199)),
        format!("1{}", times("+1", 30_000)),
        format!("1{}", times("**1", 20_000)),
        format!("1{}", times("<1", 30_000)),
        format!("1{}", times(" is defined", 5_000)),
        format!("1{}", times(" if 1 else 1", 5_000)),
        format!("1{}", times(" if 1", 10_000)),
        format!("1{}", times(" and 1", 10_000)),
        format!("1{}", times(" or 1", 10_000)),
        format!("1{}", times(" in [1]", 8_000)),
        format!("1{}", times(" not in [1]", 5_000)),
        format!("user{}", times("[1:]", 10_000)),
        format!("user{}", times("()", 20_000)),
        format!("[{}]", times("1,", 30_000)),
        format!("'{}'", times("\\u0041", 10_000)),
        format!("'{}'", times("a", 60_000)),
        times("9", 60_000),
        format!("0.{}", times("9", 60_000)),
        times("'a' ", 15_000),
        format!("choice({})", times("choice(", 5_000)),
        "9**9**9**9".to_owned(),
        "'a' * 1000000000".to_owned(),
        "[1] * 1000000000".to_owned(),
        "('a' * 1000000)|replace('a', 'bbbbbbbbbb' * 1000)".to_owned(),
        "range(1000000000)|list".to_owned(),
        "range(100000)|join('x' * 1000)".to_owned(),
        "[1, 2]|tojson(indent=1000000000)|length".to_owned(),
        "[1, 2]|tojson(1000000000)|length".to_owned(),
        "[[1, 2]]|map('tojson', indent=1000000000)|list".to_owned(),
        "'a\nb'|indent(1000000000)".to_owned(),
        "'%1000000000d'|format(1)".to_owned(),
        "'%.1000000000f'|format(1.5)".to_owned(),
        "'%*d'|format(1000000000, 1)".to_owned(),
        "[1]|batch(1000000000, 2)|list".to_owned(),
        "[1]|slice(1000000000, 2)|list".to_owned(),
        "1.5|round(1000000000)".to_owned(),
        "1.5|round(-1000000000)".to_owned(),
        "('ä' * 4000000)|urlencode".to_owned(),
        "('a ' * 1000000)|title".to_owned(),
        "('a ' * 1000000)|split|unique|list".to_owned(),
        "range(100000)|sort(reverse=true)|list".to_owned(),
        "[[1] * 100000] * 100000 == [[1] * 100000] * 100000".to_owned(),
        "[[1] * 100000] * 100000 < [[1] * 100000] * 100000".to_owned(),
        "([[1] * 100000] * 100000)|tojson|length".to_owned(),
        "([[1] * 100000] * 100000)|string|length".to_owned(),
        "([[1] * 100000] * 100000)|pprint".to_owned(),
        "([[1] * 100000] * 100000)|unique|list".to_owned(),
        "([[1] * 100000] * 100000)|sum(start=[])".to_owned(),
        "choice([[1] * 100000] * 100000) ~ ''".to_owned(),
        "randint([1] * 100000 == [1] * 100000, 3)".to_owned(),
        "[[1] * 1000] * 1000 in [[[1] * 1000] * 1000] * 1000".to_owned(),
        "{[[1] * 100000] * 100000: 1}".to_owned(),
        "([1] * 100000)|select('in', [[1] * 100000] * 1000)|list".to_owned(),
        "([1] * 100000)|map('default', [[1] * 100000] * 1000)|list".to_owned(),
        "([[1] * 1000] * 100)|map('join', 'a' * 10000)|list".to_owned(),
        "namespace(a=[1])".to_owned(),
        "lipsum(100000)".to_owned(),
        "cycler(1)".to_owned(),
        "dict(a=dict(b=1), **{'c': [1] * 100000})".to_owned(),
    ];
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("-(", ")"),
        ("choice([", "])"),
    ] {
        for depth in [20, 60, 100, 149, 5_000] {
            all.push(format!("{}1{}", times(open, depth), times(close, depth)));
        }
    }
    all
}

/// Templates with blocks that did, and their siblings.
#[expect(clippy::too_many_lines, reason = "it is data")]
fn templates() -> Vec<String> {
    let double = |step: &str| {
        format!(
            "{{% set a = [1] %}}{}{{{{ a|length }}}}",
            times(step, 2_000)
        )
    };
    let loops = |count: usize, inside: &str| {
        let each = "{% for x in range(99999) %}";
        format!(
            "{}{inside}{}",
            times(each, count),
            times("{% endfor %}", count)
        )
    };
    let big = "{% set s = 'a' * 5000000 %}{% set t = 'a' * 5000000 %}";
    let deep =
        "{% set a = [[[[[1] * 99] * 9] * 9] * 9] %}{% set b = [[[[[1] * 99] * 9] * 9] * 9] %}";
    let each = |before: &str, inside: &str| format!("{before}{}", loops(1, inside));
    let laughs: String = (1..20)
        .map(|level| {
            let before = format!("v{},", level - 1);
            format!("{{% set v{level} = [{}] %}}", times(&before, 10))
        })
        .collect();
    vec![
        "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}{{ ns.a|length }}".to_owned(),
        double("{% set a = a + a %}"),
        double("{% set a = a + a + [1] %}"),
        double("{% set a = a * 2 %}"),
        double("{% set a = [a] %}"),
        double("{% set a = [a, a] %}"),
        double("{% set a = {1: a, 2: a} %}"),
        double("{% set a = (a, a) %}"),
        double("{% set a = a[1:] %}"),
        double("{% set a = a[::-1] %}"),
        double("{% set a = a|reverse %}"),
        double("{% set a = a|chain(a) %}"),
        double("{% set a = a|zip(a) %}"),
        double("{% set a = a|batch(1) %}"),
        double("{% set a = a|map('list') %}"),
        double("{% set a = a ~ a %}"),
        double("{% set a = a|string ~ a|string %}"),
        double("{% set a = a|tojson|tojson %}"),
        double("{% set a %}{{ a }}{{ a }}{% endset %}"),
        double("{% set a = a|items|list %}"),
        double("{% set a = dict(a=a) %}"),
        format!("{{% set v0 = 1 %}}{laughs}{{{{ v19 }}}}"),
        format!("{{% set v0 = 1 %}}{laughs}{{% if v19 == v18 %}}{{% endif %}}{{{{ v19|tojson }}}}"),
        format!("{{% set v0 = 1 %}}{laughs}{{% for i in v19 %}}{{{{ i in v19 }}}}{{% endfor %}}"),
        format!("{{% if 1 %}}1{}{{% endif %}}", times("{% elif 1 %}1", 4_000)),
        format!("{}1{}", times("{% if 1 %}", 3_000), times("{% endif %}", 3_000)),
        format!("{}1{}", times("{% if 1 %}", 50), times("{% endif %}", 50)),
        format!("{}1{}", times("{% with a=1 %}", 2_000), times("{% endwith %}", 2_000)),
        format!("{}1{}", times("{% filter upper %}", 2_000), times("{% endfilter %}", 2_000)),
        format!("{}1{}", times("{% set x %}", 2_000), times("{% endset %}", 2_000)),
        format!("{}1", times("{% if 1 %}", 6_000)),
        times("{{ 1 }}", 9_000),
        times("{{ user + 1 }}{# c #}", 3_000),
        times("{% raw %}{{ x }}{% endraw %}", 2_000),
        loops(1, "{{ x }}"),
        loops(5, "{{ x }}"),
        loops(40, "x"),
        each(big, "{% if s == t %}1{% endif %}"),
        each(big, "{% if s < t %}1{% endif %}"),
        each(big, "{{ s|length }}"),
        each(big, "{{ s[4999999] }}"),
        each(big, "{{ s[1:]|length }}"),
        each(big, "{{ 'b' in s }}"),
        each(big, "{{ s is startingwith(t) }}"),
        each(big, "{{ {s: 1}[t] }}"),
        each(big, "{{ s|upper|first }}"),
        each(deep, "{% if a == b %}1{% endif %}"),
        each(deep, "{{ a in [b] }}"),
        each(deep, "{{ a is eq(b) }}"),
        each(deep, "{{ [a, b]|unique|length }}"),
        each(deep, "{{ a|first == b|first }}"),
        each(deep, "{{ loop.changed(a) }}"),
        each("", "{{ range(99999)|length }}{{ range(99999)|list|length }}"),
        each("", "{{ 'a' * 100000 }}"),
        "{% for x in [[1]] recursive %}{{ loop(x) }}{% endfor %}".to_owned(),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(),
        "{% include 'template' %}".to_owned(),
        "{% extends 'template' %}".to_owned(),
        "{% import 'template' as t %}".to_owned(),
        "{% block a %}{{ self.a() }}{% endblock %}".to_owned(),
        "{% call range(3) %}{% endcall %}".to_owned(),
        format!("{{% do range(3){} %}}", times("()", 20_000)),
        times("{", 60_000),
        times("{{", 30_000),
        times("{%", 30_000),
        times("{#", 30_000),
    ]
}

/// Files whose templates are not what is hostile in them.
fn files() -> Vec<String> {
    let request = |rest: &str| one_request("", rest);
    let names: String = (0..20_000)
        .map(|number| format!("k{number} = 1\n"))
        .collect();
    let requests: String = (0..2_000)
        .map(|_| "[[class.A.task.t.request]]\npath = '/'\nbody = '{% for i in range(20000) %}{{ i }}{% endfor %}'\n")
        .collect();
    vec![
        format!("a = {}{}", times("[", 100_000), times("]", 100_000)),
        format!("a = {}", times("{a=", 100_000)),
        format!("{} = 1", times("a.", 200_000) + "a"),
        format!("[{}]", times("a.", 200_000) + "a"),
        format!("[[{}]]", times("a.", 200_000) + "a"),
        request(&format!(
            "path='/'\njson = {}1{}",
            times("[", 70),
            times("]", 70)
        )),
        request(&format!(
            "path='/'\njson = {}1{}",
            times("{a=", 70),
            times("}", 70)
        )),
        request(&format!("path='/'\njson.{} = 1", times("a.", 10_000) + "a")),
        times("x\n", 200_000),
        times("= 1\n", 100_000),
        times("[x\n", 100_000),
        times("x\n", 30_000),
        times("\n", 400_000),
        times("[[a]]\n", 60_000),
        format!("a = [{}]", times("1,", 190_000)),
        format!("a = {}", times("'a'", 100_000)),
        names,
        request(&format!("path='/'\nbody='{}'", times("{{ usr }}", 6_000))),
        format!(
            "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n[class.A.task.t]\n{requests}"
        ),
    ]
}

/// Every file that is tried, with its name.
fn cases() -> Vec<String> {
    let mut cases = files();
    for expression in expressions() {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        cases.push(one_request(
            "",
            &format!("path='/'\nexpect={}", quoted(&expression)),
        ));
        let text = quoted(&format!("{{{{ {expression} }}}}"));
        cases.push(one_request("", &format!("path='/'\nbody={text}")));
        cases.push(one_request("", &format!("path='/'\njson={{a={text}}}")));
        cases.push(one_request(
            "",
            &format!("path='/'\nexpect='false'\nfailure={text}"),
        ));
    }
    for template in templates() {
        cases.push(with_template(&template));
    }
    cases
}

fn with_template(template: &str) -> String {
    let text = serde_json::Value::from(template).to_string();
    one_request("", &format!("path='/'\nbody={text}"))
}

/// Reads a file and, if it is right, does what its traffic would.
fn attempt(source: &str) -> String {
    let workload = match Workload::parse(source, "w.toml", &no_variables) {
        Ok(workload) => workload,
        Err(errors) => {
            let mut mistakes = errors.mistakes().iter();
            let lines = source.split('\n').count();
            assert!(mistakes.all(|mistake| (1..=lines).contains(&mistake.line)));
            return errors.to_string().lines().next().unwrap().to_owned();
        }
    };
    let mut said = "runs".to_owned();
    for class in workload.classes() {
        for task in class.tasks() {
            let draws = Draws::new(1, class.name(), 0, 0);
            let mut scope = Scope::new(class, task, 0, 0, draws);
            for step in task.steps() {
                scope.begin(step);
                let body = step
                    .body
                    .as_ref()
                    .map(|body| body.render(&mut scope).map(drop));
                if let Some(Err(error)) = body {
                    said = format!("runs: {error}");
                }
                if let Err(error) = step.judge(&mut scope, hostile_response()) {
                    said = format!("runs: {error}");
                }
            }
        }
    }
    said
}

fn hostile_response() -> Response {
    Response {
        status: StatusCode::OK,
        body: times("[", 100).into_bytes().into(),
        ..Response::default()
    }
}

/// What a check of a response's JSON may make the process grow by, in kB: the budget of all values, and half
/// as much for what is only estimated.
const VALUES: u64 = 384 * 1024;

/// A body of 64 MB that takes many times its length as values, unless it is one long text.
fn large(kind: &str) -> String {
    let of = |piece: &str| {
        let mut body = times(piece, 64_000_000 / piece.len());
        body.pop();
        format!("[{body}]")
    };
    match kind {
        "numbers" => of("0,"),
        "floats" => of("1.5,"),
        "large numbers" => of(&format!("{},", times("9", 40))),
        "lists" => of("[],"),
        "lists of one" => of("[0],"),
        "deep lists" => of(&format!("{}{},", times("[", 900), times("]", 900))),
        "objects" => of("{},"),
        "small objects" => of(r#"{"":0},"#),
        "one object" => {
            let fields: String = (0..4_000_000).map(|it| format!(r#""{it}":0,"#)).collect();
            format!("{{{}}}", fields.trim_end_matches(','))
        }
        "strings" => of(r#""","#),
        "longer strings" => of(r#""a text of more than 22 bytes","#),
        "one string" => format!(r#""{}""#, times("a", 64_000_000)),
        "one escaped string" => format!(r#""{}""#, times("\\n", 32_000_000)),
        kind => unreachable!("{kind}"),
    }
}

/// Checks the JSON of a large body, as one request of the traffic would.
fn check_large(kind: &str) -> (u64, String) {
    let body = bytes::Bytes::from(large(kind));
    let source = one_request(
        "",
        "path='/'\nexpect='json is not none'\ncapture.all='json'",
    );
    let workload = Workload::parse(&source, "w.toml", &no_variables).unwrap();
    let class = &workload.classes()[0];
    let task = &class.tasks()[0];
    let mut scope = Scope::new(class, task, 0, 0, Draws::new(1, class.name(), 0, 0));
    let mut said = String::new();
    let grown = growth(|| {
        let response = Response {
            status: StatusCode::OK,
            body,
            ..Response::default()
        };
        said = format!("{:?}", task.steps()[0].judge(&mut scope, response));
    });
    (grown, said)
}

/// The memory of this process in kB: as it is (`VmRSS`), or at most (`VmHWM`).
fn memory(kind: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(kind));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// By how many kB `work` has grown this process at most.
fn growth(work: impl FnOnce()) -> u64 {
    // the most is what it is now
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");
    work();
    memory("VmHWM:").saturating_sub(before)
}

/// The other process: tries each file that it reads, a JSON string in each line.
#[test]
#[ignore = "the other tests start it"]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut out = std::io::stdout();
    writeln!(out, "\nready 0").unwrap();
    for line in std::io::stdin().lines() {
        let source: String = serde_json::from_str(&line.unwrap()).unwrap();
        let mut said = String::new();
        let grown = match source.strip_prefix(LARGE) {
            Some(kind) => {
                let (grown, verdict) = check_large(kind);
                said = verdict;
                grown
            }
            None => growth(|| said = attempt(&source)),
        };
        writeln!(out, "done {grown} {said:?}").unwrap();
        out.flush().unwrap();
    }
}

/// Tries files in another process, and panics with the one that it did not survive.
fn try_all(sources: impl Iterator<Item = String>) -> Vec<String> {
    try_within(MEMORY, sources)
}

/// The same with another bound of the memory, in kB.
fn try_within(most: u64, sources: impl Iterator<Item = String>) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bounds::child", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let next = |prefix: &str| loop {
        match told.recv_timeout(PATIENCE) {
            Ok(line) => {
                if let Some(rest) = line.strip_prefix(prefix) {
                    let (memory, said) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
                    return Ok((memory.parse::<u64>().unwrap(), said.to_owned()));
                }
            }
            Err(error) => return Err(error),
        }
    };
    next("ready").unwrap();
    let mut said = Vec::new();
    for source in sources {
        let line = serde_json::Value::from(&*source).to_string();
        let sent = writeln!(input, "{line}");
        let answer = sent.ok().map(|()| next("done"));
        let Some(Ok((memory, verdict))) = answer else {
            let _ = child.kill();
            let head: String = source.chars().take(2_000).collect();
            panic!("{answer:?}: this was not survived:\n{head}");
        };
        // what it had at most stays, so the first that needs more is the one that is named
        let head: String = source.chars().take(600).collect();
        assert!(memory < most, "{memory} kB more:\n{head}");
        if source.starts_with(LARGE) {
            println!("{source}: {memory} kB more: {verdict}");
        }
        said.push(verdict);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    said
}

#[test]
fn no_template_of_a_known_kind_kills_or_hangs() {
    let cases = cases();
    try_all(cases.into_iter());
}

#[test]
fn the_values_of_a_large_body_have_a_bound_and_it_is_said_when_it_is_met() {
    have_a_bound(
        &["numbers", "objects", "deep lists"],
        &["one escaped string"],
    );
}

mod soak {
    #[test]
    #[ignore = "a minute: make soak"]
    fn the_values_of_large_bodies_of_every_kind_have_a_bound() {
        let too_large = [
            "numbers",
            "floats",
            "lists",
            "lists of one",
            "objects",
            "small objects",
            "one object",
            "strings",
            "deep lists",
        ];
        let read = [
            "one string",
            "one escaped string",
            "longer strings",
            "large numbers",
        ];
        super::have_a_bound(&too_large, &read);
    }
}

/// Bodies whose values are too large, and others that can be read.
fn have_a_bound(too_large: &[&str], read: &[&str]) {
    let said = try_within(
        VALUES,
        too_large.iter().map(|kind| format!("{LARGE}{kind}")),
    );
    for (kind, said) in too_large.iter().zip(said) {
        assert!(
            said.contains("the body's values take too much memory"),
            "{kind}: {said}"
        );
    }
    let said = try_within(VALUES, read.iter().map(|kind| format!("{LARGE}{kind}")));
    for (kind, said) in read.iter().zip(said) {
        // they pass the check, and are too large to be captured
        assert!(said.contains("makes too much text"), "{kind}: {said}");
    }
}

/// Expressions from a small grammar, nested as a person or a machine would.
#[expect(clippy::too_many_lines, reason = "it is data")]
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "0",
        "-3",
        "2.5",
        "100000",
        "1000000000",
        "'a'",
        "'%99999s'",
        "'a b c'",
        "true",
        "none",
        "[]",
        "[1,2]",
        "{'a': 1}",
        "()",
        "user",
        "host",
        "a",
        "b",
        "x",
        "range(9999)",
        "range(100000)",
        "json",
        "body",
        "status",
        "pick('p')",
        "loop",
    ])
    .prop_map(str::to_owned);
    let operators = vec![
        "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", "in", "not in", "and",
        "or", "if",
    ];
    let filters = vec![
        "length",
        "list",
        "string",
        "join('xx')",
        "sort",
        "unique|list",
        "reverse",
        "tojson",
        "tojson(indent=3)",
        "batch(3)",
        "batch(2, 'x')|list",
        "slice(3)|list",
        "first",
        "last",
        "sum",
        "max",
        "min",
        "upper",
        "title",
        "replace('a', 'bb')",
        "indent(50)",
        "urlencode",
        "int",
        "float",
        "abs",
        "round(3)",
        "items|list",
        "dictsort",
        "map('string')|list",
        "map('length')",
        "select('in', [1,2])|list",
        "groupby('a')",
        "zip([1])",
        "chain([1])",
        "split",
        "lines",
        "pprint",
        "format(1, 2)",
        "default(1)",
        "attr('a')",
        "trim",
        "bool",
        "escape",
        "metric('a', default=1)",
        "capitalize",
        "select|list",
        "reject('odd')|list",
        "selectattr('a', 'eq', 1)|list",
        "map(attribute='a', default=[])|list",
        "count",
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        let filters = prop::sample::select(filters.clone());
        let operators = prop::sample::select(operators.clone());
        prop_oneof![
            3 => (inner.clone(), operators, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            3 => (inner.clone(), filters).prop_map(|(a, filter)| format!("({a})|{filter}")),
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(|all| format!("[{}]", all.join(", "))),
            1 => prop::collection::vec(inner.clone(), 1..3).prop_map(|all| format!("({},)", all.join(", "))),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a}: {b}}}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}:]")),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            1 => inner.clone().prop_map(|a| format!("not {a}")),
            1 => inner.clone().prop_map(|a| format!("(-{a})")),
            1 => inner.prop_map(|a| format!("choice({a})")),
        ]
    })
}

/// Templates of blocks around such expressions.
fn template() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        expression().prop_map(|value| format!("{{{{ {value} }}}}")),
        expression().prop_map(|value| format!("{{% set a = {value} %}}")),
        expression().prop_map(|value| format!("{{% set b = {value} %}}")),
        Just("text { ".to_owned()),
        Just("{% raw %}{{ a }}{% endraw %}".to_owned()),
    ];
    let body = leaf.prop_recursive(5, 30, 4, |inner| {
        let several = prop::collection::vec(inner, 1..4).prop_map(|all| all.concat());
        prop_oneof![
            several.clone(),
            (expression(), several.clone())
                .prop_map(|(over, body)| format!("{{% for x in {over} %}}{body}{{% endfor %}}")),
            several
                .clone()
                .prop_map(|body| format!("{{% for x in range(99999) %}}{body}{{% endfor %}}")),
            (expression(), several.clone()).prop_map(|(test, body)| format!(
                "{{% if {test} %}}{body}{{% else %}}{body}{{% endif %}}"
            )),
            several
                .clone()
                .prop_map(|body| format!("{{% set a %}}{body}{{% endset %}}")),
            several.prop_map(|body| format!("{{% filter upper %}}{body}{{% endfilter %}}")),
        ]
    });
    body.prop_map(|body| {
        format!("{{% set a = [1, 2] %}}{{% set b = 'b' %}}{{% set x = 1 %}}{body}")
    })
}

fn fuzz(count: usize, seed: u64) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = template();
    let made = (0..count).map(|number| {
        let template = strategy.new_tree(&mut runner).unwrap().current();
        let template = template.replace(
            "loop",
            if number % 2 == 0 {
                "loop.index"
            } else {
                "user"
            },
        );
        let text = serde_json::Value::from(&*template).to_string();
        let field = ["body={}", "expect='false'\nfailure={}", "headers.X={}"][number % 3];
        let field = field.replace("{}", &text);
        one_request("pools.p = ['a', 3]", &format!("path='/'\n{field}"))
    });
    let said = try_all(made);
    let ran = said
        .iter()
        .filter(|said| said.starts_with("\"runs"))
        .count();
    println!("{count} templates of seed {seed}: {ran} can run");
}

#[test]
fn no_template_of_a_grammar_kills_or_hangs() {
    fuzz(1_000, 1);
}

/// `CICADA_FUZZ_SEED=7 CICADA_FUZZ_COUNT=1000000 cargo test -p traffic --release --test it bounds::fuzz_templates -- --ignored --nocapture`
#[test]
#[ignore = "takes as long as it is told to"]
fn fuzz_templates() {
    let number = |name: &str, default| {
        let set = std::env::var(name).ok();
        set.and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    fuzz(
        number("CICADA_FUZZ_COUNT", 100_000) as usize,
        number("CICADA_FUZZ_SEED", 1),
    );
}
