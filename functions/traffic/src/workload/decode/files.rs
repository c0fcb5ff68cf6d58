//! `files` of a request: each a file beside the workload, or a value of a pool.

use std::sync::Arc;

use reqwest::header::HeaderValue;
use toml::de::DeValue;

use super::beside;
use crate::workload::compile::{Compiler, Usage};
use crate::workload::multipart::{Content, File};
use crate::workload::read::{Field, Fields, instead};
use crate::workload::syntax::TemplateNames;
use crate::workload::text::Text;

const EXPECTED: &str = "an array of tables, such as [{ field = \"photo\", path = \"photo.jpg\", type = \"image/jpeg\" }]";

/// Reads the files of a request; nothing if there is a mistake in them.
pub(super) fn read(
    field: &Field<'_, '_>,
    compiler: &Compiler<'_, '_>,
    names: &TemplateNames,
    usage: &mut Usage,
) -> Option<Vec<File>> {
    let elements = field.elements();
    let files: Vec<_> = elements
        .iter()
        .map(|element| {
            let table = element.convert(compiler.reader, EXPECTED, DeValue::as_table)?;
            let own = Fields::new(
                compiler.reader,
                &*element.place,
                table,
                element.span.clone(),
            );
            let read = file(&own, compiler, names, usage);
            own.finish();
            read
        })
        .collect();
    files.into_iter().collect()
}

fn file(
    fields: &Fields<'_, '_, '_>,
    compiler: &Compiler<'_, '_>,
    names: &TemplateNames,
    usage: &mut Usage,
) -> Option<File> {
    let name_of_field = fields.read("field", "the name of a field of the form", DeValue::as_str);
    if fields.get("field").is_none() {
        fields.mistake("it has no `field`: write the name of the form's field that it stands in");
    }
    let expected = "a media type such as \"image/jpeg\"";
    let content_type = fields.read("type", expected, |value| {
        let text = value
            .as_str()
            .filter(|text| HeaderValue::from_str(text).is_ok())?;
        Some(text.to_owned())
    });
    let (content, usual_name) = match (fields.get("path"), fields.get("pool")) {
        (Some(path), None) => {
            let (content, name) = beside::content(&path, compiler.reader, compiler.files)?;
            (Content::Read(content), name)
        }
        (None, Some(pool)) => (from_pool(&pool, compiler)?, name_of_field?.to_owned()),
        _ => {
            fields.mistake("it needs a `path` or a `pool`: write one of them");
            return None;
        }
    };
    let name = match fields.get("name") {
        None => Text::fixed(usual_name),
        Some(name) => {
            let snippet = name.snippet(fields.reader, "the file's name")?;
            compiler.text(&snippet, names, usage)?
        }
    };
    Some(File {
        field: name_of_field?.to_owned(),
        name,
        content_type,
        content,
    })
}

fn from_pool(field: &Field<'_, '_>, compiler: &Compiler<'_, '_>) -> Option<Content> {
    let name = field.convert(compiler.reader, "the name of a pool", DeValue::as_str)?;
    let pools = &compiler.engine.pools;
    let Some(pool) = pools.get(name) else {
        let hint = instead(name, pools.keys().map(String::as_str));
        let message = format!("{}: unknown pool `{name}`: {hint}", field.place);
        compiler.reader.mistake(&field.span, message);
        return None;
    };
    Some(Content::Drawn(Arc::clone(pool)))
}
