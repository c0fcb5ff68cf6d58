//! Files that took the process down, or more than their share, and their siblings.

use super::one_request;

pub(super) fn times(piece: &str, count: usize) -> String {
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
pub(super) fn cases() -> Vec<String> {
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
