//! Operators: how they are written, how close they bind, and whether their operands may cost more than is counted.

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, UnaryOpKind};

/// The precedence of an expression, from the loosest; an operand that binds less stands in parentheses.
pub(super) const IF: u8 = 0;
pub(super) const OR: u8 = 1;
pub(super) const AND: u8 = 2;
pub(super) const NOT: u8 = 3;
pub(super) const COMPARE: u8 = 4;
pub(super) const SUM: u8 = 5;
pub(super) const CONCAT: u8 = 6;
pub(super) const PRODUCT: u8 = 7;
pub(super) const POWER: u8 = 8;
pub(super) const FILTER: u8 = 9;
pub(super) const NEGATION: u8 = 10;
pub(super) const PRIMARY: u8 = 11;

/// The elements of a list of constants that is as good as one constant.
const FEW: usize = 100;

/// The most that an operator may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: one of its operands is the result.
    Logic,
    /// Nothing: it takes numbers only, and gives one.
    Number,
    /// As much as its operands are large.
    Guarded,
    /// As much as its operands are large, unless the right one is a list of constants.
    Contains,
}

pub(super) fn kind_of(kind: BinOpKind) -> Kind {
    match kind {
        BinOpKind::ScAnd | BinOpKind::ScOr => Kind::Logic,
        BinOpKind::Sub | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem | BinOpKind::Pow => {
            Kind::Number
        }
        BinOpKind::In => Kind::Contains,
        _ => Kind::Guarded,
    }
}

pub(super) fn written(kind: BinOpKind) -> (&'static str, u8) {
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

pub(super) fn compared(kind: CompareOpKind) -> &'static str {
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

pub(super) fn binds(expression: &Expr<'_>) -> u8 {
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

/// True if an expression's value is a number, a truth, or a text from the template itself.
pub(super) fn is_small(expression: &Expr<'_>) -> bool {
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
pub(super) fn constants(expression: &Expr<'_>) -> Option<usize> {
    let items = match expression {
        Expr::List(list) => &list.items,
        Expr::Tuple(tuple) => &tuple.items,
        _ => return None,
    };
    let plain = items.iter().all(|item| matches!(item, Expr::Const(_)));
    plain.then_some(items.len())
}
