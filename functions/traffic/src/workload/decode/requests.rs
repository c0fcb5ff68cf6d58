//! The requests of a task: what is sent, what is expected, and what is kept for later requests.

use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use toml::de::DeValue;

use super::context::{Context, Request};
use super::defaults::Defaults;
use super::groups::{self, Listed};
use super::names::check_variable;
use crate::base_url::request_url;
use crate::workload::body::Body;
use crate::workload::class::{Capture, Group, Step};
use crate::workload::compile::Usage;
use crate::workload::expect::{Expect, StatusRule};
use crate::workload::read::{Field, Fields, Snippet, instead, number};
use crate::workload::scope::ITERATION_NAMES;
use crate::workload::syntax::TemplateNames;
use crate::workload::text::Text;

mod bodies;
mod flow;
mod metrics;
mod streams;

use bodies::has_body;
use flow::pause;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The longest name of a request, in characters.
const MAX_NAME: usize = 200;

const LONG_NAME: &str = "its path is too long to be its name: give it a short `name`";

const EXPECTED_REQUEST: &str =
    "\"GET /path\", or a table with `path` and what else there is to say";

/// Reads a task's requests, and which of them are sent again and again.
pub(super) fn read(
    field: &Field<'_, '_>,
    context: &Context<'_, '_, '_>,
) -> (Vec<Step>, Vec<Group>) {
    let reader = context.compiler.reader;
    let Listed { elements, groups } = groups::listed(field, context);
    if elements.is_empty() {
        field.is_not(reader, EXPECTED_REQUEST);
    }
    let captures: Vec<Vec<String>> = elements.iter().map(captured_names).collect();
    let mut steps = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let group = groups.iter().find(|group| group.steps.contains(&index));
        // in a group, what a request captures is there when it is sent again
        let known = group.map_or(index, |group| group.steps.end() + 1);
        let names = TemplateNames {
            fixed: ITERATION_NAMES.to_vec(),
            drawn: context.drawn.clone(),
            records: context.records.clone(),
            captured: [&*context.kept, &captures[..known].concat()].concat(),
            captured_later: captures[known..].concat(),
            random: true,
        };
        let place = format!("{}, request {}", context.place, index + 1);
        let request = Request {
            context,
            names,
            earlier: [&*context.kept, &captures[..index].concat()].concat(),
            repeat: group.and_then(|group| group.goes_on.clone()),
            reader,
        };
        let step = match element.value {
            DeValue::String(_) => request.short(element),
            _ => element
                .convert(reader, EXPECTED_REQUEST, DeValue::as_table)
                .and_then(|table| {
                    request.long(Fields::new(reader, place, table, element.span.clone()))
                }),
        };
        steps.extend(step.map(|step| Step {
            index: index as u32,
            ..step
        }));
    }
    let groups = groups.into_iter().map(|group| Group {
        steps: group.steps,
        at_most: group.at_most,
        has_condition: group.goes_on.is_some(),
    });
    (steps, groups.collect())
}

fn captured_names(request: &Field<'_, '_>) -> Vec<String> {
    let captures = request.value.get("capture");
    let table = captures.and_then(|captures| captures.get_ref().as_table());
    let keys = table.into_iter().flat_map(|table| table.keys());
    keys.map(|key| key.get_ref().to_string()).collect()
}

impl<'q> Request<'q, '_, '_, '_> {
    /// A request in one string: `GET /path`, or just `/path`.
    fn short(&self, field: &Field<'_, '_>) -> Option<Step> {
        let mut snippet = field.snippet(self.reader, EXPECTED_REQUEST)?;
        let (method, path) = match snippet.source.split_once(char::is_whitespace) {
            Some((method, path)) if !method.starts_with('/') => (method, path.trim()),
            _ => ("GET", &*snippet.source),
        };
        let Some(method) = known_method(method) else {
            let hint = instead(method, METHODS.into_iter());
            snippet.mistake(
                self.reader,
                format_args!("unknown method `{method}`: {hint}"),
            );
            return None;
        };
        let name = format!("{method} {path}");
        snippet.place = format!("{}, request `{name}`", self.context.place);
        if name.chars().count() > MAX_NAME {
            snippet.mistake(self.reader, LONG_NAME);
        }
        snippet.source = path.to_owned();
        let mut usage = Usage::default();
        let path = self.path(&snippet, &mut usage)?;
        let defaults = &self.context.defaults;
        let headers = self.headers(defaults, None, &mut usage);
        let expect = self.expect(defaults, None, &mut usage)?;
        self.check_order(&field.span, &usage);
        let goes_on = self.goes_on(&mut usage)?;
        self.check_stream(&field.span, &usage);
        Some(Step {
            goes_on,
            ..self.step(name, method, path, headers, expect, &usage)
        })
    }

    /// A request in a table.
    fn long(&self, mut fields: Fields<'_, '_, '_>) -> Option<Step> {
        let method = match &fields.get("method") {
            // as in requests and curl
            None if has_body(&fields) => Some(Method::POST),
            None => Some(Method::GET),
            Some(field) => {
                let expected = format!("one of {}", METHODS.join(", "));
                field.convert(self.reader, &expected, |value| {
                    known_method(value.as_str()?)
                })
            }
        };
        let path = fields.get("path");
        if path.is_none() {
            fields.mistake("it has no `path`: write for example path = \"/health\"");
        }
        let mut path =
            path.and_then(|path| path.snippet(self.reader, "a path such as \"/health\""));
        let name = self.name(&mut fields, method.as_ref(), path.as_ref());
        let mut usage = Usage::default();
        let path = path.as_mut().and_then(|path| {
            path.place = format!("{}, `path`", fields.place);
            self.path(path, &mut usage)
        });
        let body = self.body(&fields, &mut usage);
        let defaults = self.context.defaults.with(&fields);
        let headers = self.headers(&defaults, body.as_ref(), &mut usage);
        let probability = probability(&fields);
        let expect = self.expect(&defaults, Some(&fields), &mut usage);
        let when = self.when(&fields, &mut usage);
        let captures = self.captures(&fields, &mut usage);
        let metrics = self.metrics(&fields, &mut usage);
        let (pause, host) = (pause(&fields), self.host(&fields));
        let (stream, model) = (self.stream(&fields), self.model(&fields));
        fields.get("repeat");
        fields.finish();
        self.check_order(&fields.span, &usage);
        let goes_on = self.goes_on(&mut usage);
        if matches!(stream, Some(None)) {
            self.check_stream(&fields.span, &usage);
        }
        let step = self.step(name, method?, path?, headers, expect?, &usage);
        Some(Step {
            body,
            host: host?,
            stream: stream?,
            model: model?,
            pause: pause?,
            when: when?,
            goes_on: goes_on?,
            timeout: defaults.timeout,
            redirects: defaults.redirects,
            probability: probability?,
            captures,
            metrics,
            ..step
        })
    }

    fn step(
        &self,
        name: String,
        method: Method,
        path: Text,
        headers: Vec<(HeaderName, Text)>,
        expect: Expect,
        usage: &Usage,
    ) -> Step {
        let captured = self.earlier.iter();
        let needs = captured.filter(|name| usage.needs.contains(*name));
        Step {
            name: Arc::from(name),
            method,
            path,
            headers,
            body: None,
            timeout: self.context.defaults.timeout,
            redirects: self.context.defaults.redirects,
            probability: 1.0,
            host: None,
            stream: None,
            model: None,
            pause: None,
            when: None,
            goes_on: None,
            expect,
            captures: Vec::new(),
            metrics: Vec::new(),
            index: 0,
            needs: needs.map(|name| Arc::from(&**name)).collect(),
            reads_body: usage.reads.contains("body") || usage.reads.contains("json"),
        }
    }

    /// The request's name: its own, or method and path as they are written.
    fn name(
        &self,
        fields: &mut Fields<'_, '_, '_>,
        method: Option<&Method>,
        path: Option<&Snippet>,
    ) -> String {
        let expected = "a name of up to 200 characters, the same for every request (no `{{`)";
        let own = fields.read("name", expected, |value| {
            let name = value.as_str()?;
            let length = (1..=MAX_NAME).contains(&name.chars().count());
            let good = length && !name.contains("{{") && !name.contains(char::is_control);
            good.then(|| name.to_owned())
        });
        let name = own.unwrap_or_else(|| {
            let path = path.map_or("", |path| &path.source);
            format!("{} {path}", method.unwrap_or(&Method::GET))
        });
        if name.chars().count() > MAX_NAME {
            fields.mistake(LONG_NAME);
        }
        fields.place = format!("{}, request `{name}`", self.context.place);
        name
    }

    fn path(&self, snippet: &Snippet, usage: &mut Usage) -> Option<Text> {
        let starts_well = snippet.source.starts_with('/') || snippet.source.starts_with("{{");
        if !starts_well || snippet.source.contains(char::is_control) {
            let source = &snippet.source;
            snippet.mistake(
                self.reader,
                format_args!(
                    "{source:?} is no path: write one that begins with `/`, such as \"/health\""
                ),
            );
            return None;
        }
        let text = self.context.compiler.text(snippet, &self.names, usage)?;
        let base = Url::parse("http://host.invalid").expect("a base URL");
        if text
            .constant()
            .is_some_and(|path| request_url(&base, path).is_none())
        {
            snippet.mistake(
                self.reader,
                "it makes no URL: write a path such as \"/health\"",
            );
        }
        Some(text)
    }

    fn headers(
        &self,
        defaults: &Defaults,
        body: Option<&Body>,
        usage: &mut Usage,
    ) -> Vec<(HeaderName, Text)> {
        let mut headers = Vec::new();
        for (name, snippet) in &defaults.headers {
            let Some(text) = self.context.compiler.text(snippet, &self.names, usage) else {
                continue;
            };
            let invalid = |text: &str| HeaderValue::from_str(text).is_err();
            if text.constant().is_some_and(invalid) {
                snippet.mistake(
                    self.reader,
                    "a header cannot hold line breaks or control characters: remove them",
                );
            }
            headers.push((name.clone(), text));
        }
        let typed = headers.iter().any(|(name, _)| *name == CONTENT_TYPE);
        let content_type = body.and_then(Body::content_type).filter(|_| !typed);
        headers.extend(content_type.map(|value| (CONTENT_TYPE, Text::fixed(value.to_owned()))));
        headers
    }

    /// The expectation: an `expect` that looks at the status replaces a `status` of further out.
    fn expect(
        &self,
        defaults: &Defaults,
        fields: Option<&Fields<'_, '_, '_>>,
        usage: &mut Usage,
    ) -> Option<Expect> {
        let names = self.response_names();
        let compiler = self.context.compiler;
        let mut own = Usage::default();
        let condition = match &defaults.expect {
            None => Some(None),
            Some(snippet) => compiler.expression(snippet, &names, &mut own).map(Some),
        };
        let looks = own.reads.contains("status");
        let status = match &defaults.status {
            Some(status) if !(looks && defaults.expect_is_nearer) => status.clone(),
            None if !looks => StatusRule::below_400(),
            _ => StatusRule::any(),
        };
        let failure = match fields.and_then(|fields| fields.get("failure")) {
            None => Some(None),
            Some(field) => field
                .snippet(self.reader, "a text such as \"refused: {{ json.reason }}\"")
                .and_then(|snippet| compiler.text(&snippet, &names, &mut own))
                .map(Some),
        };
        usage.merge(own);
        Some(Expect {
            status,
            condition: condition?,
            failure: failure?,
            variables: Arc::clone(&compiler.engine.variables),
        })
    }

    fn captures(&self, fields: &Fields<'_, '_, '_>, usage: &mut Usage) -> Vec<Capture> {
        let Some(captures) = fields.get("capture") else {
            return Vec::new();
        };
        let expected = "a table of names and expressions, such as { id = \"json.id\" }";
        let mut own = Usage::default();
        let mut read = Vec::new();
        for (name, span, field) in captures.entries(self.reader, expected) {
            if check_variable(self.reader, name, &span).is_none() {
                continue;
            }
            if self.names.drawn.iter().any(|drawn| drawn == name) {
                self.reader.mistake(
                    &span,
                    format!("`{name}` is drawn by the task: choose another name"),
                );
            }
            let snippet = field.snippet(self.reader, "an expression such as \"json.id\"");
            let value = snippet.and_then(|snippet| {
                let names = self.response_names();
                self.context.compiler.expression(&snippet, &names, &mut own)
            });
            read.extend(value.map(|value| Capture {
                name: Arc::from(name),
                value,
            }));
        }
        usage.merge(own);
        read
    }
}

fn known_method(name: &str) -> Option<Method> {
    METHODS
        .contains(&name)
        .then(|| Method::from_bytes(name.as_bytes()).ok())
        .flatten()
}

fn probability(fields: &Fields<'_, '_, '_>) -> Option<f64> {
    let Some(field) = fields.get("probability") else {
        return Some(1.0);
    };
    let expected = "a number above 0 and up to 1, such as 0.2 for one time in five";
    field.convert(fields.reader, expected, |value| {
        number(value).filter(|probability| *probability > 0.0 && *probability <= 1.0)
    })
}
