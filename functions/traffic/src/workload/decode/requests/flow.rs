//! When and where a request is sent: `pause`, `when`, `host`, and how a group goes on.

use std::ops::Range;
use std::sync::Arc;

use crate::workload::class::Host;
use crate::workload::compile::Usage;
use crate::workload::decode::classes::known_host;
use crate::workload::decode::context::Request;
use crate::workload::engine::Program;
use crate::workload::read::{Field, Fields, Snippet};
use crate::workload::wait::Wait;

impl Request<'_, '_, '_, '_> {
    /// The host that the request goes to, if it is not its class's.
    pub(super) fn host(&self, fields: &Fields<'_, '_, '_>) -> Option<Option<Arc<Host>>> {
        let Some(field) = fields.get("host") else {
            return Some(None);
        };
        let host = known_host(self.reader, &field, &fields.place, self.context.hosts)?;
        // where a run sends its class elsewhere, this goes along
        let is_own = self
            .context
            .host
            .is_none_or(|of_class| *of_class.name() != *host.name());
        Some(is_own.then_some(host))
    }

    pub(super) fn when(
        &self,
        fields: &Fields<'_, '_, '_>,
        usage: &mut Usage,
    ) -> Option<Option<Program>> {
        let Some(field) = fields.get("when") else {
            return Some(None);
        };
        let expected =
            "an expression over values that are known before it is sent, such as \"user % 2 == 0\"";
        let snippet = field.snippet(self.reader, expected)?;
        let compiler = self.context.compiler;
        compiler.expression(&snippet, &self.names, usage).map(Some)
    }

    /// Whether the group that this request belongs to goes on, by its response.
    pub(super) fn goes_on(&self, usage: &mut Usage) -> Option<Option<Arc<Program>>> {
        let Some(snippet) = &self.repeat else {
            return Some(None);
        };
        let program = self.of_response(snippet, usage)?;
        Some(Some(Arc::new(program)))
    }

    /// An expression over the response that does not decide whether the request is sent.
    pub(super) fn over_response(
        &self,
        field: &Field<'_, '_>,
        expected: &str,
        usage: &mut Usage,
    ) -> Option<Program> {
        let snippet = field.snippet(self.reader, expected)?;
        self.of_response(&snippet, usage)
    }

    fn of_response(&self, snippet: &Snippet, usage: &mut Usage) -> Option<Program> {
        let mut own = Usage::default();
        let names = self.response_names();
        let compiler = self.context.compiler;
        let program = compiler.expression(snippet, &names, &mut own)?;
        usage.reads.extend(own.reads);
        Some(program)
    }

    /// Says which values are not there yet when a group's requests are sent first.
    pub(super) fn check_order(&self, span: &Range<usize>, usage: &Usage) {
        let later = self
            .names
            .captured
            .iter()
            .filter(|name| !self.earlier.contains(name));
        if let Some(name) = later.into_iter().find(|name| usage.needs.contains(*name)) {
            let message = format!(
                "{}: `{name}` is not captured yet when the group is sent first: write `{name} | default(...)`",
                self.context.place
            );
            self.reader.mistake(span, message);
        }
    }
}

/// The pause before a request, in the words of a wait.
pub(super) fn pause(fields: &Fields<'_, '_, '_>) -> Option<Option<Wait>> {
    let Some(field) = fields.get("pause") else {
        return Some(None);
    };
    let expected = "\"between(1, 3)\" or \"constant(2)\", in seconds";
    let pause = field.convert(fields.reader, expected, |value| {
        let pause = Wait::parse(value.as_str()?).ok()?;
        matches!(pause, Wait::Between { .. } | Wait::Constant(_)).then_some(pause)
    });
    pause.map(Some)
}
