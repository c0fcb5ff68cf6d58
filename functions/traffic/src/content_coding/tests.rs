//! Bodies that Python's and Zstandard's own encoders have made are decoded whatever way they are cut, and
//! whatever is wrong with one is said.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use proptest::prelude::*;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::*;
use ::zstd;

fn headers(encoding: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !encoding.is_empty() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap());
    }
    headers
}

/// Decodes a body that comes in chunks of a size.
fn decode(encoding: &str, body: &[u8], size: usize) -> Result<(Bytes, u64), Undecodable> {
    let mut decoder = Decoder::new(&headers(encoding), true);
    for chunk in body.chunks(size) {
        decoder.push(Bytes::copy_from_slice(chunk))?;
    }
    decoder.finish()
}

fn failure(encoding: &str, body: &[u8]) -> String {
    decode(encoding, body, 1_000).unwrap_err().to_string()
}

/// Bodies in Python's encodings.
fn encoded(cases: &[(&[&str], &[u8])]) -> Vec<Vec<u8>> {
    let question = |(codings, body): &(&[&str], &[u8])| json!([codings, STANDARD.encode(body)]);
    let questions: Value = cases.iter().map(question).collect();
    let bodies: Vec<String> = testing::tools::ask("encoded_bodies.py", &questions);
    let decoded = bodies.iter().map(|body| STANDARD.decode(body).unwrap());
    decoded.collect()
}

/// A text that compresses as texts do.
fn text(length: usize) -> Vec<u8> {
    let words = (0_u64..)
        .flat_map(|number| format!("{{\"item\": {}}}\n", number * 7919 % 1013).into_bytes());
    words.take(length).collect()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| byte()).collect()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(body: &[u8], level: i32) -> Vec<u8> {
    zstd::encode_all(body, level).unwrap()
}

#[test]
fn what_python_has_encoded_is_decoded_however_it_is_cut() {
    let bodies = [
        Vec::new(),
        b"a".to_vec(),
        text(1_000),
        text(700_000),
        noise(100_000),
    ];
    let kinds: [(&str, &[&str]); 10] = [
        ("gzip", &["gzip"]),
        ("X-GZip", &["gzip"]),
        ("gzip", &["members"]),
        ("deflate", &["deflate"]),
        ("deflate", &["raw"]),
        ("br", &["br"]),
        ("gzip, br", &["gzip", "br"]),
        ("br,identity,deflate", &["br", "raw"]),
        ("deflate , , gzip", &["deflate", "members"]),
        (
            "br, gzip, br, gzip, br",
            &["br", "gzip", "br", "gzip", "br"],
        ),
    ];
    let cases: Vec<(&[&str], &[u8])> = kinds
        .iter()
        .flat_map(|(_, codings)| bodies.iter().map(|body| (*codings, body.as_slice())))
        .collect();
    let answers = encoded(&cases);
    let expected = kinds
        .iter()
        .flat_map(|(encoding, _)| bodies.iter().map(move |body| (*encoding, body)));
    for ((encoding, body), answer) in expected.zip(answers) {
        for size in [1, 7, 8_192, usize::MAX] {
            if size == 1 && body.len() > 200_000 {
                continue;
            }
            let (decoded, length) = decode(encoding, &answer, size).unwrap();
            assert_eq!(length, body.len() as u64, "{encoding} in chunks of {size}");
            assert!(decoded == *body, "{encoding} in chunks of {size}");
        }
    }
}

#[test]
fn what_zstandard_has_encoded_is_decoded_however_it_is_cut() {
    for body in [
        Vec::new(),
        b"a".to_vec(),
        text(1_000),
        text(9_000_000),
        noise(300_000),
    ] {
        for level in [1, 3, 19] {
            if level == 19 && body.len() > 1_000_000 {
                continue;
            }
            let plain = zstandard(&body, level);
            let mut summed = zstd::Encoder::new(Vec::new(), level).unwrap();
            summed.include_checksum(true).unwrap();
            summed
                .set_pledged_src_size(Some(body.len() as u64))
                .unwrap();
            summed.write_all(&body).unwrap();
            let summed = summed.finish().unwrap();
            let skipped = [&[0x5f, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"hello"].concat();
            let frames = [&skipped[..], &plain, &skipped, &summed].concat();
            for size in [1, 1_000, usize::MAX] {
                if size == 1 && body.len() > 1_000_000 {
                    continue;
                }
                let (decoded, _) = decode("zstd", &plain, size).unwrap();
                assert!(decoded == body, "{} at {level}, {size}", body.len());
                let (decoded, _) = decode("zstd", &frames, size).unwrap();
                assert!(decoded == [&body[..], &body].concat(), "{level}, {size}");
            }
            let (decoded, _) = decode("zstd, gzip", &gzipped(&plain), 1_000).unwrap();
            assert!(decoded == body);
        }
    }
}

#[test]
fn a_body_that_is_not_kept_is_counted_decoded() {
    let body = gzipped(&text(100_000));
    let mut decoder = Decoder::new(&headers("gzip"), false);
    decoder.push(body.into()).unwrap();
    assert_eq!(decoder.finish().unwrap(), (Bytes::new(), 100_000));
}

#[test]
fn what_a_target_flushes_is_passed_on_at_once() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
    let mut flushed = |event: &[u8]| {
        gzip.write_all(event).unwrap();
        gzip.flush().unwrap();
        raw.write_all(event).unwrap();
        raw.flush().unwrap();
        [
            ("gzip", std::mem::take(gzip.get_mut())),
            ("deflate", std::mem::take(raw.get_mut())),
        ]
    };
    let events: [&[u8]; 3] = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"];
    let mut decoders = ACCEPT_ENCODING_OF_STREAMS
        .split(", ")
        .map(|coding| (coding, Decoder::new(&headers(coding), false).passing_on()))
        .collect::<std::collections::HashMap<_, _>>();
    let so_far = [1, 2, 3].map(|count| events[..count].concat());
    let brotli = encoded(
        &so_far
            .each_ref()
            .map(|body| (&["flushed br"][..], &body[..])),
    );
    let mut sent = 0;
    for (event, brotli) in events.into_iter().zip(brotli) {
        let brotli = (
            "br",
            brotli[std::mem::replace(&mut sent, brotli.len())..].to_vec(),
        );
        for (coding, bytes) in flushed(event).into_iter().chain([brotli]) {
            let decoder = decoders.get_mut(coding).unwrap();
            decoder.push(Bytes::from(bytes)).unwrap();
            assert_eq!(decoder.passed(), event, "{coding}");
        }
    }
}

#[test]
fn a_body_without_a_coding_is_left_as_it_is() {
    for encoding in ["", "identity", "Identity, identity", " , "] {
        let (body, length) = decode(encoding, b"plain", 2).unwrap();
        assert_eq!((&body[..], length), (&b"plain"[..], 5));
    }
}

#[test]
fn a_response_without_a_body_is_complete_in_any_coding() {
    for encoding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "foo",
        "gzip, br",
        "a,b,c,d,e,f,g",
    ] {
        let mut decoder = Decoder::new(&headers(encoding), true);
        decoder.push(Bytes::new()).unwrap();
        assert_eq!(decoder.finish().unwrap(), (Bytes::new(), 0), "{encoding}");
    }
}

#[test]
fn a_coding_that_nobody_knows_is_named() {
    let unknown =
        |name: &str| format!("response is compressed by {name:?}, which cannot be decoded");
    assert_eq!(failure("foo", b"x"), unknown("foo"));
    assert_eq!(failure("gzip, Compress", b"x"), unknown("compress"));
    assert_eq!(failure(&"y".repeat(500), b"x"), unknown(&"y".repeat(40)));
    let mut headers = headers("gzip");
    headers.append(CONTENT_ENCODING, HeaderValue::from_static("exi"));
    let refused = Decoder::new(&headers, false)
        .push(Bytes::from_static(b"x"))
        .unwrap_err();
    assert_eq!(refused.to_string(), unknown("exi"));
    assert_eq!(
        failure("gzip, gzip, gzip, gzip, gzip, gzip", b"x"),
        "response is compressed more than 5 times over"
    );
}

#[test]
fn a_body_that_ends_too_early_is_a_failure_wherever_it_ends() {
    let body = text(3_000);
    let python = encoded(&[
        (&["gzip"], &body),
        (&["deflate"], &body),
        (&["raw"], &body),
        (&["br"], &body),
    ]);
    let mut all: Vec<(&str, Vec<u8>)> = ["gzip", "deflate", "deflate", "br"]
        .into_iter()
        .zip(python)
        .collect();
    all.push(("zstd", zstandard(&body, 3)));
    for (encoding, whole) in all {
        for end in 1..whole.len() {
            assert_eq!(
                failure(encoding, &whole[..end]),
                format!("response is compressed by {encoding:?}, and incomplete or damaged"),
                "{end} of {}",
                whole.len()
            );
        }
    }
}

#[test]
fn a_damaged_body_is_a_failure() {
    let damaged = |encoding: &str| {
        format!("response is compressed by {encoding:?}, and incomplete or damaged")
    };
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        assert_eq!(failure(encoding, b"{\"success\": true}"), damaged(encoding));
    }
    let whole = gzipped(b"text");
    for place in [whole.len() - 8, whole.len() - 4] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        assert_eq!(failure("gzip", &changed), damaged("gzip"), "{place}");
    }
    let mut summed = zstd::Encoder::new(Vec::new(), 3).unwrap();
    summed.include_checksum(true).unwrap();
    summed.write_all(b"text").unwrap();
    let mut summed = summed.finish().unwrap();
    *summed.last_mut().unwrap() ^= 1;
    assert_eq!(failure("zstd", &summed), damaged("zstd"));
    // the inner coding is the damaged one
    assert_eq!(failure("br, gzip", &gzipped(b"text")), damaged("br"));
}

#[test]
fn what_follows_the_end_of_a_stream_is_left_as_urllib3_leaves_it() {
    let body = text(3_000);
    let python = encoded(&[
        (&["gzip"], &body),
        (&["deflate"], &body),
        (&["raw"], &body),
        (&["br"], &body),
    ]);
    for (encoding, mut whole) in ["gzip", "deflate", "deflate", "br"].into_iter().zip(python) {
        whole.extend_from_slice(b"\r\n and more");
        for size in [1, usize::MAX] {
            assert_eq!(decode(encoding, &whole, size).unwrap().0, body);
        }
        whole.truncate(whole.len() - 11);
        assert_eq!(decode(encoding, &whole, usize::MAX).unwrap().0, body);
    }
}

/// Zeros in a coding, and how many bytes of it were taken before it was refused.
fn taken(encoding: &str, bomb: &[u8]) -> usize {
    let mut decoder = Decoder::new(&headers(encoding), false);
    for (number, chunk) in bomb.chunks(1_024).enumerate() {
        if let Err(error) = decoder.push(Bytes::copy_from_slice(chunk)) {
            assert_eq!(error.to_string(), "response body is longer than 64 MiB");
            return number * 1_024;
        }
    }
    assert_eq!(decoder.finish(), Err(Undecodable::TooLong), "{encoding}");
    bomb.len()
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded_to_its_end() {
    let zeros = vec![0; 16 << 20];
    // raw deflate streams can be joined where each but the last ends with a flush
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..16 {
        encoder.write_all(&zeros).unwrap();
    }
    let deflated = encoder.finish().unwrap();
    assert!(taken("deflate", &deflated) < deflated.len() / 2);
    let gzip: Vec<u8> = (0..16).flat_map(|_| gzipped(&zeros)).collect();
    assert!(taken("gzip", &gzip) < gzip.len() / 2);
    // whether it is kept or passed on
    let mut passing = Decoder::new(&headers("gzip"), false).passing_on();
    assert_eq!(passing.push(gzip.into()), Err(Undecodable::TooLong));
    let frames: Vec<u8> = (0..16).flat_map(|_| zstandard(&zeros, 1)).collect();
    assert!(taken("zstd", &frames) < frames.len() / 2);
    // a bomb within a bomb, of which little would come out
    let nested = gzipped(&frames);
    assert!(taken("zstd, gzip", &nested) <= nested.len());
    // what is exactly as long as allowed passes
    let most: Vec<u8> = (0..4).flat_map(|_| gzipped(&zeros)).collect();
    let mut decoder = Decoder::new(&headers("gzip"), false);
    decoder.push(most.into()).unwrap();
    assert_eq!(decoder.finish().unwrap().1, MAX_BODY);
}

#[test]
fn a_window_that_http_does_not_allow_is_refused_before_it_is_reserved() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.long_distance_matching(true).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(b"text").unwrap();
    assert_eq!(
        failure("zstd", &encoder.finish().unwrap()),
        "response is compressed by \"zstd\" with a window of more than 8 MiB"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn for_every_damage_there_is_a_body_or_a_failure(
        which in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        size in 1..2_000_usize,
    ) {
        static WHOLE: std::sync::OnceLock<Vec<(&str, Vec<u8>)>> = std::sync::OnceLock::new();
        let whole = WHOLE.get_or_init(|| {
            let body = text(4_000);
            let python = encoded(&[(&["deflate"], &body), (&["raw"], &body), (&["br"], &body)]);
            let mut all: Vec<_> = ["deflate", "deflate", "br"].into_iter().zip(python).collect();
            all.extend([("gzip", gzipped(&body)), ("zstd", zstandard(&body, 19))]);
            all
        });
        let (encoding, mut body) = whole[which].clone();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        match decode(encoding, &body, size) {
            Ok((body, length)) => prop_assert_eq!(body.len() as u64, length),
            Err(error) => prop_assert!(error.to_string().starts_with("response ")),
        }
    }

    #[test]
    fn for_every_body_zstandard_gives_it_back(body in prop::collection::vec(0..4_u8, 0..5_000), level in 1..8, size in 1..3_000_usize) {
        let (decoded, _) = decode("zstd", &zstandard(&body, level), size).unwrap();
        prop_assert_eq!(&decoded[..], &body[..]);
    }
}
