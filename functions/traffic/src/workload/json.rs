//! JSON as Python's `json.loads` reads it, since that is what judges responses in a locustfile.
//!
//! It takes `NaN`, `Infinity`, `-Infinity`, integers of any length and lone surrogates, and of a key that
//! comes twice the last value. Nothing here recurses, so no body can exhaust the stack, and what the values
//! take is counted before they are made. Which bytes make which text is `charset`'s.

use std::collections::BTreeMap;

use minijinja::value::{Value, ValueKind};

mod big;
mod charset;

use super::values::{MemoryShare, TooLarge};
use big::BigInt;
pub(super) use charset::{json_text, text};

/// The deepest nesting that is read: Python ends near its recursion limit, which is 1,000.
const MAX_DEPTH: usize = 1_000;

/// The longest integer in digits, as Python's `int()` has it.
const MAX_DIGITS: usize = 4_300;

/// The bytes of memory that an element of a list takes.
const ELEMENT: usize = size_of::<Value>();

/// The bytes that a list or an object takes besides what is in it.
const CONTAINER: usize = 64;

/// The bytes that an object takes for its first key and value: a node of a tree has room for eleven.
const FIRST_ENTRY: usize = 11 * 2 * ELEMENT + 32;

/// The bytes that it takes for each further one, in nodes that are half full.
const ENTRY: usize = 2 * 2 * ELEMENT + 8;

/// A string of at most so many bytes is part of its value.
const SHORT: usize = 22;

/// The reason why a text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotJson {
    /// The text is something else, or broken.
    #[error("the body is not JSON")]
    Syntax,
    /// Lists and objects are nested too deep.
    #[error("the body is JSON that is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// An integer is too long.
    #[error("the body is JSON with an integer of more than {MAX_DIGITS} digits")]
    TooLong,
    /// The values would take more memory than there is for them.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Reads a text that is one JSON value.
///
/// A lone surrogate, which no Rust string can hold, becomes U+FFFD: one character, as in Python. What the
/// value takes is taken of `share`.
pub(super) fn read(text: &str, share: &MemoryShare) -> Result<Value, NotJson> {
    let mut reader = Reader {
        text,
        share,
        at: 0,
        open: Vec::new(),
    };
    let value = reader.document()?;
    match reader.next_token() {
        None => Ok(value),
        Some(_) => Err(NotJson::Syntax),
    }
}

/// The digits of an integer that only has those: it is sent on as it came.
pub(super) fn digits(value: &Value) -> Option<&str> {
    value.downcast_object_ref::<BigInt>().map(BigInt::digits)
}

/// True if a value is NaN or infinite: Python reads those, and requests refuses to send them.
pub(super) fn is_no_number(value: &Value) -> bool {
    let is_number = value.kind() == ValueKind::Number;
    is_number && f64::try_from(value.clone()).is_ok_and(|number| !number.is_finite())
}

struct Reader<'t> {
    text: &'t str,
    share: &'t MemoryShare,
    at: usize,
    /// The lists and objects around the place.
    open: Vec<Open>,
}

enum Open {
    List(Vec<Value>),
    /// An object, and the key whose value comes next.
    Object(BTreeMap<Value, Value>, Value),
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, NotJson> {
        loop {
            let Some(mut value) = self.opened_or_scalar()? else {
                continue;
            };
            // a value may end any number of lists and objects
            loop {
                let Some(open) = self.open.pop() else {
                    return Ok(value);
                };
                match self.put(open, value)? {
                    Some(closed) => value = closed,
                    None => break,
                }
            }
        }
    }

    /// A value that is complete, or nothing when a list or an object has begun.
    fn opened_or_scalar(&mut self) -> Result<Option<Value>, NotJson> {
        match self.next_token().ok_or(NotJson::Syntax)? {
            b'[' => {
                self.at += 1;
                if self.take_token(b']') {
                    self.take_memory(CONTAINER)?;
                    return Ok(Some(Value::from(Vec::<Value>::new())));
                }
                self.begin(Open::List(Vec::new())).map(|()| None)
            }
            b'{' => {
                self.at += 1;
                if self.take_token(b'}') {
                    self.take_memory(CONTAINER)?;
                    return Ok(Some(Value::from_object(BTreeMap::<Value, Value>::new())));
                }
                let key = self.key()?;
                self.begin(Open::Object(BTreeMap::new(), key))
                    .map(|()| None)
            }
            b'"' => self.string().map(Some),
            b'-' | b'0'..=b'9' => self.number().map(Some),
            _ => self.word().map(Some),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), NotJson> {
        if self.open.len() == MAX_DEPTH {
            return Err(NotJson::TooDeep);
        }
        self.take_memory(CONTAINER)?;
        self.open.push(open);
        Ok(())
    }

    fn take_memory(&self, bytes: usize) -> Result<(), TooLarge> {
        self.share.take(bytes as u64)
    }

    /// Puts a value into the innermost list or object; gives that back if it ends there.
    fn put(&mut self, open: Open, value: Value) -> Result<Option<Value>, NotJson> {
        match open {
            Open::List(mut list) => {
                if list.len() == list.capacity() {
                    let more = list.len().max(4);
                    self.take_memory(more * ELEMENT)?;
                    list.reserve_exact(more);
                }
                list.push(value);
                if self.take_token(b']') {
                    return Ok(Some(Value::from(list)));
                }
                self.comma()?;
                self.open.push(Open::List(list));
            }
            Open::Object(mut object, key) => {
                let is_first = object.is_empty();
                self.take_memory(if is_first { FIRST_ENTRY } else { ENTRY })?;
                object.insert(key, value);
                if self.take_token(b'}') {
                    return Ok(Some(Value::from_object(object)));
                }
                self.comma()?;
                let key = self.key()?;
                self.open.push(Open::Object(object, key));
            }
        }
        Ok(None)
    }

    fn comma(&mut self) -> Result<(), NotJson> {
        self.take_token(b',').then_some(()).ok_or(NotJson::Syntax)
    }

    fn key(&mut self) -> Result<Value, NotJson> {
        if self.next_token() != Some(b'"') {
            return Err(NotJson::Syntax);
        }
        let key = self.string()?;
        let colon = self.take_token(b':');
        colon.then_some(key).ok_or(NotJson::Syntax)
    }

    fn word(&mut self) -> Result<Value, NotJson> {
        let words = [
            ("null", Value::from(())),
            ("true", Value::from(true)),
            ("false", Value::from(false)),
            ("NaN", Value::from(f64::NAN)),
            ("Infinity", Value::from(f64::INFINITY)),
        ];
        for (word, value) in words {
            if self.take(word) {
                return Ok(value);
            }
        }
        Err(NotJson::Syntax)
    }

    fn number(&mut self) -> Result<Value, NotJson> {
        if self.take("-Infinity") {
            return Ok(Value::from(f64::NEG_INFINITY));
        }
        let start = self.at;
        self.take("-");
        let first = self.at;
        self.digits();
        let whole = &self.text[first..self.at];
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(NotJson::Syntax);
        }
        let is_fraction = self.part(|reader| reader.take("."));
        let is_power = self.part(|reader| {
            let power = reader.take("e") || reader.take("E");
            let _sign = power && (reader.take("+") || reader.take("-"));
            power
        });
        let number = &self.text[start..self.at];
        if is_fraction || is_power {
            return number
                .parse()
                .map(|float: f64| Value::from(float))
                .map_err(|_| NotJson::Syntax);
        }
        if whole.len() > i128::MAX.ilog10() as usize {
            self.take_memory(CONTAINER + number.len())?;
        }
        integer(number, whole.len())
    }

    /// Skips what begins a part of a number and its digits, or nothing if there are none.
    fn part(&mut self, begins: impl FnOnce(&mut Self) -> bool) -> bool {
        let before = self.at;
        let is_there = begins(self) && self.digits() > 0;
        if !is_there {
            self.at = before;
        }
        is_there
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Result<Value, NotJson> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .bytes()
                .position(|byte| byte < b' ' || byte == b'"' || byte == b'\\')
                .ok_or(NotJson::Syntax)?;
            self.at += plain + 1;
            let ends = rest.as_bytes()[plain] == b'"';
            if ends && string.is_empty() {
                return self.value_of(&rest[..plain]);
            }
            // a text that grows has up to twice its length
            if plain > SHORT {
                self.take_memory(2 * plain)?;
            }
            string.push_str(&rest[..plain]);
            match rest.as_bytes()[plain] {
                b'"' => return self.value_of(&string),
                b'\\' => string.push(self.escaped()?),
                _ => return Err(NotJson::Syntax),
            }
        }
    }

    fn value_of(&self, string: &str) -> Result<Value, NotJson> {
        if string.len() > SHORT {
            self.take_memory(CONTAINER + string.len())?;
        }
        Ok(Value::from(string))
    }

    /// The character that an escape stands for, from behind its backslash on.
    fn escaped(&mut self) -> Result<char, NotJson> {
        let escape = self.text.as_bytes().get(self.at).ok_or(NotJson::Syntax)?;
        let character = match escape {
            b'"' | b'\\' | b'/' => char::from(*escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return Err(NotJson::Syntax),
        };
        self.at += 1;
        Ok(character)
    }

    /// The character of one `uXXXX`, or of two that are a pair of surrogates.
    fn code_point(&mut self) -> Result<char, NotJson> {
        let unit = self.code_unit(self.at + 1).ok_or(NotJson::Syntax)?;
        self.at += 5;
        let is_high = (0xd800..0xdc00).contains(&unit);
        if is_high && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            let low = self.code_unit(self.at + 2);
            if let Some(low) = low.filter(|low| (0xdc00..0xe000).contains(low)) {
                self.at += 6;
                let joined = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return char::from_u32(joined).ok_or(NotJson::Syntax);
            }
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.as_bytes().get(at..at + 4)?;
        digits.iter().try_fold(0, |unit, digit| {
            Some(unit << 4 | char::from(*digit).to_digit(16)?)
        })
    }

    fn take(&mut self, word: &str) -> bool {
        let is_there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if is_there { word.len() } else { 0 };
        is_there
    }

    /// The first byte behind white space.
    fn next_token(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let white = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(white).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn take_token(&mut self, token: u8) -> bool {
        let is_there = self.next_token() == Some(token);
        self.at += usize::from(is_there);
        is_there
    }
}

fn integer(number: &str, digits: usize) -> Result<Value, NotJson> {
    if digits > MAX_DIGITS {
        return Err(NotJson::TooLong);
    }
    let small = number.parse().map(|number: i64| Value::from(number));
    let wide = || number.parse().map(|number: i128| Value::from(number));
    let value = small.or_else(|_| wide());
    Ok(value.unwrap_or_else(|_| Value::from_object(BigInt::new(number))))
}

#[cfg(test)]
mod tests;
