//! Names and error texts as the statistics keep them.

use std::borrow::Cow;

/// A text of at most `chars` characters; a longer one is cut and ends in an ellipsis.
#[inline]
pub(crate) fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    // no character is shorter than a byte
    if text.len() <= chars {
        return text.into();
    }
    cut_long(text, chars)
}

fn cut_long(text: &str, chars: usize) -> Cow<'_, str> {
    if text.chars().count() <= chars {
        return text.into();
    }
    let mut short: String = text.chars().take(chars.saturating_sub(1)).collect();
    short.push('…');
    short.into()
}

/// An error text without the first memory address in it, as Locust groups errors.
pub(crate) fn without_address(error: &str) -> Cow<'_, str> {
    const TARGET: &str = "object at 0x";
    let Some(found) = error.find(TARGET) else {
        return error.into();
    };
    let start = found + TARGET.len() - "0x".len();
    match error[start..].find('>') {
        Some(length) => error
            .replace(&error[start..start + length], "0x....")
            .into(),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }

    #[test]
    fn addresses_do_not_make_errors_distinct() {
        let error = "<Reply object at 0x7f01> after <Reply object at 0x7f01>";
        let expected = "<Reply object at 0x....> after <Reply object at 0x....>";
        assert_eq!(without_address(error), expected);
        assert_eq!(without_address("object at 0x7f01"), "object at 0x7f01");
    }
}
