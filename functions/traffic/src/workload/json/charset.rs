//! The text of a response's body, by the rules of requests' `.text` and `.json()`.
//!
//! The `charset` of the Content-Type decides. Without one the bytes are UTF-8; where requests would take
//! a `text/...` for Latin-1, only bytes that are not UTF-8 are.

use std::borrow::Cow;

use reqwest::header::{CONTENT_TYPE, HeaderMap};

/// The encodings that can be read, by the names that Python's codecs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    Utf8,
    /// UTF-8 without the mark that it may begin with.
    Utf8Sig,
    Ascii,
    Latin1,
    Cp1252,
    Utf16(Option<Order>),
    Utf32(Option<Order>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// The text of a body: requests' `.text`.
pub(in crate::workload) fn text<'b>(headers: &HeaderMap, body: &'b [u8]) -> Cow<'b, str> {
    match declared(headers) {
        Declared::Charset(charset) => charset.decode(body),
        Declared::Text if std::str::from_utf8(body).is_err() => Charset::Latin1.decode(body),
        Declared::Text | Declared::Json | Declared::Nothing => Charset::Utf8.decode(body),
    }
}

/// The text that requests' `.json()` reads: where nothing is declared, UTF-16 and UTF-32 are recognised.
pub(in crate::workload) fn json_text<'b>(headers: &HeaderMap, body: &'b [u8]) -> Cow<'b, str> {
    if matches!(declared(headers), Declared::Nothing)
        && let Some(charset) = guessed(body)
        && let Some(text) = charset.decode_strictly(body)
    {
        return text;
    }
    text(headers, body)
}

/// The encoding that a Content-Type names.
enum Declared {
    Charset(Charset),
    Text,
    Json,
    Nothing,
}

fn declared(headers: &HeaderMap) -> Declared {
    let Some(content_type) = headers.get(CONTENT_TYPE) else {
        return Declared::Nothing;
    };
    let content_type = String::from_utf8_lossy(content_type.as_bytes());
    let mut parts = content_type.split(';');
    let media_type = parts.next().unwrap_or_default();
    let quotes = |c| matches!(c, '"' | '\'' | ' ');
    let mut charset = None;
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        if name.trim_matches(quotes).eq_ignore_ascii_case("charset") {
            charset = Some(value.trim_matches(quotes));
        }
    }
    match charset {
        Some("") => Declared::Nothing,
        // a name that nobody knows is no name: requests reads UTF-8 then
        Some(name) => Declared::Charset(Charset::named(name).unwrap_or(Charset::Utf8)),
        None if media_type.contains("text") => Declared::Text,
        None if media_type.contains("application/json") => Declared::Json,
        None => Declared::Nothing,
    }
}

/// The encoding that the first four bytes of a JSON text give away: a mark, or where its zeros are.
fn guessed(body: &[u8]) -> Option<Charset> {
    let sample: [u8; 4] = *body.first_chunk()?;
    Some(match sample {
        [0xff, 0xfe, 0, 0] | [0, 0, 0xfe, 0xff] => Charset::Utf32(None),
        [0xef, 0xbb, 0xbf, _] => Charset::Utf8Sig,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Charset::Utf16(None),
        [0, 0, 0, last] if last != 0 => Charset::Utf32(Some(Order::Big)),
        [first, 0, 0, 0] if first != 0 => Charset::Utf32(Some(Order::Little)),
        [0, second, 0, last] if second != 0 && last != 0 => Charset::Utf16(Some(Order::Big)),
        [first, 0, third, 0] if first != 0 && third != 0 => Charset::Utf16(Some(Order::Little)),
        _ if sample.contains(&0) => return None,
        _ => Charset::Utf8,
    })
}

impl Charset {
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace(['_', ' '], "-");
        Some(match &*name {
            "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => Self::Utf8,
            "utf-8-sig" => Self::Utf8Sig,
            "ascii" | "us-ascii" | "646" | "iso646-us" | "ansi-x3.4-1968" => Self::Ascii,
            "iso-8859-1" | "iso8859-1" | "latin-1" | "latin1" | "latin" | "l1" | "8859"
            | "cp819" => Self::Latin1,
            "windows-1252" | "cp1252" | "1252" => Self::Cp1252,
            "utf-16" | "utf16" | "u16" => Self::Utf16(None),
            "utf-16le" | "utf-16-le" => Self::Utf16(Some(Order::Little)),
            "utf-16be" | "utf-16-be" => Self::Utf16(Some(Order::Big)),
            "utf-32" | "utf32" | "u32" => Self::Utf32(None),
            "utf-32le" | "utf-32-le" => Self::Utf32(Some(Order::Little)),
            "utf-32be" | "utf-32-be" => Self::Utf32(Some(Order::Big)),
            _ => return None,
        })
    }

    /// The text, with U+FFFD for what is none.
    fn decode(self, body: &[u8]) -> Cow<'_, str> {
        let bytes = |text: fn(u8) -> char| body.iter().map(|byte| text(*byte)).collect();
        match self {
            Self::Utf8 => String::from_utf8_lossy(body),
            Self::Utf8Sig => String::from_utf8_lossy(without_mark(body)),
            Self::Ascii => Cow::Owned(bytes(|byte| match byte {
                0..0x80 => char::from(byte),
                _ => char::REPLACEMENT_CHARACTER,
            })),
            Self::Latin1 => Cow::Owned(bytes(char::from)),
            Self::Cp1252 => Cow::Owned(bytes(cp1252)),
            Self::Utf16(order) => Cow::Owned(utf16(body, order).map(replaced).collect()),
            Self::Utf32(order) => Cow::Owned(utf32(body, order).map(replaced).collect()),
        }
    }

    /// The text, or nothing if there is anything in it that is none.
    fn decode_strictly(self, body: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => std::str::from_utf8(body).ok().map(Cow::Borrowed),
            Self::Utf8Sig => std::str::from_utf8(without_mark(body))
                .ok()
                .map(Cow::Borrowed),
            Self::Utf16(order) => utf16(body, order).collect::<Option<_>>().map(Cow::Owned),
            Self::Utf32(order) => utf32(body, order).collect::<Option<_>>().map(Cow::Owned),
            Self::Ascii | Self::Latin1 | Self::Cp1252 => Some(self.decode(body)),
        }
    }
}

fn replaced(character: Option<char>) -> char {
    character.unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn utf16(body: &[u8], order: Option<Order>) -> impl Iterator<Item = Option<char>> {
    let (order, body) = match (order, body) {
        (None, [0xff, 0xfe, rest @ ..]) => (Order::Little, rest),
        (None, [0xfe, 0xff, rest @ ..]) => (Order::Big, rest),
        (order, _) => (order.unwrap_or(Order::Little), body),
    };
    let (pairs, rest) = body.as_chunks::<2>();
    let units = pairs.iter().map(move |pair| match order {
        Order::Little => u16::from_le_bytes(*pair),
        Order::Big => u16::from_be_bytes(*pair),
    });
    let characters = char::decode_utf16(units).map(Result::ok);
    characters.chain((!rest.is_empty()).then_some(None))
}

fn utf32(body: &[u8], order: Option<Order>) -> impl Iterator<Item = Option<char>> {
    let (order, body) = match (order, body) {
        (None, [0xff, 0xfe, 0, 0, rest @ ..]) => (Order::Little, rest),
        (None, [0, 0, 0xfe, 0xff, rest @ ..]) => (Order::Big, rest),
        (order, _) => (order.unwrap_or(Order::Little), body),
    };
    let (fours, rest) = body.as_chunks::<4>();
    let characters = fours.iter().map(move |four| {
        let code = match order {
            Order::Little => u32::from_le_bytes(*four),
            Order::Big => u32::from_be_bytes(*four),
        };
        char::from_u32(code)
    });
    characters.chain((!rest.is_empty()).then_some(None))
}

/// Windows-1252 is Latin-1 but for the 32 characters from 0x80 on; five of those are none.
fn cp1252(byte: u8) -> char {
    const OTHERS: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
        '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ',
        '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..0xa0 => OTHERS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}
