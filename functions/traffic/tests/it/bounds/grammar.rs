//! Templates from a grammar, as many as one likes.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{one_request, try_all};

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

/// `CICADA_FUZZ_SEED=7 CICADA_FUZZ_COUNT=1000000 cargo test -p traffic --release --test it bounds::grammar::fuzz_templates -- --ignored --nocapture`
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
