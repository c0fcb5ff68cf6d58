//! Values are those of requests' `.json()`, asked in Python, for texts written here and for random ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, context};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::*;

fn read(text: &str) -> Result<Value, NotJson> {
    super::read(text, &MemoryShare::default())
}

/// A response: its Content-Type and its body.
type Case = (Option<&'static str>, Vec<u8>);

/// The same form as in `tests/oracle/response_json.py`.
fn form(value: &Value) -> String {
    match value.kind() {
        ValueKind::None => "None".into(),
        ValueKind::Bool if value.is_true() => "True".into(),
        ValueKind::Bool => "False".into(),
        ValueKind::Number if value.is_integer() => format!("int {value}"),
        ValueKind::Number => {
            let float = f64::try_from(value.clone()).unwrap();
            match float.is_nan() {
                true => "float nan".into(),
                false => format!("float {:016x}", float.to_bits()),
            }
        }
        ValueKind::Plain => format!("int {value}"),
        ValueKind::String => format!("str {}", value.as_str().unwrap()),
        ValueKind::Seq => {
            let elements: Vec<_> = value.try_iter().unwrap().map(|it| form(&it)).collect();
            format!("[{}]", elements.join(", "))
        }
        _ => {
            let pair = |key: Value| format!("{key}: {}", form(&value.get_item(&key).unwrap()));
            let pairs: Vec<_> = value.try_iter().unwrap().map(pair).collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn ours((content_type, body): &Case) -> Option<String> {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let value = read(&json_text(&headers, body)).ok()?;
    Some(form(&value))
}

fn of_requests(cases: &[Case]) -> Vec<Option<String>> {
    let question = |(content_type, body): &Case| json!([content_type, STANDARD.encode(body)]);
    let questions: serde_json::Value = cases.iter().map(question).collect();
    testing::tools::ask("response_json.py", &questions)
}

fn assert_equal(cases: &[Case]) {
    let answers = of_requests(cases);
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(answers) {
        let text = String::from_utf8_lossy(&case.1);
        assert_eq!(ours(case), answer, "{:?} {text:.200}", case.0);
    }
}

fn json_case(body: impl Into<Vec<u8>>) -> Case {
    (Some("application/json"), body.into())
}

/// Texts at the edges of the grammar, good and bad.
const TEXTS: &[&str] = &[
    // words
    "null",
    "true",
    "false",
    "NaN",
    "Infinity",
    "-Infinity",
    "+Infinity",
    "-NaN",
    "nan",
    "inf",
    "None",
    "True",
    "nul",
    "nulll",
    "[NaN,Infinity,-Infinity]",
    r#"{"a":NaN,"b":-Infinity}"#,
    "-Inf",
    "Infinit",
    // numbers
    "0",
    "-0",
    "-0.0",
    "0.0",
    "00",
    "01",
    "-01",
    "1.",
    ".5",
    "1.e1",
    "1e",
    "1e+",
    "1e+5",
    "1E-5",
    "1e5",
    "1.5e300",
    "1e400",
    "-1e400",
    "1e-400",
    "-",
    "--1",
    "+1",
    "0x10",
    "1_000",
    "0e0",
    "1.0e+00",
    "5e-324",
    "2.2250738585072011e-308",
    "0.1",
    "123456789.123456789",
    "9007199254740993",
    "[1.5.5]",
    "[-]",
    "[1,-]",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
    "170141183460469231731687303715884105727",
    "170141183460469231731687303715884105728",
    "-170141183460469231731687303715884105729",
    "340282366920938463463374607431768211456",
    "1234567890123456789012345678901234567890123456789012345678901234567890",
    // strings
    r#""""#,
    r#""a"#,
    r#"a""#,
    r#""\ud800""#,
    r#""\udc00""#,
    r#""\ud83d\ude00""#,
    r#""\ude00\ud83d""#,
    r#""\ud800\ud800\udc00""#,
    r#""\ud800x""#,
    r#""\ud800\n""#,
    r#""\ud800\u""#,
    r#""\ud800\u00""#,
    r#""\uD83D\uDE00\uFFFF\u0000""#,
    r#""\u12""#,
    r#""\u 123""#,
    r#""\u+123""#,
    r#""\u12g4""#,
    r#""\"\\\/\b\f\n\r\t""#,
    r#""\x41""#,
    r#""\a""#,
    r#""\'""#,
    r#""\"#,
    r#""\""#,
    "\"\t\"",
    "\"\n\"",
    "\"\u{0}\"",
    "\"\u{7f}\u{80}\u{2028}\u{feff}\"",
    "\"äöü € 😀\"",
    "'a'",
    r#""\u00e4""#,
    r#""\ud800"  "#,
    // white space
    " \t\r\n1 \t\r\n",
    "\u{b}1",
    "\u{c}1",
    "\u{a0}1",
    "1\u{a0}",
    "\u{2028}1",
    "",
    " ",
    "\u{feff}1",
    "1\u{0}",
    // lists and objects
    "[]",
    "[ ]",
    "[,]",
    "[1,]",
    "[1 2]",
    "[1",
    "]",
    "[[]]",
    "[[],{},[{}]]",
    "[1,2,3]",
    "[1;2]",
    "[\n1\n,\n2\n]",
    "{}",
    "{ }",
    "{,}",
    r#"{"a":1}"#,
    r#"{"a":1,}"#,
    r#"{"a" : 1 , "b" : [ ] }"#,
    r#"{"a"}"#,
    r#"{"a":}"#,
    r#"{a:1}"#,
    r#"{1:1}"#,
    r#"{"a":1 "b":2}"#,
    r#"{"a":1,"a":2}"#,
    r#"{"a":1,"b":2,"a":{"c":3,"c":4}}"#,
    r#"{"":0}"#,
    r#"{"\ud800":1,"\ud801":2}"#,
    r#"{"b":1,"a":2}"#,
    "{} {}",
    "[] 1",
    "{\"a\":1}}",
    "[1]]",
    "// no\n1",
    "[1] # no",
    "/* no */ 1",
    "[1,/**/2]",
    r#"{"a":[1,{"b":[null,true,"x"]}]}"#,
];

#[test]
fn texts_at_the_edges_of_the_grammar_are_what_requests_makes_of_them() {
    let mut cases: Vec<Case> = TEXTS.iter().map(|text| json_case(*text)).collect();
    cases.extend(
        TEXTS
            .iter()
            .map(|text| json_case(format!("[{text}, {text}]"))),
    );
    // requests guesses the encoding of fewer than four bytes by how often letters come
    let guessed = TEXTS.iter().filter(|text| text.len() > 3);
    cases.extend(guessed.map(|text| (None, text.as_bytes().to_vec())));
    let long = |digits: usize| "7".repeat(digits);
    cases.extend([4_300, 4_301, 10_000].map(|digits| json_case(long(digits))));
    cases.extend([4_301].map(|digits| json_case(format!("-{}.5e1", long(digits)))));
    // Python's own frames take some of its levels
    for (open, close, levels) in [
        ("[", "]", 1),
        (r#"{"a":"#, "}", 1),
        (r#"[{"a":["#, "]}]", 3),
    ] {
        for depth in [1, 300, 900, 1_100, 5_000, 100_000] {
            let times = depth / levels;
            cases.push(json_case(format!(
                "{}1{}",
                open.repeat(times),
                close.repeat(times)
            )));
        }
        cases.push(json_case(open.repeat(100_000)));
    }
    assert_equal(&cases);
}

#[test]
fn bytes_are_the_text_that_requests_takes_them_for() {
    let text = r#"{"name": "Grüße €", "ok": true}"#;
    let utf16 =
        |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let utf32 = |order: fn(u32) -> [u8; 4]| {
        text.chars()
            .flat_map(|c| order(c as u32))
            .collect::<Vec<u8>>()
    };
    let marked = |mark: &[u8], body: Vec<u8>| [mark, &body].concat();
    let bodies = [
        text.as_bytes().to_vec(),
        marked(b"\xef\xbb\xbf", text.into()),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        marked(b"\xff\xfe", utf16(u16::to_le_bytes)),
        marked(b"\xfe\xff", utf16(u16::to_be_bytes)),
        utf32(u32::to_le_bytes),
        utf32(u32::to_be_bytes),
        marked(b"\xff\xfe\0\0", utf32(u32::to_le_bytes)),
        marked(b"\0\0\xfe\xff", utf32(u32::to_be_bytes)),
        b"[\"\x80\x81\x8d\x9f\xa0\xff\"]".to_vec(),
        b"[\"\xed\xa0\x80 \xf0\x9f\x98 \xc0\xaf \xe2\x82\"]".to_vec(),
    ];
    let declared = [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json; charset=",
        "application/json; charset=utf-8-sig",
        "application/json; charset=ISO-8859-1",
        "application/json; Charset=latin_1",
        "application/json; charset=windows-1252",
        "application/json; charset=us-ascii",
        "application/json; charset=utf-16",
        "application/json; charset=UTF-16LE",
        "application/json; charset=utf_16_be",
        "application/json; charset=utf-32",
        "application/json; charset=utf-32-le",
        "application/json; charset=UTF-32BE",
        "application/json; charset=no-such-thing",
        "text/plain; charset=utf-8",
        "a/b; x=1; charset='utf-8'; y",
    ];
    let mut cases = Vec::new();
    for body in &bodies {
        cases.extend(declared.map(|content_type| (Some(content_type), body.clone())));
    }
    // what nothing is said of and is no Unicode, requests guesses by how often letters come
    for body in &bodies[..10] {
        cases.push((None, body.clone()));
        cases.push((Some("application/octet-stream"), body.clone()));
        cases.push((Some("application/problem+json"), body.clone()));
    }
    cases.push((Some("text/html"), b"[\"\xe4\xff\"]".to_vec()));
    assert_equal(&cases);
}

#[test]
fn a_text_of_no_charset_is_utf_8_where_requests_would_take_it_for_latin_1() {
    let case: Case = (Some("text/html"), "[\"ü\"]".into());
    assert_eq!(ours(&case).as_deref(), Some("[str ü]"));
    assert_eq!(of_requests(&[case])[0].as_deref(), Some("[str Ã¼]"));
}

/// Texts that are JSON, nearly JSON, or made of its characters.
fn texts() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("-Infinity".to_owned()),
        Just("NaN".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter_map("finite", |number| number
            .is_finite()
            .then(|| format!("{number:e}"))),
        "-?[0-9]{1,60}(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?",
        any::<String>().prop_map(|text| json!(text).to_string()),
        "(\\\\u[dD][89abcdefABCDEF][0-9a-f]{2}|[a-z]|\\\\n){0,6}"
            .prop_map(|text| format!("\"{text}\"")),
    ];
    let document = scalar.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(|list| format!("[{}]", list.join(" ,"))),
            prop::collection::vec(("[a-c]{0,1}", inner), 0..6).prop_map(|pairs| {
                let pairs: Vec<_> = pairs.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect();
                format!("{{{}}}", pairs.join(", "))
            }),
        ]
    });
    let broken = (
        document.clone(),
        any::<prop::sample::Index>(),
        any::<char>(),
    )
        .prop_map(|(text, place, character)| {
            let mut characters: Vec<char> = text.chars().collect();
            let place = place.index(characters.len());
            characters[place] = character;
            characters.into_iter().collect()
        });
    prop_oneof![4 => document, 2 => broken, 1 => "[\\[\\]{}\",:0-9eE.+\\-\\\\untrl \n]{0,20}"]
}

#[test]
fn for_every_text_the_value_is_that_of_requests() {
    let mut runner = TestRunner::default();
    let strategy = texts();
    let mut text = || strategy.new_tree(&mut runner).unwrap().current();
    let cases: Vec<Case> = (0..4_000).map(|_| json_case(text())).collect();
    let good = cases.iter().filter(|case| ours(case).is_some()).count();
    assert!(good > 1_000 && good < 4_000, "{good} of 4,000 are JSON");
    assert_equal(&cases);
}

#[test]
fn the_deepest_value_is_used_on_the_stack_of_a_runtimes_worker() {
    // tokio's workers have 2 MiB; a quarter is left for what is above
    let use_it = || {
        let text = format!(
            "{}{}",
            r#"[{"a":"#.repeat(MAX_DEPTH / 2),
            "1".to_owned() + &"}]".repeat(MAX_DEPTH / 2)
        );
        let (value, other) = (read(&text).unwrap(), read(&text).unwrap());
        assert!(value == other);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        let program = "{{ v }}{{ v | tojson }}{{ v == w }}{{ v < w }}{{ v | string | length }}{{ [v, w] | sort | length }}\
             {{ [v, w] | unique | list | length }}{{ v in [w] }}{{ v is none }}";
        let rendered = environment.render_str(program, context!(v => value, w => other));
        let rendered = rendered.unwrap();
        assert!(rendered.len() > 2 * text.len(), "{rendered:.200}");
        assert_eq!(read(&format!("[{text}]")).unwrap_err(), NotJson::TooDeep);
    };
    let thread = std::thread::Builder::new().stack_size(1536 * 1024);
    thread.spawn(use_it).unwrap().join().unwrap();
}

#[test]
fn integers_of_any_length_keep_their_digits_and_their_order() {
    let long = "9".repeat(60);
    let value = read(&format!("[{long}, -{long}, 1{long}, -1{long}, {long}]")).unwrap();
    let value = |index: usize| value.get_item(&Value::from(index)).unwrap();
    assert_eq!(value(1).to_string(), format!("-{long}"));
    assert_eq!(value(0), value(4));
    assert_ne!(value(0), value(2));
    assert!(value(3) < value(1) && value(1) < value(0) && value(0) < value(2));
    assert!(value(0) > Value::from(u64::MAX));
}

#[test]
fn what_is_no_json_says_why() {
    let why = |text: &str| read(text).unwrap_err().to_string();
    assert_eq!(why("<html>"), "the body is not JSON");
    assert_eq!(
        why(&"[".repeat(1_001)),
        "the body is JSON that is nested more than 1000 levels deep"
    );
    assert_eq!(
        why(&"1".repeat(4_301)),
        "the body is JSON with an integer of more than 4300 digits"
    );
}
