//! Writes statements with guards at their values.

use minijinja::machinery::ast::{Expr, Stmt};

use super::expressions::Writer;
use super::operators::{IF, OR, PRIMARY};
use crate::workload::bounds::{BOUNDED, INDEXED};

impl Writer {
    fn statements(&mut self, statements: &[Stmt<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    pub(super) fn statement(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            // a brace could become one half of a delimiter
            Stmt::EmitRaw(raw) if raw.raw.contains('{') => {
                self.push("{{ ");
                self.string(raw.raw);
                self.push(" }}");
            }
            Stmt::EmitRaw(raw) => self.push(raw.raw),
            Stmt::EmitExpr(emit) => {
                self.push("{{ ");
                self.guarded(&emit.expr, BOUNDED, IF);
                self.push(" }}");
            }
            Stmt::ForLoop(each) => {
                self.push("{% for ");
                self.target(&each.target);
                self.push(" in ");
                self.guarded(&each.iter, INDEXED, OR);
                if let Some(filter) = &each.filter_expr {
                    self.push(" if ");
                    self.expression(filter, OR);
                }
                self.push(" %}");
                self.statements(&each.body);
                if !each.else_body.is_empty() {
                    self.push("{% else %}");
                    self.statements(&each.else_body);
                }
                self.push("{% endfor %}");
            }
            Stmt::IfCond(condition) => {
                self.push("{% if ");
                self.expression(&condition.expr, OR);
                self.push(" %}");
                self.statements(&condition.true_body);
                if !condition.false_body.is_empty() {
                    self.push("{% else %}");
                    self.statements(&condition.false_body);
                }
                self.push("{% endif %}");
            }
            Stmt::WithBlock(_) | Stmt::Set(_) | Stmt::SetBlock(_) => self.setting(statement),
            Stmt::FilterBlock(block) => {
                self.push("{% filter ");
                self.expression(&block.filter, IF);
                self.push(" %}");
                self.statements(&block.body);
                self.push("{% endfilter %}");
            }
            Stmt::Do(call) => {
                self.push("{% do ");
                self.expression(&call.call.expr, PRIMARY);
                self.arguments(&call.call.args, BOUNDED);
                self.push(" %}");
            }
            // the walk before has refused every other kind
            _ => {}
        }
    }

    /// Writes a statement that gives names to values.
    fn setting(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::WithBlock(with) => {
                self.push("{% with ");
                for (index, (target, value)) in with.assignments.iter().enumerate() {
                    self.push(if index == 0 { "" } else { ", " });
                    self.target(target);
                    self.push(" = ");
                    self.guarded(value, BOUNDED, IF);
                }
                self.push(" %}");
                self.statements(&with.body);
                self.push("{% endwith %}");
            }
            Stmt::Set(set) => {
                self.push("{% set ");
                self.target(&set.target);
                self.push(" = ");
                self.guarded(&set.expr, BOUNDED, IF);
                self.push(" %}");
            }
            Stmt::SetBlock(set) => {
                self.push("{% set ");
                self.target(&set.target);
                if let Some(filter) = &set.filter {
                    self.push(" | ");
                    self.expression(filter, IF);
                }
                self.push(" %}");
                self.statements(&set.body);
                self.push("{% endset %}");
            }
            _ => {}
        }
    }

    fn target(&mut self, target: &Expr<'_>) {
        match target {
            Expr::List(list) => {
                self.push("(");
                for item in &list.items {
                    self.target(item);
                    self.push(", ");
                }
                self.push(")");
            }
            other => self.expression(other, PRIMARY),
        }
    }
}
