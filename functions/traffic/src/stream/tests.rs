//! Events are found whatever pieces they come in, and cost no memory that grows with the stream.

use proptest::prelude::*;

use super::*;

fn rules(format: StreamFormat, tokens: Option<TokenRule>) -> Arc<StreamRules> {
    Arc::new(StreamRules { format, tokens })
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What a stream is read as whose pieces come a millisecond apart; the last event is its body.
fn read(
    format: StreamFormat,
    tokens: Option<TokenRule>,
    pieces: &[impl AsRef<[u8]>],
) -> (Streamed, String) {
    let mut reader = EventReader::new(&rules(format, tokens), true);
    for (number, piece) in pieces.iter().enumerate() {
        reader.push(piece.as_ref(), ms(10 + number as u64));
    }
    let (streamed, last) = reader.finish(ms(5));
    (streamed, String::from_utf8(last).unwrap())
}

fn sse(text: &str) -> (u64, String) {
    let (streamed, last) = read(StreamFormat::Sse, None, &[text]);
    (streamed.events, last)
}

#[test]
fn an_event_stream_is_read_by_its_standard() {
    for (stream, events, last) in [
        ("data: a\n\n", 1, "a"),
        ("data:a\n\ndata:  b\n\n", 2, " b"),
        ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", 3, "c"),
        ("\u{feff}data: a\n\n", 1, "a"),
        // only before the first line
        ("\n\u{feff}data: a\n\n", 0, ""),
        (": a comment\n\n: another\ndata: a\n\n", 1, "a"),
        ("data: a\ndata:\ndata: b\n\n", 1, "a\n\nb"),
        ("event: x\nid: 1\nretry: 10\n\n", 0, ""),
        ("event: x\ndata: {\"a\": 1}\nid: 1\n\n", 1, "{\"a\": 1}"),
        // an empty event is one
        ("data\n\ndata:\n\n", 2, ""),
        ("dataset: a\n\n Data: b\n\n", 0, ""),
        // nothing has ended the last one
        ("data: a\n\ndata: b\n", 1, "a"),
        ("data: a\n\ndata: [DONE]\n\n", 1, "a"),
        ("", 0, ""),
    ] {
        assert_eq!(sse(stream), (events, last.to_owned()), "{stream:?}");
    }
}

#[test]
fn lines_of_json_are_events_and_the_last_one_needs_no_end() {
    let (streamed, last) = read(
        StreamFormat::Ndjson,
        None,
        &["{\"a\":1}\r\n\n \n{\"a\"", ":2}"],
    );
    assert_eq!((streamed.events, &*last), (2, "{\"a\":2}"));
    assert_eq!((streamed.first_event, streamed.span), (Some(ms(10)), ms(1)));
}

proptest! {
    #[test]
    fn a_stream_is_the_same_in_whatever_pieces_it_comes(
        lines in prop::collection::vec("(data: ?[a-c:é]{0,4}|: c|id: 1|)", 0..30),
        ends in prop::collection::vec(prop_oneof![Just("\n"), Just("\r\n")], 30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let text: String = lines.iter().zip(ends).flat_map(|(line, end)| [line.as_str(), end]).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut begin = 0;
        for cut in cuts.into_iter().chain([text.len()]) {
            pieces.push(&text.as_bytes()[begin..cut]);
            begin = cut;
        }
        let (streamed, last) = read(StreamFormat::Sse, None, &pieces);
        prop_assert_eq!((streamed.events, last), sse(&text));
    }
}

#[test]
fn times_are_those_of_the_pieces_that_end_events() {
    let pieces = [
        "data: a",
        "\n\n",
        ": ping\n\n",
        "data: b\n\ndata: c\n\n",
        "\n",
    ];
    let (streamed, _) = read(StreamFormat::Sse, None, &pieces);
    assert_eq!(streamed.first_byte, ms(5));
    assert_eq!(streamed.first_event, Some(ms(11)));
    assert_eq!((streamed.events, streamed.span), (3, ms(2)));
    assert_eq!(streamed.inter_token_latency(), Some(ms(1)));
    let (one, _) = read(StreamFormat::Sse, None, &["data: a\n\n"]);
    assert_eq!(one.inter_token_latency(), None);
}

#[test]
fn of_an_event_the_beginning_is_kept_however_long_it_is() {
    let long = |ends: &[u8], format| {
        let mut reader = EventReader::new(&rules(format, None), true);
        reader.push(b"data: ", ms(1));
        for _ in 0..100 {
            reader.push(&[b'x'; 10_000], ms(1));
            if let Splitter::Ndjson(lines) = &reader.splitter {
                assert!(lines.unended().len() <= MAX_EVENT);
            }
        }
        reader.push(ends, ms(2));
        reader.finish(ms(1))
    };
    let (streamed, last) = long(b"\n\n", StreamFormat::Sse);
    assert_eq!((streamed.events, last.len()), (1, MAX_EVENT - 6));
    let (streamed, last) = long(b"\ndata: y\ndata: z\n\n", StreamFormat::Sse);
    assert_eq!((streamed.events, last.len()), (1, MAX_EVENT - 2));
    let (streamed, last) = long(b"", StreamFormat::Ndjson);
    assert_eq!((streamed.events, last.len()), (1, MAX_EVENT));
}

#[test]
fn openai_says_its_tokens_and_only_pieces_of_the_answer_count() {
    let chunk = |delta: &str| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":40}}\n\n";
    let pieces = [
        chunk("{\"role\":\"assistant\",\"content\":\"\"}"),
        chunk("{\"content\":\"Hel\"}"),
        chunk("{\"content\":\"lo\"}"),
        chunk("{}"),
        usage.to_owned(),
        "data: [DONE]\n\n".to_owned(),
    ];
    let (streamed, last) = read(StreamFormat::Sse, Some(TokenRule::OpenAi), &pieces);
    assert_eq!((streamed.first_event, streamed.events), (Some(ms(11)), 2));
    assert_eq!(
        (streamed.input_tokens, streamed.output_tokens),
        (Some(9), Some(40))
    );
    assert!(last.contains("usage"), "{last}");
    // without usage, each piece is a token
    let (streamed, _) = read(StreamFormat::Sse, Some(TokenRule::OpenAi), &pieces[..4]);
    assert_eq!(
        (streamed.input_tokens, streamed.output_tokens),
        (None, Some(2))
    );
}

#[test]
fn openais_responses_have_events_of_types() {
    let pieces = [
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n",
        "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
    ];
    let (streamed, _) = read(StreamFormat::Sse, Some(TokenRule::OpenAi), &pieces);
    assert_eq!(
        (
            streamed.events,
            streamed.input_tokens,
            streamed.output_tokens
        ),
        (1, Some(3), Some(1))
    );
}

#[test]
fn ollama_counts_in_its_last_line() {
    let pieces = [
        "{\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n",
        "{\"message\":{\"content\":\"lo\"},\"done\":false}\n",
        "{\"message\":{\"content\":\"\"},\"done\":true,\"prompt_eval_count\":26,\"eval_count\":12}\n",
    ];
    let (streamed, last) = read(StreamFormat::Ndjson, Some(TokenRule::Ollama), &pieces);
    assert_eq!((streamed.events, streamed.span), (2, ms(1)));
    assert_eq!(
        (streamed.input_tokens, streamed.output_tokens),
        (Some(26), Some(12))
    );
    assert!(last.contains("\"done\":true"), "{last}");
}

#[test]
fn a_path_finds_what_the_last_event_that_has_it_says() {
    let rule = TokenRule::Paths {
        input: None,
        output: JsonPath::parse("json.meta[0].tokens"),
    };
    let pieces = [
        "data: {\"meta\":[{\"tokens\":1}]}\n\n",
        "data: {\"meta\":[{\"tokens\":7}]}\n\n",
        "data: {\"tokens\":99}\n\ndata: no JSON with tokens\n\n",
    ];
    let (streamed, _) = read(StreamFormat::Sse, Some(rule), &pieces);
    assert_eq!((streamed.events, streamed.output_tokens), (4, Some(7)));
    for text in [
        "json",
        "usage.tokens",
        "json.",
        "json..a",
        "json[a]",
        "json[0",
        "json.a b",
    ] {
        assert_eq!(JsonPath::parse(text), None, "{text}");
    }
}
