//! Writes expressions with a guard at each value that may be large.

use std::fmt::Write as _;

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, UnaryOpKind};
use minijinja::value::Value;

use super::operators::{
    COMPARE, FILTER, IF, Kind, NEGATION, NOT, OR, PRIMARY, SUM, binds, compared, constants,
    is_small, kind_of, written,
};
use crate::workload::bounds::{BOUNDED, INDEXED, REPEATED};

/// Filters that look at no more than an end of their value, or at how long it is.
const SHALLOW: [&str; 4] = ["count", "first", "last", "length"];

/// Filters whose value may be undefined.
const GUARDING: [&str; 2] = ["d", "default"];

/// Filters that do something to each item of a list.
const EACH: [&str; 5] = ["map", "reject", "rejectattr", "select", "selectattr"];

/// Writes a template anew.
#[derive(Default)]
pub(super) struct Writer {
    /// What is written so far.
    pub(super) out: String,
}

impl Writer {
    pub(super) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Writes an expression that a guard looks at, unless its value cannot be large.
    pub(super) fn guarded(&mut self, expression: &Expr<'_>, guard: &str, level: u8) {
        if is_small(expression) {
            return self.expression(expression, level);
        }
        self.parenthesized(level > FILTER, |writer| {
            writer.expression(expression, FILTER);
            writer.push("|");
            writer.push(guard);
        });
    }

    fn parenthesized(&mut self, needed: bool, write: impl FnOnce(&mut Self)) {
        self.push(if needed { "(" } else { "" });
        write(self);
        self.push(if needed { ")" } else { "" });
    }

    /// Writes an expression, in parentheses if it binds less than `level`.
    pub(super) fn expression(&mut self, expression: &Expr<'_>, level: u8) {
        self.parenthesized(binds(expression) < level, |writer| writer.bare(expression));
    }

    fn bare(&mut self, expression: &Expr<'_>) {
        match expression {
            Expr::Const(constant) => self.constant(&constant.value),
            Expr::Var(variable) => self.push(variable.id),
            Expr::Filter(_) | Expr::Test(_) => self.filtered(expression),
            Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Slice(_) => self.taken(expression),
            Expr::UnaryOp(operation) => match operation.op {
                UnaryOpKind::Not => {
                    self.push("not ");
                    self.expression(&operation.expr, NOT);
                }
                UnaryOpKind::Neg => {
                    self.push("-");
                    self.expression(&operation.expr, NEGATION);
                }
            },
            Expr::BinOp(operation) => {
                self.operation(operation.op, &operation.left, &operation.right)
            }
            Expr::Compare(compare) => {
                self.guarded(&compare.expr, BOUNDED, SUM);
                for step in &compare.ops {
                    self.push(compared(step.op));
                    self.guarded(&step.expr, BOUNDED, SUM);
                }
            }
            Expr::IfExpr(condition) => {
                self.expression(&condition.true_expr, OR);
                self.push(" if ");
                self.expression(&condition.test_expr, OR);
                if let Some(otherwise) = &condition.false_expr {
                    self.push(" else ");
                    self.expression(otherwise, IF);
                }
            }
            Expr::Call(call) => {
                self.expression(&call.expr, PRIMARY);
                self.arguments(&call.args, BOUNDED);
            }
            Expr::List(list) => self.listed("[", &list.items, "]"),
            Expr::Tuple(tuple) => {
                let end = if tuple.items.len() == 1 { ",)" } else { ")" };
                self.listed("(", &tuple.items, end);
            }
            Expr::Map(map) => {
                self.push("{");
                for (index, (key, value)) in map.keys.iter().zip(&map.values).enumerate() {
                    self.push(if index == 0 { "" } else { ", " });
                    self.guarded(key, BOUNDED, IF);
                    self.push(": ");
                    self.guarded(value, BOUNDED, IF);
                }
                self.push("}");
            }
        }
    }

    /// Writes a value with its filter or its test.
    fn filtered(&mut self, expression: &Expr<'_>) {
        match expression {
            Expr::Filter(filter) => {
                if let Some(value) = &filter.expr {
                    match filter.name {
                        name if GUARDING.contains(&name) => self.expression(value, FILTER),
                        // in a block there is only text before the filter
                        _ if filter_of_block(value) => self.expression(value, FILTER),
                        name if SHALLOW.contains(&name) => self.guarded(value, INDEXED, FILTER),
                        _ => self.guarded(value, BOUNDED, FILTER),
                    }
                    self.push("|");
                }
                self.push(filter.name);
                if !filter.args.is_empty() {
                    let each = EACH.contains(&filter.name);
                    self.arguments(&filter.args, if each { REPEATED } else { BOUNDED });
                }
            }
            Expr::Test(test) => {
                if matches!(test.name, "defined" | "undefined") || test.args.is_empty() {
                    self.expression(&test.expr, FILTER);
                } else {
                    self.guarded(&test.expr, BOUNDED, FILTER);
                }
                self.push(" is ");
                self.push(test.name);
                if !test.args.is_empty() {
                    self.arguments(&test.args, BOUNDED);
                }
            }
            _ => {}
        }
    }

    /// Writes what is taken out of a value.
    fn taken(&mut self, expression: &Expr<'_>) {
        match expression {
            Expr::GetAttr(attribute) => {
                self.expression(&attribute.expr, PRIMARY);
                self.push(".");
                self.push(attribute.name);
            }
            Expr::GetItem(item) => {
                match &item.subscript_expr {
                    // a text has no keys
                    Expr::Const(key) if key.value.as_str().is_some() => {
                        self.expression(&item.expr, PRIMARY);
                    }
                    _ => self.guarded(&item.expr, INDEXED, PRIMARY),
                }
                self.push("[");
                self.guarded(&item.subscript_expr, BOUNDED, IF);
                self.push("]");
            }
            Expr::Slice(slice) => {
                self.guarded(&slice.expr, INDEXED, PRIMARY);
                self.push("[");
                for (bound, separator) in
                    [(&slice.start, ":"), (&slice.stop, ":"), (&slice.step, "")]
                {
                    if let Some(bound) = bound {
                        self.expression(bound, IF);
                    }
                    self.push(separator);
                }
                self.push("]");
            }
            _ => {}
        }
    }

    fn listed(&mut self, open: &str, items: &[Expr<'_>], close: &str) {
        self.push(open);
        for (index, item) in items.iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " });
            self.guarded(item, BOUNDED, IF);
        }
        self.push(close);
    }

    fn operation(&mut self, kind: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) {
        let (sign, level) = written(kind);
        let (left_level, right_level) = if level == COMPARE {
            (SUM, SUM)
        } else {
            (level, level + 1)
        };
        let compared = level == COMPARE && kind_of(kind) != Kind::Contains;
        let free = match kind_of(kind) {
            Kind::Logic | Kind::Number => true,
            // what is compared with a number, or with a short text, takes no time
            Kind::Guarded => compared && (is_small(left) || is_small(right)),
            Kind::Contains => constants(right).is_some(),
        };
        if free {
            self.expression(left, left_level);
        } else {
            self.guarded(left, BOUNDED, left_level);
        }
        self.push(sign);
        if free {
            self.expression(right, right_level);
        } else {
            self.guarded(right, BOUNDED, right_level);
        }
    }

    pub(super) fn arguments(&mut self, arguments: &[CallArg<'_>], guard: &str) {
        self.push("(");
        for (index, argument) in arguments.iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " });
            match argument {
                CallArg::Pos(value) => self.guarded(value, guard, IF),
                CallArg::Kwarg(name, value) => {
                    self.push(name);
                    self.push("=");
                    self.guarded(value, guard, IF);
                }
                CallArg::PosSplat(value) => {
                    self.push("*");
                    self.guarded(value, guard, IF);
                }
                CallArg::KwargSplat(value) => {
                    self.push("**");
                    self.guarded(value, guard, IF);
                }
            }
        }
        self.push(")");
    }

    fn constant(&mut self, value: &Value) {
        match value.as_str() {
            Some(text) => self.string(text),
            None if value.is_number() && !value.is_integer() => {
                let number = f64::try_from(value.clone()).unwrap_or(f64::INFINITY);
                if number.is_finite() {
                    write!(self.out, "{number:?}").expect("a string takes every write");
                } else {
                    self.push("1e999");
                }
            }
            None => write!(self.out, "{value}").expect("a string takes every write"),
        }
    }

    pub(super) fn string(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }
}

/// True if the filter chain begins with the text of a block.
fn filter_of_block(expression: &Expr<'_>) -> bool {
    match expression {
        Expr::Filter(filter) => filter.expr.as_ref().is_none_or(filter_of_block),
        _ => false,
    }
}
