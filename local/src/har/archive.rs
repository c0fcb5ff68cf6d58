//! The parts of a HAR file that a workload is made of; all else in it is skipped while it is read.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The most requests of a recording, chosen or not.
const MOST_ENTRIES: usize = 50_000;

#[derive(Deserialize)]
pub(super) struct Archive {
    pub(super) log: Log,
}

#[derive(Deserialize)]
pub(super) struct Log {
    #[serde(deserialize_with = "entries")]
    pub(super) entries: Vec<Entry>,
}

/// A request with its response.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) started_date_time: Option<String>,
    /// Milliseconds from the start to the end of the response.
    pub(super) time: Option<f64>,
    /// Chrome's kind of what was asked for.
    #[serde(rename = "_resourceType")]
    pub(super) resource_type: Option<String>,
    pub(super) request: Request,
    pub(super) response: Option<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: Vec<Pair>,
    pub(super) post_data: Option<PostData>,
}

/// A header, or a field of a form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) file_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostData {
    pub(super) mime_type: Option<String>,
    pub(super) text: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) params: Option<Vec<Pair>>,
}

#[derive(Deserialize)]
pub(super) struct Response {
    pub(super) status: Option<i64>,
    #[serde(default)]
    pub(super) headers: Vec<Pair>,
    pub(super) content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    pub(super) mime_type: Option<String>,
}

/// The value of the first header of a name.
pub(super) fn header<'h>(headers: &'h [Pair], name: &str) -> Option<&'h str> {
    let header = headers
        .iter()
        .find(|pair| pair.name.eq_ignore_ascii_case(name));
    header?.value.as_deref()
}

/// Reads entries until there are too many, so that their number does not decide how much memory is taken.
fn entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Entry>, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<Entry>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of requests")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = seq.next_element()? {
                if entries.len() == MOST_ENTRIES {
                    let problem = format!("it has more than {MOST_ENTRIES} requests, record less");
                    return Err(A::Error::custom(problem));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_seq(Entries)
}
