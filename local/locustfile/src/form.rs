//! Texts as Python's libraries write them: queries, forms, JSON and the Authorization of a user.

use std::fmt::Write as _;

use base64::Engine as _;

/// `urllib.parse.quote_plus`.
pub(crate) fn quote_plus(text: &str) -> String {
    quote(text, "", true)
}

/// A path as requests sends it: what is no character of a URL is quoted, and what is quoted already stays.
pub(crate) fn requoted(path: &str) -> String {
    quote(path, "!#$%&'()*+,/:;=?@[]~", false)
}

fn quote(text: &str, safe: &str, plus: bool) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || (c.is_ascii() && safe.contains(c)) {
            quoted.push(c);
        } else if plus && c == ' ' {
            quoted.push('+');
        } else {
            let _ = write!(quoted, "%{byte:02X}");
        }
    }
    quoted
}

/// The expression with what makes `quote_plus` of a template's `urlencode`.
pub(crate) fn quoting(code: &str) -> String {
    format!(
        "{code} | string | urlencode | replace('/', '%2F') | replace('%7E', '~') | replace('%20', '+')"
    )
}

/// The header of basic authentication, as requests writes it.
pub(crate) fn basic(user: &str, password: &str) -> String {
    let latin = |text: &str| -> Vec<u8> {
        let bytes: Option<Vec<u8>> = text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).ok())
            .collect();
        bytes.unwrap_or_else(|| text.as_bytes().to_vec())
    };
    let pair = [latin(user), vec![b':'], latin(password)].concat();
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}
