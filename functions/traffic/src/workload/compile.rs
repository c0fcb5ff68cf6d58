//! Compiling the templates and expressions of a file, with their mistakes on the right lines.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::Error;
use toml::de::DeValue;

use super::attached::Files;
use super::dumps::{COLON, SEPARATOR, float, quoted};
use super::engine::{Engine, Program};
use super::errors::TextOrigin;
use super::measure::KnownMetrics;
use super::read::{self, Field, Reader, Snippet};
use super::syntax::{
    Findings, TemplateNames, guarded_expression, guarded_template, inspect_expression,
    inspect_template, only_expression,
};
use super::text::{Expression, Json, JsonPiece, Text};
use crate::environment::Lookup;

/// The longest template in bytes; a text without a template in it may be longer.
const MAX_TEMPLATE: usize = 64 * 1024;

/// The words and signs of all templates of a file, at most.
const MAX_TOKENS: usize = 1_000_000;

/// The names and parts of a response that the templates of a step read, gathered while they are compiled.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) reads: BTreeSet<String>,
    pub(super) needs: BTreeSet<String>,
}

impl Usage {
    pub(super) fn merge(&mut self, other: Self) {
        self.reads.extend(other.reads);
        self.needs.extend(other.needs);
    }

    fn add(&mut self, findings: &Findings) {
        self.reads.extend(findings.reads.iter().cloned());
        self.needs.extend(findings.needs.iter().cloned());
    }
}

/// Compiles snippets; what is wrong with them becomes the reader's mistakes.
pub(super) struct Compiler<'r, 's> {
    pub(super) reader: &'r Reader<'s>,
    pub(super) engine: &'r Engine,
    /// The files that the workload names.
    pub(super) files: &'r Files<'s>,
    /// The custom metrics that the workload's requests have.
    pub(super) metrics: KnownMetrics,
    environment: Lookup<'r>,
    tokens: Cell<usize>,
}

impl<'r, 's> Compiler<'r, 's> {
    pub(super) fn new(
        reader: &'r Reader<'s>,
        engine: &'r Engine,
        files: &'r Files<'s>,
        environment: Lookup<'r>,
    ) -> Self {
        Self {
            reader,
            engine,
            files,
            metrics: KnownMetrics::default(),
            environment,
            tokens: Cell::default(),
        }
    }

    /// Compiles a text that may hold templates.
    pub(super) fn text(
        &self,
        snippet: &Snippet,
        names: &TemplateNames,
        usage: &mut Usage,
    ) -> Option<Text> {
        if !is_template(&snippet.source) {
            return Some(Text::fixed(&*snippet.source));
        }
        self.check_length(snippet)?;
        let findings = inspect_template(&snippet.source, names, self.engine);
        self.check(snippet, &findings, usage)?;
        let origin = snippet.origin(self.reader);
        match findings.pieces {
            // outside requests, names are a response's and not the iteration's alone
            Some(pieces) if names.random => Some(Text::pieces(pieces, origin)),
            _ => match self.template(origin) {
                Ok(program) => Some(Text::template(program)),
                Err(error) => {
                    snippet.mistake(self.reader, error);
                    None
                }
            },
        }
    }

    /// Compiles an expression, such as an expectation.
    pub(super) fn expression(
        &self,
        snippet: &Snippet,
        names: &TemplateNames,
        usage: &mut Usage,
    ) -> Option<Program> {
        self.check_length(snippet)?;
        let findings = inspect_expression(&snippet.source, names, self.engine);
        self.check(snippet, &findings, usage)?;
        self.program(snippet, &snippet.source)
    }

    fn template(&self, origin: Arc<TextOrigin>) -> Result<Program, Error> {
        let guarded = guarded_template(&origin.source)?;
        self.engine.template(origin, guarded)
    }

    fn program(&self, snippet: &Snippet, expression: &str) -> Option<Program> {
        let origin = snippet.origin(self.reader);
        let compiled = guarded_expression(expression)
            .and_then(|guarded| self.engine.expression(origin, &guarded));
        match compiled {
            Ok(program) => Some(program),
            Err(error) => {
                snippet.mistake(self.reader, error);
                None
            }
        }
    }

    fn check_length(&self, snippet: &Snippet) -> Option<()> {
        if self.reader.is_full() {
            return None;
        }
        if snippet.source.len() > MAX_TEMPLATE {
            snippet.mistake(
                self.reader,
                "a template of more than 64 KiB: make it shorter",
            );
            return None;
        }
        Some(())
    }

    fn check(&self, snippet: &Snippet, findings: &Findings, usage: &mut Usage) -> Option<()> {
        for (line, problem) in &findings.problems {
            let Snippet {
                place, line: first, ..
            } = snippet;
            self.reader
                .mistake_on(first + line, format!("{place}: {problem}"));
        }
        let mut is_known = true;
        for (line, used) in &findings.variables {
            if let Err(problem) = self.engine.variables.read(used, self.environment) {
                is_known = false;
                let message = format!("{}: {problem}", snippet.place);
                self.reader.mistake_on(snippet.line + line, message);
            }
        }
        self.tokens.set(self.tokens.get() + findings.tokens);
        if self.tokens.get() > MAX_TOKENS {
            let message = "the file's templates have more than 1,000,000 words and signs together: \
                make them shorter";
            snippet.mistake(self.reader, message);
            return None;
        }
        usage.add(findings);
        (is_known && findings.problems.is_empty()).then_some(())
    }

    /// Compiles a JSON document whose strings may hold templates.
    pub(super) fn json(
        &self,
        field: &Field<'_, '_>,
        names: &TemplateNames,
        usage: &mut Usage,
    ) -> Option<Json> {
        let mut pieces = Vec::new();
        let complete = self.json_value(field, names, usage, &mut pieces);
        complete.map(|()| Json::new(pieces))
    }

    fn json_value(
        &self,
        field: &Field<'_, '_>,
        names: &TemplateNames,
        usage: &mut Usage,
        pieces: &mut Vec<JsonPiece>,
    ) -> Option<()> {
        let raw = |text: String| JsonPiece::Raw(text);
        match field.value {
            DeValue::String(text) if is_template(text) => {
                let snippet = field.snippet(self.reader, "a string")?;
                pieces.push(self.json_string(&snippet, names, usage)?);
            }
            DeValue::String(text) => pieces.push(raw(quoted(text))),
            DeValue::Boolean(yes) => pieces.push(raw(yes.to_string())),
            DeValue::Datetime(date) => pieces.push(raw(quoted(&date.to_string()))),
            DeValue::Integer(_) | DeValue::Float(_) => {
                let expected = "a number that JSON can hold";
                pieces.push(raw(field.convert(self.reader, expected, json_number)?));
            }
            DeValue::Array(_) => {
                pieces.push(raw("[".to_owned()));
                for (index, element) in field.elements().iter().enumerate() {
                    pieces.push(raw(if index == 0 { "" } else { SEPARATOR }.to_owned()));
                    self.json_value(element, names, usage, pieces)?;
                }
                pieces.push(raw("]".to_owned()));
            }
            DeValue::Table(_) => {
                let entries = field.entries(self.reader, "a table");
                for (index, (key, _, value)) in entries.iter().enumerate() {
                    let opening = if index == 0 { "{" } else { SEPARATOR };
                    pieces.push(raw(format!("{opening}{}{COLON}", quoted(key))));
                    self.json_value(value, names, usage, pieces)?;
                }
                pieces.push(raw(if entries.is_empty() { "{}" } else { "}" }.to_owned()));
            }
        }
        Some(())
    }

    /// A string that is exactly one `{{ expression }}` keeps the expression's type.
    fn json_string(
        &self,
        snippet: &Snippet,
        names: &TemplateNames,
        usage: &mut Usage,
    ) -> Option<JsonPiece> {
        self.check_length(snippet)?;
        let Some(expression) = only_expression(&snippet.source) else {
            return self.text(snippet, names, usage).map(JsonPiece::Text);
        };
        let findings = inspect_template(&snippet.source, names, self.engine);
        self.check(snippet, &findings, usage)?;
        let value = match findings.pieces.as_deref() {
            Some([super::syntax::TemplatePiece::Name(name)]) => {
                Expression::Name(name.clone(), snippet.origin(self.reader))
            }
            _ => Expression::Program(self.program(snippet, expression)?),
        };
        Some(JsonPiece::Value(value))
    }
}

fn is_template(source: &str) -> bool {
    ["{{", "{%", "{#"]
        .iter()
        .any(|opening| source.contains(opening))
}

fn json_number(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Integer(_) => read::integer(value).map(|number| number.to_string()),
        _ => float(read::number(value)?),
    }
}
