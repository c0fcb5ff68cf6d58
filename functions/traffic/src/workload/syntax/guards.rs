//! Writes a template anew with a guard at each place that may cost more than the engine counts.
//!
//! The engine's fuel counts instructions, text and the items of one list, but not what lists hold in turn:
//! comparing, joining or printing a list of lists of lists takes as long as there are elements. The filters
//! of `bounds` charge for these and bound their depth. Constants and results of arithmetic need no guard.

use std::fmt::Write as _;

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, Stmt, UnaryOpKind};
use minijinja::value::Value;

use crate::workload::bounds::{BOUNDED, INDEXED, REPEATED};

/// The precedence of an expression, from the loosest; an operand that binds less stands in parentheses.
const IF: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const SUM: u8 = 5;
const CONCAT: u8 = 6;
const PRODUCT: u8 = 7;
const POWER: u8 = 8;
const FILTER: u8 = 9;
const NEGATION: u8 = 10;
const PRIMARY: u8 = 11;

/// Filters that look at no more than an end of their value, or at how long it is.
const SHALLOW: [&str; 4] = ["count", "first", "last", "length"];

/// Filters whose value may be undefined.
const GUARDING: [&str; 2] = ["d", "default"];

/// Filters that do something to each item of a list.
const EACH: [&str; 5] = ["map", "reject", "rejectattr", "select", "selectattr"];

/// The elements of a list of constants that is as good as one constant.
const FEW: usize = 100;

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

#[derive(Default)]
struct Writer {
    out: String,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn statements(&mut self, statements: &[Stmt<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt<'_>) {
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

    /// Writes an expression that a guard looks at, unless its value cannot be large.
    fn guarded(&mut self, expression: &Expr<'_>, guard: &str, level: u8) {
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
    fn expression(&mut self, expression: &Expr<'_>, level: u8) {
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

    fn arguments(&mut self, arguments: &[CallArg<'_>], guard: &str) {
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

    fn string(&mut self, text: &str) {
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

/// The most that an operator may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing: one of its operands is the result.
    Logic,
    /// Nothing: it takes numbers only, and gives one.
    Number,
    /// As much as its operands are large.
    Guarded,
    /// As much as its operands are large, unless the right one is a list of constants.
    Contains,
}

fn kind_of(kind: BinOpKind) -> Kind {
    match kind {
        BinOpKind::ScAnd | BinOpKind::ScOr => Kind::Logic,
        BinOpKind::Sub | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem | BinOpKind::Pow => {
            Kind::Number
        }
        BinOpKind::In => Kind::Contains,
        _ => Kind::Guarded,
    }
}

fn written(kind: BinOpKind) -> (&'static str, u8) {
    match kind {
        BinOpKind::Eq => (" == ", COMPARE),
        BinOpKind::Ne => (" != ", COMPARE),
        BinOpKind::Lt => (" < ", COMPARE),
        BinOpKind::Lte => (" <= ", COMPARE),
        BinOpKind::Gt => (" > ", COMPARE),
        BinOpKind::Gte => (" >= ", COMPARE),
        BinOpKind::In => (" in ", COMPARE),
        BinOpKind::ScAnd => (" and ", AND),
        BinOpKind::ScOr => (" or ", OR),
        BinOpKind::Add => (" + ", SUM),
        BinOpKind::Sub => (" - ", SUM),
        BinOpKind::Mul => (" * ", PRODUCT),
        BinOpKind::Div => (" / ", PRODUCT),
        BinOpKind::FloorDiv => (" // ", PRODUCT),
        BinOpKind::Rem => (" % ", PRODUCT),
        BinOpKind::Pow => (" ** ", POWER),
        BinOpKind::Concat => (" ~ ", CONCAT),
    }
}

fn compared(kind: CompareOpKind) -> &'static str {
    match kind {
        CompareOpKind::Eq => " == ",
        CompareOpKind::Ne => " != ",
        CompareOpKind::Lt => " < ",
        CompareOpKind::Lte => " <= ",
        CompareOpKind::Gt => " > ",
        CompareOpKind::Gte => " >= ",
        CompareOpKind::In => " in ",
        CompareOpKind::NotIn => " not in ",
    }
}

fn binds(expression: &Expr<'_>) -> u8 {
    match expression {
        Expr::IfExpr(_) => IF,
        Expr::BinOp(operation) => written(operation.op).1,
        Expr::Compare(_) => COMPARE,
        Expr::UnaryOp(operation) => match operation.op {
            UnaryOpKind::Not => NOT,
            UnaryOpKind::Neg => NEGATION,
        },
        Expr::Filter(_) | Expr::Test(_) => FILTER,
        _ => PRIMARY,
    }
}

/// True if the filter chain begins with the text of a block.
fn filter_of_block(expression: &Expr<'_>) -> bool {
    match expression {
        Expr::Filter(filter) => filter.expr.as_ref().is_none_or(filter_of_block),
        _ => false,
    }
}

/// True if an expression's value is a number, a truth, or a text from the template itself.
fn is_small(expression: &Expr<'_>) -> bool {
    match expression {
        Expr::Const(_) | Expr::Test(_) | Expr::Compare(_) | Expr::UnaryOp(_) => true,
        Expr::BinOp(operation) => {
            let (_, level) = written(operation.op);
            level == COMPARE || kind_of(operation.op) == Kind::Number
        }
        list => constants(list).is_some_and(|count| count <= FEW),
    }
}

/// The number of elements of a list of nothing but constants.
fn constants(expression: &Expr<'_>) -> Option<usize> {
    let items = match expression {
        Expr::List(list) => &list.items,
        Expr::Tuple(tuple) => &tuple.items,
        _ => return None,
    };
    let plain = items.iter().all(|item| matches!(item, Expr::Const(_)));
    plain.then_some(items.len())
}
