//! Finding what is wrong in a template before it runs: unknown names, filters, functions and arguments.
//!
//! Walks minijinja's syntax tree. A template that passes can still fail on values that only the run
//! knows (a response, a captured value), and on nothing else.

use minijinja::Error;
use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::machinery::{parse, parse_expr};

use super::engine::{Engine, syntax};

mod calls;
mod findings;
mod guards;
mod limits;
mod walk;

use findings::Problem;
pub(super) use findings::{Findings, TemplateNames, TemplatePiece};
use walk::Walk;

/// Inspects a template.
pub(super) fn inspect_template(source: &str, names: &TemplateNames, engine: &Engine) -> Findings {
    let tokens = match limits::check(source, false) {
        Ok(tokens) => tokens,
        Err(problem) => return refused(problem),
    };
    match parse(source, "template", syntax()) {
        Err(error) => unreadable(&error),
        Ok(tree) => {
            let mut walk = Walk::new(names, engine);
            walk.statement(&tree);
            let pieces = pieces(&tree);
            Findings {
                pieces,
                tokens,
                ..walk.finish()
            }
        }
    }
}

/// Inspects an expression.
pub(super) fn inspect_expression(source: &str, names: &TemplateNames, engine: &Engine) -> Findings {
    let tokens = match limits::check(source, true) {
        Ok(tokens) => tokens,
        Err(problem) => return refused(problem),
    };
    match parse_expr(source) {
        Err(error) => unreadable(&error),
        Ok(tree) => {
            let mut walk = Walk::new(names, engine);
            walk.expression(&tree, false);
            let pieces = name_of(&tree).map(|name| vec![TemplatePiece::Name(name.to_owned())]);
            Findings {
                pieces,
                tokens,
                ..walk.finish()
            }
        }
    }
}

/// The expression of a template that is exactly one `{{ expression }}`.
pub(super) fn only_expression(source: &str) -> Option<&str> {
    let inside = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inside = inside.strip_prefix('-').unwrap_or(inside);
    let inside = inside.strip_suffix('-').unwrap_or(inside);
    let readable = limits::check(inside, true).is_ok() && parse_expr(inside).is_ok();
    readable.then_some(inside)
}

/// A template that has passed inspection, with what bounds its cost; see [`guards`].
pub(super) fn guarded_template(source: &str) -> Result<String, Error> {
    let tree = parse(source, "template", syntax())?;
    Ok(guards::template(&tree))
}

/// An expression that has passed inspection, with what bounds its cost.
pub(super) fn guarded_expression(source: &str) -> Result<String, Error> {
    let tree = parse_expr(source)?;
    Ok(guards::expression(&tree))
}

fn unreadable(error: &Error) -> Findings {
    let line = error.line().unwrap_or(1).saturating_sub(1);
    let message = error
        .detail()
        .map_or(error.kind().to_string(), str::to_owned);
    refused((line, message))
}

fn refused(problem: Problem) -> Findings {
    Findings {
        problems: vec![problem],
        ..Findings::default()
    }
}

fn name_of<'a>(expression: &Expr<'a>) -> Option<&'a str> {
    match expression {
        Expr::Var(variable) => Some(variable.id),
        _ => None,
    }
}

fn pieces(tree: &Stmt<'_>) -> Option<Vec<TemplatePiece>> {
    let Stmt::Template(template) = tree else {
        return None;
    };
    let segment = |statement: &Stmt<'_>| match statement {
        Stmt::EmitRaw(raw) => Some(TemplatePiece::Text(raw.raw.to_owned())),
        Stmt::EmitExpr(emit) => {
            name_of(&emit.expr).map(|name| TemplatePiece::Name(name.to_owned()))
        }
        _ => None,
    };
    template.children.iter().map(segment).collect()
}
