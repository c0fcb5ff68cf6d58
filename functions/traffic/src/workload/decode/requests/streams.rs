//! What a response is read as besides its body: `stream` and `tokens`, and the `model` that a request is for.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use crate::stream::{JsonPath, StreamFormat, StreamRules, TokenRule};
use crate::workload::compile::Usage;
use crate::workload::decode::context::Request;
use crate::workload::model::Model;
use crate::workload::read::{Fields, instead};
use crate::workload::response::STREAM_NAMES;

const FORMATS: &str = "\"sse\" (server-sent events) or \"ndjson\" (a JSON value in each line)";

const TOKENS: &str = "\"openai\", \"ollama\", \"deltas\", the place of their number such as \
    \"json.usage.completion_tokens\", or a table of places with `input` and `output`";

impl Request<'_, '_, '_, '_> {
    /// The rules of the stream that the response is, if it is one.
    pub(super) fn stream(&self, fields: &Fields<'_, '_, '_>) -> Option<Option<Arc<StreamRules>>> {
        let format = fields.get("stream");
        let tokens = fields.get("tokens");
        let Some(format) = format else {
            if let Some(tokens) = tokens {
                let message = format!("{}: add `stream`, {FORMATS}", tokens.place);
                self.reader.mistake(&tokens.span, message);
                return None;
            }
            return Some(None);
        };
        let format = format.convert(self.reader, FORMATS, |value| match value.as_str()? {
            "sse" => Some(StreamFormat::Sse),
            "ndjson" => Some(StreamFormat::Ndjson),
            _ => None,
        });
        let tokens = match tokens {
            None => Some(None),
            Some(field) => field.convert(self.reader, TOKENS, token_rule).map(Some),
        };
        Some(Some(Arc::new(StreamRules {
            format: format?,
            tokens: tokens?,
        })))
    }

    /// The model that the request is for, if it says so.
    pub(super) fn model(&self, fields: &Fields<'_, '_, '_>) -> Option<Option<Arc<Model>>> {
        let Some(field) = fields.get("model") else {
            return Some(None);
        };
        let key = field.convert(
            self.reader,
            "the key of one of the [models]",
            DeValue::as_str,
        )?;
        let models = self.context.models;
        let known = models.iter().find(|model| model.key() == key);
        if known.is_none() {
            let hint = instead(key, models.iter().map(|model| model.key()));
            let message = format!("{}: unknown model `{key}`: {hint}", field.place);
            self.reader.mistake(&field.span, message);
        }
        known.map(|model| Some(Arc::clone(model)))
    }

    /// Says which figures of a stream are asked for where there is none.
    pub(super) fn check_stream(&self, span: &Range<usize>, usage: &Usage) {
        if let Some(name) = STREAM_NAMES
            .iter()
            .find(|name| usage.reads.contains(**name))
        {
            let place = &self.context.place;
            let message =
                format!("{place}: `{name}` is a figure of a stream: add `stream`, {FORMATS}");
            self.reader.mistake(span, message);
        }
    }
}

fn token_rule(value: &DeValue<'_>) -> Option<TokenRule> {
    match value {
        DeValue::Table(table) => {
            let path = |key: &str| match table.get(key) {
                None => Some(None),
                Some(path) => JsonPath::parse(path.get_ref().as_str()?).map(Some),
            };
            let (input, output) = (path("input")?, path("output")?);
            let known = [&input, &output].into_iter().flatten().count();
            (known > 0 && known == table.len()).then_some(TokenRule::Paths { input, output })
        }
        value => match value.as_str()? {
            "openai" => Some(TokenRule::OpenAi),
            "ollama" => Some(TokenRule::Ollama),
            "deltas" => Some(TokenRule::Deltas),
            path => Some(TokenRule::Paths {
                input: None,
                output: Some(JsonPath::parse(path)?),
            }),
        },
    }
}
