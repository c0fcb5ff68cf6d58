//! Texts, expressions and JSON documents that are evaluated for each request.
//!
//! Everything that is known when the file is read is kept ready: a text without a template in it costs nothing, and
//! one that only names values is put together without the template engine.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::Value;

use super::dumps::{dumps, quoted};
use super::engine::Program;
use super::errors::{EvaluationError, TextOrigin};
use super::json;
use super::scope::Scope;
use super::syntax::TemplatePiece;

/// A text that may hold `{{ expressions }}`.
#[derive(Debug)]
pub struct Text(TextForm);

#[derive(Debug)]
enum TextForm {
    Constant(String),
    Pieces(Vec<TemplatePiece>, Arc<TextOrigin>),
    Template(Program),
}

impl Text {
    pub(super) fn fixed(text: impl Into<String>) -> Self {
        Self(TextForm::Constant(text.into()))
    }

    pub(super) fn pieces(pieces: Vec<TemplatePiece>, origin: Arc<TextOrigin>) -> Self {
        Self(TextForm::Pieces(pieces, origin))
    }

    pub(super) fn template(program: Program) -> Self {
        Self(TextForm::Template(program))
    }

    /// The text, if it is the same in every request.
    pub fn constant(&self) -> Option<&str> {
        match &self.0 {
            TextForm::Constant(text) => Some(text),
            _ => None,
        }
    }

    /// Where the text stands; of a constant one nothing is known.
    pub(super) fn origin(&self) -> Arc<TextOrigin> {
        match &self.0 {
            TextForm::Constant(_) => Arc::new(TextOrigin::unknown()),
            TextForm::Pieces(_, origin) => Arc::clone(origin),
            TextForm::Template(program) => Arc::clone(&program.origin),
        }
    }

    /// The text for a request of this iteration.
    pub fn render(&self, scope: &mut Scope) -> Result<Cow<'_, str>, EvaluationError> {
        match &self.0 {
            TextForm::Constant(text) => Ok(Cow::Borrowed(text)),
            TextForm::Pieces(pieces, origin) => join(pieces, origin, scope).map(Cow::Owned),
            TextForm::Template(program) => program.render(scope.context()).map(Cow::Owned),
        }
    }

    /// The text in a context of our own making, such as a response's.
    pub(super) fn render_in(&self, context: Value) -> Result<String, EvaluationError> {
        match &self.0 {
            TextForm::Constant(text) => Ok(text.clone()),
            TextForm::Template(program) => program.render(context),
            TextForm::Pieces(..) => unreachable!("only texts of requests are kept in pieces"),
        }
    }
}

fn join(
    pieces: &[TemplatePiece],
    origin: &Arc<TextOrigin>,
    scope: &Scope,
) -> Result<String, EvaluationError> {
    let mut text = String::with_capacity(64);
    for piece in pieces {
        match piece {
            TemplatePiece::Text(piece) => text.push_str(piece),
            TemplatePiece::Name(name) => {
                let value = defined(name, origin, scope)?;
                match value.as_str() {
                    Some(string) => text.push_str(string),
                    None => write!(text, "{value}").expect("a string takes every write"),
                }
            }
        }
    }
    Ok(text)
}

fn defined(name: &str, origin: &Arc<TextOrigin>, scope: &Scope) -> Result<Value, EvaluationError> {
    let value = scope.iteration().lookup(name);
    value.ok_or_else(|| EvaluationError::new(origin, format!("undefined value: `{name}`")))
}

/// An expression whose value keeps its type.
#[derive(Debug)]
pub(super) enum Expression {
    Name(String, Arc<TextOrigin>),
    Program(Program),
}

impl Expression {
    fn evaluate(&self, scope: &Scope) -> Result<Value, EvaluationError> {
        match self {
            Self::Name(name, origin) => defined(name, origin, scope),
            Self::Program(program) => program.evaluate_defined(scope.context()),
        }
    }

    fn origin(&self) -> &Arc<TextOrigin> {
        match self {
            Self::Name(_, origin) => origin,
            Self::Program(program) => &program.origin,
        }
    }
}

/// A JSON document in pieces: what is always the same, and what is evaluated.
#[derive(Debug)]
pub struct Json(Vec<JsonPiece>);

#[derive(Debug)]
pub(super) enum JsonPiece {
    /// JSON as it is sent.
    Raw(String),
    /// A string.
    Text(Text),
    /// A value of any type.
    Value(Expression),
}

impl Json {
    /// Joins neighbouring raw pieces.
    pub(super) fn new(pieces: Vec<JsonPiece>) -> Self {
        let mut joined: Vec<JsonPiece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(JsonPiece::Raw(before)), JsonPiece::Raw(raw)) => before.push_str(&raw),
                (_, piece) => joined.push(piece),
            }
        }
        Self(joined)
    }

    /// The document, if it is the same in every request.
    pub fn constant(&self) -> Option<&str> {
        match &*self.0 {
            [JsonPiece::Raw(raw)] => Some(raw),
            _ => None,
        }
    }

    pub(super) fn render(&self, scope: &mut Scope) -> Result<Cow<'_, str>, EvaluationError> {
        if let Some(constant) = self.constant() {
            return Ok(Cow::Borrowed(constant));
        }
        let mut document = String::with_capacity(128);
        for piece in &self.0 {
            match piece {
                JsonPiece::Raw(raw) => document.push_str(raw),
                JsonPiece::Text(text) => document.push_str(&quoted(&text.render(scope)?)),
                JsonPiece::Value(expression) => {
                    let value = expression.evaluate(scope)?;
                    if let Some(digits) = json::digits(&value) {
                        document.push_str(digits);
                        continue;
                    }
                    if json::is_no_number(&value) {
                        let message = format!("{value} has no form in JSON");
                        return Err(EvaluationError::new(expression.origin(), message));
                    }
                    let json = dumps(&value).map_err(|error| {
                        let message = format!("{} has no form in JSON: {error}", value.kind());
                        EvaluationError::new(expression.origin(), message)
                    })?;
                    document.push_str(&json);
                }
            }
        }
        Ok(Cow::Owned(document))
    }
}
