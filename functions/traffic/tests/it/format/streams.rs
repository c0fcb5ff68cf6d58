//! Streams: how a workload says them, and what its expectations know of them.

use std::time::Duration;

use traffic::record::Streamed;
use traffic::stream::{JsonPath, StreamFormat, TokenRule};
use traffic::workload::{Response, Step, Workload};

use super::super::{failed, judge, mistakes, one_request, parse, response};
use super::Verdict;

fn first_step(workload: &Workload) -> &Step {
    &workload.classes()[0].tasks()[0].steps()[0]
}

/// What is wrong with a request of these keys.
fn wrong(keys: &str) -> String {
    mistakes(&one_request(
        "models.a.name = 'm'",
        &format!("path = '/'\n{keys}"),
    ))
}

#[test]
fn a_request_says_how_its_stream_is_read() {
    let path = |text: &str| JsonPath::parse(text);
    for (keys, format, tokens) in [
        ("stream = 'sse'", StreamFormat::Sse, None),
        (
            "stream = 'sse'\ntokens = 'openai'",
            StreamFormat::Sse,
            Some(TokenRule::OpenAi),
        ),
        (
            "stream = 'ndjson'\ntokens = 'ollama'",
            StreamFormat::Ndjson,
            Some(TokenRule::Ollama),
        ),
        (
            "stream = 'sse'\ntokens = 'deltas'",
            StreamFormat::Sse,
            Some(TokenRule::Deltas),
        ),
        (
            "stream = 'sse'\ntokens = 'json.usage.completion_tokens'",
            StreamFormat::Sse,
            Some(TokenRule::Paths {
                input: None,
                output: path("json.usage.completion_tokens"),
            }),
        ),
        (
            "stream = 'sse'\ntokens = { input = 'json.in', output = 'json.out[0]' }",
            StreamFormat::Sse,
            Some(TokenRule::Paths {
                input: path("json.in"),
                output: path("json.out[0]"),
            }),
        ),
    ] {
        let workload = parse(&one_request("", &format!("path = '/'\n{keys}")));
        let rules = first_step(&workload).stream.as_ref().unwrap();
        assert_eq!((rules.format, &rules.tokens), (format, &tokens), "{keys}");
    }
    let plain = parse(&one_request("", "path = '/'"));
    assert!(first_step(&plain).stream.is_none());
}

#[test]
fn a_request_names_its_model_and_a_model_its_prices() {
    let models = "[models.a]\nname = 'mistral:7b-instruct'\ninput_price = 0.25\noutput_price = 2\n[models.free]\n";
    let request = "path = '/'\nname = 'Chat'\nmodel = 'a'";
    let workload = parse(&one_request(models, request));
    let model = workload.model_of("Chat", "GET").unwrap();
    assert_eq!((model.key(), model.name()), ("a", "mistral:7b-instruct"));
    assert_eq!(model.price(4_000_000, 500_000), Some(2.0));
    assert_eq!(workload.models()[1].name(), "free");
    assert_eq!(workload.models()[1].price(1, 1), None);
    assert!(workload.model_of("Chat", "POST").is_none());
    assert!(!workload.has_streams("Chat", "GET"));
}

#[test]
fn mistakes_in_streams_say_what_to_write() {
    for (keys, expected) in [
        (
            "stream = 'websocket'",
            "`stream` is \"websocket\": write \"sse\" (server-sent events) or \"ndjson\"",
        ),
        ("tokens = 'openai'", "`tokens`: add `stream`, \"sse\""),
        (
            "stream = 'sse'\ntokens = 'usage'",
            "`tokens` is \"usage\": write \"openai\", \"ollama\", \"deltas\"",
        ),
        (
            "stream = 'sse'\ntokens = {}",
            "`tokens` is a table: write \"openai\"",
        ),
        (
            "stream = 'sse'\ntokens = { inputs = 'json.a' }",
            "`tokens` is a table: write \"openai\"",
        ),
        ("model = 'b'", "unknown model `b`"),
        (
            "expect = 'events > 3'",
            "`events` is a figure of a stream: add `stream`",
        ),
        (
            "failure = '{{ first_event_ms }} ms'",
            "`first_event_ms` is a figure of a stream",
        ),
        (
            "capture = { n = 'tokens' }",
            "`tokens` is a figure of a stream",
        ),
    ] {
        let said = wrong(keys);
        assert!(said.contains(expected), "{keys}: {said}");
    }
    let priced = |price: &str| {
        mistakes(&one_request(
            &format!("models.a.input_price = {price}"),
            "path = '/'",
        ))
    };
    for price in ["-1", "'free'", "inf"] {
        assert!(
            priced(price).contains("the price of a million tokens"),
            "{price}"
        );
    }
    let short = "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\nexpect = 'events > 0'\ntask.t.request = 'GET /'";
    assert!(mistakes(short).contains("`events` is a figure of a stream"));
}

#[test]
fn an_expectation_knows_when_a_response_began_and_what_its_stream_was() {
    let keys = "path = '/'\nstream = 'sse'\n\
        expect = 'first_byte_ms < 50 and first_event_ms < 300 and events == 10 and tokens == 12 and json.done'";
    let workload = parse(&one_request("", keys));
    assert!(first_step(&workload).needs_body());
    let streamed = Streamed {
        first_event: Some(Duration::from_millis(250)),
        events: 10,
        output_tokens: Some(12),
        ..Streamed::default()
    };
    let good = Response {
        first_byte: Duration::from_millis(40),
        streamed: Some(streamed),
        ..response(200, "{\"done\": true}")
    };
    let late = Response {
        first_byte: Duration::from_millis(60),
        ..good.clone()
    };
    assert_eq!(judge(&workload, good).unwrap(), Verdict::Pass);
    assert!(matches!(judge(&workload, late).unwrap(), Verdict::Fail(_)));
    let keys = "path = '/'\nstream = 'sse'\nstatus = 'any'\nexpect = 'first_event_ms is not none'\nfailure = '{{ events }} events'";
    let none = judge(&parse(&one_request("", keys)), response(500, "broken"));
    assert_eq!(none.unwrap(), failed("0 events"));
}

#[test]
fn the_example_of_a_streamed_chat_is_read() {
    let workload = parse(include_str!("../../../../../examples/chat-streamed.toml"));
    for name in ["Streamed Chat (Model A)", "Streamed Chat (Model B)"] {
        assert!(workload.has_streams(name, "POST"), "{name}");
        assert!(workload.model_of(name, "POST").is_some(), "{name}");
    }
}
