//! The names that are known before a template is inspected, and what inspecting it finds.

use std::collections::BTreeSet;

use crate::workload::record::Columns;
use crate::workload::variables::VariableUse;

/// The names that a template may use where it stands.
#[derive(Clone, Debug, Default)]
pub(in crate::workload) struct TemplateNames {
    /// The names that are always there.
    pub(in crate::workload) fixed: Vec<&'static str>,
    /// The names that the task draws.
    pub(in crate::workload) drawn: Vec<String>,
    /// Those of them that are records, with the columns that these have.
    pub(in crate::workload) records: Vec<(String, Columns)>,
    /// The names that earlier requests of the task capture.
    pub(in crate::workload) captured: Vec<String>,
    /// The names that this request or a later one captures, for a better message.
    pub(in crate::workload) captured_later: Vec<String>,
    /// True if the functions that only requests have are available.
    pub(in crate::workload) random: bool,
}

impl TemplateNames {
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let own = self.drawn.iter().chain(&self.captured).map(String::as_str);
        self.fixed.iter().copied().chain(own)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }
}

/// Something wrong on a line of a template, counted from 0.
pub(super) type Problem = (usize, String);

/// The names that a template uses, and the problems in it.
#[derive(Debug, Default)]
pub(in crate::workload) struct Findings {
    pub(in crate::workload) problems: Vec<Problem>,
    /// Every name of ours that it reads.
    pub(in crate::workload) reads: BTreeSet<String>,
    /// Those of them that it cannot do without: not only in `x | default(...)` or `x is defined`.
    pub(in crate::workload) needs: BTreeSet<String>,
    /// The environment variables that it names, with their lines.
    pub(in crate::workload) variables: Vec<(usize, VariableUse)>,
    /// The template in pieces, if it is nothing but text and names.
    pub(in crate::workload) pieces: Option<Vec<TemplatePiece>>,
    /// The words and signs that it consists of.
    pub(in crate::workload) tokens: usize,
}

/// A part of a template that is nothing but text and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::workload) enum TemplatePiece {
    Text(String),
    Name(String),
}
