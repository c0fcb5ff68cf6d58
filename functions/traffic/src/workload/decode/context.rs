//! What a task's requests are read with: the surroundings that they share, and those of each.

use std::sync::Arc;

use super::defaults::Defaults;
use crate::workload::class::Host;
use crate::workload::compile::Compiler;
use crate::workload::model::Model;
use crate::workload::read::{Reader, Snippet};
use crate::workload::record::Columns;
use crate::workload::response::RESPONSE_NAMES;
use crate::workload::syntax::TemplateNames;

/// The surroundings that the requests of one task share.
pub(super) struct Context<'c, 'r, 's> {
    pub(super) compiler: &'c Compiler<'r, 's>,
    pub(super) defaults: Defaults,
    /// The values that the task draws.
    pub(super) drawn: Vec<String>,
    /// The columns of those values, and of the session's, that are records.
    pub(super) records: Vec<(String, Columns)>,
    /// The values that the user's session keeps.
    pub(super) kept: Vec<String>,
    /// The host of the class, and all that there are.
    pub(super) host: Option<&'c Arc<Host>>,
    pub(super) hosts: &'c [Arc<Host>],
    /// The models that there are.
    pub(super) models: &'c [Arc<Model>],
    pub(super) place: String,
}

/// One request, with what its templates may name.
pub(super) struct Request<'q, 'c, 'r, 's> {
    pub(super) context: &'q Context<'c, 'r, 's>,
    pub(super) names: TemplateNames,
    /// The values that earlier requests and the session have captured.
    pub(super) earlier: Vec<String>,
    /// Whether the group goes on that this request belongs to.
    pub(super) repeat: Option<Snippet>,
    pub(super) reader: &'r Reader<'s>,
}

impl Request<'_, '_, '_, '_> {
    /// The names that a response's expressions may use.
    pub(super) fn response_names(&self) -> TemplateNames {
        let mut names = self.names.clone();
        names.fixed.extend(RESPONSE_NAMES);
        names.random = false;
        names
    }
}
