//! Writes a template anew with a guard at each place that may cost more than the engine counts.
//!
//! The engine's fuel counts instructions, text and the items of one list, but not what lists hold in turn:
//! comparing, joining or printing a list of lists of lists takes as long as there are elements. The filters
//! of `bounds` charge for these and bound their depth. Constants and results of arithmetic need no guard.

use minijinja::machinery::ast::{Expr, Stmt};

use crate::workload::bounds::BOUNDED;

mod expressions;
mod operators;
mod statements;

use expressions::Writer;
use operators::IF;

/// The template with its guards.
pub(super) fn template(tree: &Stmt<'_>) -> String {
    let mut writer = Writer::default();
    writer.statement(tree);
    writer.out
}

/// The expression with its guards; its value is guarded as well.
pub(super) fn expression(tree: &Expr<'_>) -> String {
    let mut writer = Writer::default();
    writer.guarded(tree, BOUNDED, IF);
    writer.out
}
