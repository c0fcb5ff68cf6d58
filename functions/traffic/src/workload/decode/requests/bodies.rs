//! The body of a request: `json`, `body`, or `form` and `files`.

use toml::de::DeValue;

use crate::workload::body::{Body, Form};
use crate::workload::compile::Usage;
use crate::workload::decode::context::Request;
use crate::workload::decode::files;
use crate::workload::multipart::Multipart;
use crate::workload::read::{Field, Fields};
use crate::workload::text::Text;

/// The keys of a request's body, of which it may have one.
const BODIES: [&str; 3] = ["json", "body", "form"];

/// True if a request has a body.
pub(super) fn has_body(fields: &Fields<'_, '_, '_>) -> bool {
    let mut keys = BODIES.into_iter().chain(["files"]);
    keys.any(|key| fields.get(key).is_some())
}

impl Request<'_, '_, '_, '_> {
    pub(super) fn body(&self, fields: &Fields<'_, '_, '_>, usage: &mut Usage) -> Option<Body> {
        let compiler = self.context.compiler;
        let given = BODIES.map(|key| fields.get(key));
        if given.iter().flatten().count() > 1 {
            let given = BODIES
                .iter()
                .zip(&given)
                .filter(|(_, field)| field.is_some());
            let given: Vec<String> = given.map(|(key, _)| format!("`{key}`")).collect();
            fields.mistake(format_args!(
                "it has {}: leave only one of them",
                given.join(" and ")
            ));
            return None;
        }
        let files = fields.get("files");
        let [json, body, form] = given;
        if let Some(files) = files {
            return self.multipart(fields, (json.or(body), form), &files, usage);
        }
        if let Some(json) = json {
            return compiler.json(&json, &self.names, usage).map(Body::Json);
        }
        if let Some(body) = body {
            let snippet = body.snippet(self.reader, "a string; a table goes into `json`")?;
            return compiler.text(&snippet, &self.names, usage).map(Body::Text);
        }
        let form = self.form(&form?, usage)?;
        Some(Body::Form(Form::new(form)))
    }

    fn multipart(
        &self,
        fields: &Fields<'_, '_, '_>,
        (other, form): (Option<Field<'_, '_>>, Option<Field<'_, '_>>),
        files: &Field<'_, '_>,
        usage: &mut Usage,
    ) -> Option<Body> {
        if other.is_some() {
            fields.mistake("it has `files` and another body: put what goes along into `form`");
            return None;
        }
        let form = match form {
            None => Vec::new(),
            Some(form) => self.form(&form, usage)?,
        };
        let files = files::read(files, self.context.compiler, &self.names, usage)?;
        Some(Body::Multipart(Multipart::new(form, files, &fields.place)))
    }

    fn form(&self, form: &Field<'_, '_>, usage: &mut Usage) -> Option<Vec<(String, Text)>> {
        let expected =
            "a table of fields, such as { name = \"{{ user }}\", size = [\"s\", \"m\"] }";
        let mut fields = Vec::new();
        let mut is_whole = form.value.as_table().is_some();
        for (name, _, value) in form.entries(self.reader, expected) {
            for value in value.elements() {
                let text = match value.value {
                    DeValue::Integer(number) => Some(Text::fixed(number.to_string())),
                    DeValue::Float(number) => Some(Text::fixed(number.to_string())),
                    DeValue::Boolean(yes) => Some(Text::fixed(yes.to_string())),
                    _ => value
                        .snippet(self.reader, "a string, a number, or an array of them")
                        .and_then(|text| self.context.compiler.text(&text, &self.names, usage)),
                };
                is_whole &= text.is_some();
                fields.extend(text.map(|text| (name.to_owned(), text)));
            }
        }
        is_whole.then_some(fields)
    }
}
