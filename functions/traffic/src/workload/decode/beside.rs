//! Files beside the workload: read whole when the workload is read. Whoever may put a workload must not read other
//! files by it.

use std::path::{Component, Path};

use bytes::Bytes;
use toml::de::DeValue;

use crate::workload::attached::Files;
use crate::workload::read::{Field, Reader};

/// The content of the file that a field names, and the file's name.
pub(super) fn content(
    field: &Field<'_, '_>,
    reader: &Reader<'_>,
    files: &Files<'_>,
) -> Option<(Bytes, String)> {
    let text = field.convert(reader, "the name of a file", DeValue::as_str)?;
    let path = Path::new(text);
    let is_within = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let Some(name) = name.filter(|_| is_within) else {
        let expected = "the name of a file in the workload's folder, without `..`";
        field.is_not(reader, expected);
        return None;
    };
    match files.content(text) {
        Ok(content) => Some((content, name)),
        Err(error) => {
            let message = format!("{} {text:?}: {error}", field.place);
            reader.mistake(&field.span, message);
            None
        }
    }
}
