//! Reading TOML with its line numbers, and collecting every mistake on the way.
//!
//! A [`Reader`] owns the text and the mistakes. [`Fields`] reads one table key by key and, when it is
//! finished, reports the keys that nobody asked for. What the keys mean is left to `decode`.

use std::cell::RefCell;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::errors::{Mistake, TextOrigin};

/// The most mistakes of a file that are listed.
const MOST_MISTAKES: usize = 1_000;

/// The most names among which the nearest is looked for.
const MOST_COMPARED: usize = 1_000;

/// The longest name, in bytes, for which a nearest one is looked for.
const LONGEST_COMPARED: usize = 100;

/// A workload file's text, and the mistakes found in it so far.
pub(super) struct Reader<'s> {
    pub(super) file: Arc<str>,
    source: &'s str,
    line_starts: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(file: &str, source: &'s str) -> Self {
        let after_newlines = source.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: Arc::from(file),
            source,
            line_starts: iter::once(0).chain(after_newlines).collect(),
            mistakes: RefCell::default(),
        }
    }

    /// The line that a byte of the source lies on, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The line that a string's own first line stands on: a newline after `"""` is not part of it.
    pub(super) fn first_line(&self, span: &Range<usize>) -> usize {
        let text = self.source.get(span.clone()).unwrap_or_default();
        let opens_with_newline = ["\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"]
            .iter()
            .any(|opening| text.starts_with(opening));
        self.line(span.start) + usize::from(opens_with_newline)
    }

    pub(super) fn mistake(&self, span: &Range<usize>, message: impl Into<String>) {
        self.mistake_on(self.line(span.start), message);
    }

    pub(super) fn mistake_on(&self, line: usize, message: impl Into<String>) {
        let mut mistakes = self.mistakes.borrow_mut();
        if mistakes.len() < MOST_MISTAKES {
            let message = message.into();
            mistakes.push(Mistake { line, message });
        }
    }

    /// True if no more mistakes are listed, so that looking for them is in vain.
    pub(super) fn is_full(&self) -> bool {
        self.mistakes.borrow().len() >= MOST_MISTAKES
    }

    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.borrow().is_empty()
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }
}

/// A value of the file, with the names that lead to it.
#[derive(Clone)]
pub(super) struct Field<'t, 's> {
    /// Its place and its key: ``class `A`, `wait` ``.
    pub(super) place: String,
    pub(super) value: &'t DeValue<'s>,
    pub(super) span: Range<usize>,
}

impl<'t, 's> Field<'t, 's> {
    fn new(place: String, spanned: &'t Spanned<DeValue<'s>>) -> Self {
        Self {
            place,
            value: spanned.get_ref(),
            span: spanned.span(),
        }
    }

    /// Says that this value is not `expected`, which reads like `a whole number from 1 to 9`.
    pub(super) fn is_not(&self, reader: &Reader<'_>, expected: &str) {
        let Self { place, value, span } = self;
        let found = describe(value);
        reader.mistake(span, format!("{place} is {found}: write {expected}"));
    }

    /// Converts the value, or says that it is not `expected`.
    pub(super) fn convert<T>(
        &self,
        reader: &Reader<'_>,
        expected: &str,
        convert: impl FnOnce(&'t DeValue<'s>) -> Option<T>,
    ) -> Option<T> {
        let converted = convert(self.value);
        if converted.is_none() {
            self.is_not(reader, expected);
        }
        converted
    }

    /// The elements of an array, or this value alone if it is none.
    pub(super) fn elements(&self) -> Vec<Field<'t, 's>> {
        let DeValue::Array(array) = self.value else {
            return vec![self.clone()];
        };
        let element = |(index, value)| Field::new(format!("{}[{index}]", self.place), value);
        array.iter().enumerate().map(element).collect()
    }

    /// The table's entries with their keys, or a mistake if it is no table.
    pub(super) fn entries(
        &self,
        reader: &Reader<'_>,
        expected: &str,
    ) -> Vec<(&'t str, Range<usize>, Field<'t, 's>)> {
        let Some(table) = self.convert(reader, expected, DeValue::as_table) else {
            return Vec::new();
        };
        let entry = |(key, value): (&'t Spanned<_>, &'t Spanned<DeValue<'s>>)| {
            let name: &'t str = AsRef::<str>::as_ref(key.get_ref());
            let field = Field::new(format!("{} `{name}`", self.place), value);
            (name, key.span(), field)
        };
        table.iter().map(entry).collect()
    }

    /// The value as a string to compile, or a mistake if it is none.
    pub(super) fn snippet(&self, reader: &Reader<'_>, expected: &str) -> Option<Snippet> {
        let source = self.convert(reader, expected, DeValue::as_str)?;
        Some(Snippet {
            place: self.place.clone(),
            line: reader.first_line(&self.span),
            source: source.to_owned(),
        })
    }
}

/// A piece of the file that is a template or an expression.
#[derive(Clone, Debug)]
pub(super) struct Snippet {
    pub(super) place: String,
    pub(super) line: usize,
    pub(super) source: String,
}

impl Snippet {
    pub(super) fn mistake(&self, reader: &Reader<'_>, message: impl std::fmt::Display) {
        reader.mistake_on(self.line, format!("{}: {message}", self.place));
    }

    /// Where it stands, for errors at run time.
    pub(super) fn origin(&self, reader: &Reader<'_>) -> Arc<TextOrigin> {
        Arc::new(TextOrigin {
            file: Arc::clone(&reader.file),
            line: self.line,
            place: self.place.clone(),
            source: self.source.clone(),
        })
    }
}

/// One table, read key by key.
pub(super) struct Fields<'r, 't, 's> {
    pub(super) reader: &'r Reader<'s>,
    /// The table's place: ``class `A`, task `b` ``.
    pub(super) place: String,
    pub(super) span: Range<usize>,
    table: &'t DeTable<'s>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'r, 't, 's> Fields<'r, 't, 's> {
    pub(super) fn new(
        reader: &'r Reader<'s>,
        place: impl Into<String>,
        table: &'t DeTable<'s>,
        span: Range<usize>,
    ) -> Self {
        Self {
            reader,
            place: place.into(),
            span,
            table,
            asked: RefCell::default(),
        }
    }

    /// The value under `key`, if there is one; from now on the key is a known one.
    pub(super) fn get(&self, key: &'static str) -> Option<Field<'t, 's>> {
        self.asked.borrow_mut().push(key);
        let value = self.table.get(key)?;
        let separator = if self.place.is_empty() { "" } else { ", " };
        let place = format!("{}{separator}`{key}`", self.place);
        Some(Field::new(place, value))
    }

    /// The value under `key`, converted; a mistake if it is there and not `expected`.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        convert: impl FnOnce(&'t DeValue<'s>) -> Option<T>,
    ) -> Option<T> {
        self.get(key)?.convert(self.reader, expected, convert)
    }

    pub(super) fn mistake(&self, message: impl std::fmt::Display) {
        let separator = if self.place.is_empty() { "" } else { ": " };
        let message = format!("{}{separator}{message}", self.place);
        self.reader.mistake(&self.span, message);
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(&self) {
        let known = self.asked.borrow();
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let place = if self.place.is_empty() {
                    "the file"
                } else {
                    &self.place
                };
                let hint = instead(name, known.iter().copied());
                let message = format!("{place} has an unknown key `{name}`: {hint}");
                self.reader.mistake(&key.span(), message);
            }
        }
    }
}

/// The remedy for `name`: the nearest of the known names, or all of them.
pub(super) fn instead<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return "there is none to choose from".to_owned();
    }
    // a comparison takes as long as both names are long
    let few = known.len() <= MOST_COMPARED && name.len() <= LONGEST_COMPARED;
    let candidates = known
        .iter()
        .filter(|known| few && known.len() <= LONGEST_COMPARED);
    let nearest = candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .min();
    match nearest {
        Some((distance, candidate)) if distance <= 1 + name.chars().count() / 4 => {
            format!("did you mean `{candidate}`?")
        }
        _ => format!("write one of {}", listed(&known)),
    }
}

fn listed(names: &[&str]) -> String {
    // a request has the most keys, and all of them are listed
    const MOST: usize = 40;
    let mut quoted: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > MOST {
        quoted.push("...".to_owned());
    }
    quoted.join(", ")
}

/// A value in a few words, for a message.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > 60 => "a long string".to_owned(),
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(array) if array.is_empty() => "an empty array".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A TOML integer that fits in 64 bits.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(whole)
}

/// A TOML integer or float, as a finite number.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Integer(number) => whole(number)? as f64,
        DeValue::Float(number) => real(number)?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn real(number: &DeFloat<'_>) -> Option<f64> {
    number.as_str().parse().ok()
}
