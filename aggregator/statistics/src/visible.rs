//! Text that came from elsewhere, made fit for a terminal and for one line of a log.
//!
//! Escape sequences, line breaks and characters that turn the direction of writing are shown as Python's
//! `repr` shows them. JSON and CSV have quoting of their own and keep the text as it is.

use std::borrow::Cow;

/// The text in one line, with every character that would not be seen written out.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            hidden if is_hidden(hidden) => shown.push_str(&escaped(hidden)),
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

/// A character by its code, as Python's `repr` writes one that is not printable: `\x1b`, `\u202e`.
pub fn escaped(character: char) -> String {
    match u32::from(character) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// The text with its line feeds, and all else as in [`line()`].
pub fn lines(text: &str) -> Cow<'_, str> {
    let hidden = |character| character != '\n' && is_hidden(character);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let shown: Vec<_> = text.split('\n').map(line).collect();
    Cow::Owned(shown.join("\n"))
}

/// True for controls, marks of direction, joiners, separators of lines, and tags.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(
            line("\x1b[2J\x07\x7f\u{9b}31m"),
            "\\x1b[2J\\x07\\x7f\\x9b31m"
        );
        assert_eq!(line("a\nb\r\tc\u{85}"), "a\\nb\\r\\tc\\x85");
        assert_eq!(
            line("\u{2028}\u{202e}\u{2066}\u{feff}"),
            "\\u2028\\u202e\\u2066\\ufeff"
        );
        assert_eq!(line("\u{e0041}"), "\\U000e0041");
    }

    #[test]
    fn what_people_read_stays() {
        for text in ["", "GET /items", "größer 東京 🚀 C:\\new"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_message_of_several_lines_keeps_them() {
        assert_eq!(lines("a\n\x1bb"), "a\n\\x1bb");
        assert!(matches!(lines("a\nb"), Cow::Borrowed(_)));
    }
}
