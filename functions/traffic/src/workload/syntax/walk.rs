//! The walk through a template's syntax tree that finds unknown names, filters, tests and functions.

use std::collections::BTreeSet;

use minijinja::ErrorKind;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{Call, CallArg, CallType, Expr, Stmt};

use super::calls;
use super::findings::{Findings, Problem, TemplateNames};
use crate::workload::engine::Engine;
use crate::workload::functions::REQUEST_FUNCTIONS;
use crate::workload::headers::HEADER_METHODS;
use crate::workload::metric::METRIC;
use crate::workload::moment::NOW;
use crate::workload::pattern::REGEX;
use crate::workload::read::instead;
use crate::workload::variables::{ENV, SECRET, VariableUse};

/// Filters to suggest; the engine knows which there are.
const FILTERS: [&str; 25] = [
    "abs",
    "base64",
    "default",
    "first",
    "float",
    "format",
    "fromjson",
    "hmac",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lower",
    "max",
    "metric",
    "min",
    "regex",
    "replace",
    "round",
    "sum",
    "tojson",
    "trim",
    "upper",
    "urlencode",
];

/// Tests to suggest.
const TESTS: [&str; 14] = [
    "defined",
    "endingwith",
    "even",
    "false",
    "in",
    "mapping",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// At most so many problems of one template are listed.
const MOST_PROBLEMS: usize = 100;

/// One use of a name.
struct Use<'a> {
    name: &'a str,
    line: usize,
    guarded: bool,
}

/// A walk through a template's tree, and what it has seen.
pub(super) struct Walk<'w, 'a> {
    names: &'w TemplateNames,
    engine: &'w Engine,
    uses: Vec<Use<'a>>,
    /// Names that the template itself sets.
    own: BTreeSet<&'a str>,
    calls: Vec<(&'a str, usize)>,
    variables: Vec<(usize, VariableUse)>,
    /// What is taken of a value: its name, the column and the line.
    taken: Vec<(&'a str, String, usize)>,
    problems: Vec<Problem>,
}

fn line(span: Span) -> usize {
    usize::from(span.start_line).saturating_sub(1)
}

impl<'w, 'a> Walk<'w, 'a> {
    pub(super) fn new(names: &'w TemplateNames, engine: &'w Engine) -> Self {
        Self {
            names,
            engine,
            uses: Vec::new(),
            own: BTreeSet::new(),
            calls: Vec::new(),
            variables: Vec::new(),
            taken: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The findings of the walk, once names that the template sets itself are all known.
    pub(super) fn finish(mut self) -> Findings {
        self.check_calls();
        self.check_columns();
        let mut findings = Findings::default();
        for used in std::mem::take(&mut self.uses) {
            if self.own.contains(used.name) || self.problems.len() >= MOST_PROBLEMS {
                continue;
            }
            if self.names.has(used.name) {
                findings.reads.insert(used.name.to_owned());
                if !used.guarded {
                    findings.needs.insert(used.name.to_owned());
                }
            } else {
                let message = self.unknown(used.name);
                self.problems.push((used.line, message));
            }
        }
        findings.problems = self.problems;
        findings.variables = self.variables;
        findings
    }

    fn unknown(&self, name: &str) -> String {
        if self.names.captured_later.iter().any(|later| later == name) {
            return format!(
                "`{name}` is not captured yet: only requests after the one that captures it have it"
            );
        }
        if self.is_function(name) {
            return format!("`{name}` is a function: write `{name}(...)`");
        }
        format!("unknown name `{name}`: {}", instead(name, self.names.all()))
    }

    fn is_function(&self, name: &str) -> bool {
        self.engine
            .environment()
            .globals()
            .any(|(known, _)| known == name)
    }

    fn check_calls(&mut self) {
        for (name, line) in std::mem::take(&mut self.calls) {
            if self.problems.len() >= MOST_PROBLEMS {
                break;
            }
            if self.own.contains(name) {
                let message = format!("only functions can be called, and `{name}` is none");
                self.problems.push((line, message));
                continue;
            }
            let of_request = REQUEST_FUNCTIONS.contains(&name);
            let message = if self.names.has(name) {
                format!("`{name}` is a value and not a function: leave out the parentheses")
            } else if of_request && !self.names.random {
                match name {
                    NOW => format!("`{name}` cannot be used here: only requests have it"),
                    _ => format!("`{name}` cannot be used here: draw in the task, with `draw`"),
                }
            } else if !self.is_function(name) {
                let globals = self.engine.environment().globals();
                let known: Vec<String> = globals.map(|(known, _)| known.to_owned()).collect();
                match name {
                    "namespace" => "`namespace` is not available here: use a filter such as `sum`, or `set` outside of the loop".to_owned(),
                    _ => {
                        let hint = instead(name, known.iter().map(String::as_str));
                        format!("unknown function `{name}`: {hint}")
                    }
                }
            } else {
                continue;
            };
            self.problems.push((line, message));
        }
    }

    fn check_columns(&mut self) {
        for (of, column, line) in std::mem::take(&mut self.taken) {
            let mut records = self.names.records.iter();
            let known = records.find(|(name, _)| name == of);
            let Some((_, columns)) = known.filter(|_| !self.own.contains(of)) else {
                continue;
            };
            if columns.iter().all(|known| **known != *column) {
                let hint = instead(&column, columns.iter().map(|column| &**column));
                let message = format!("`{of}` has no column `{column}`: {hint}");
                self.problems.push((line, message));
            }
        }
    }

    /// Notes a column that is taken of a value that has a name.
    fn take(&mut self, of: &Expr<'a>, column: &str, span: Span) {
        if let Expr::Var(variable) = of {
            self.taken
                .push((variable.id, column.to_owned(), line(span)));
        }
    }

    fn statements(&mut self, statements: &[Stmt<'a>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    /// Walks a statement and what is in it.
    pub(super) fn statement(&mut self, statement: &Stmt<'a>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitRaw(_) => {}
            Stmt::EmitExpr(emit) => self.expression(&emit.expr, false),
            Stmt::ForLoop(each) => {
                self.own.insert("loop");
                if each.recursive {
                    let message = "loops cannot be recursive: leave out `recursive`";
                    self.problems.push((line(each.span()), message.to_owned()));
                }
                self.target(&each.target);
                self.expression(&each.iter, false);
                self.optional(each.filter_expr.as_ref());
                self.statements(&each.body);
                self.statements(&each.else_body);
            }
            Stmt::IfCond(condition) => {
                self.expression(&condition.expr, false);
                self.statements(&condition.true_body);
                self.statements(&condition.false_body);
            }
            Stmt::WithBlock(with) => {
                for (target, value) in &with.assignments {
                    self.expression(value, false);
                    self.target(target);
                }
                self.statements(&with.body);
            }
            Stmt::Set(set) => {
                self.expression(&set.expr, false);
                self.target(&set.target);
            }
            Stmt::SetBlock(set) => {
                self.target(&set.target);
                self.optional(set.filter.as_ref());
                self.statements(&set.body);
            }
            Stmt::FilterBlock(block) => {
                self.expression(&block.filter, false);
                self.statements(&block.body);
            }
            Stmt::Do(call) => self.call(&call.call, line(call.span())),
            _ => self
                .problems
                .push((0, "this kind of block is not available here".to_owned())),
        }
    }

    /// The target of an assignment.
    fn target(&mut self, target: &Expr<'a>) {
        match target {
            Expr::Var(variable) => {
                self.own.insert(variable.id);
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.target(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.target(item)),
            other => {
                let message = "only names can be set: `namespace` is not available here";
                self.problems.push((line(other.span()), message.to_owned()));
            }
        }
    }

    fn optional(&mut self, expression: Option<&Expr<'a>>) {
        if let Some(expression) = expression {
            self.expression(expression, false);
        }
    }

    fn all(&mut self, expressions: &[Expr<'a>]) {
        for expression in expressions {
            self.expression(expression, false);
        }
    }

    /// Walks an expression; `guarded` if it may as well be undefined.
    pub(super) fn expression(&mut self, expression: &Expr<'a>, guarded: bool) {
        match expression {
            Expr::Const(_) => {}
            Expr::Var(variable) => self.uses.push(Use {
                name: variable.id,
                line: line(variable.span()),
                guarded,
            }),
            Expr::Slice(slice) => {
                self.expression(&slice.expr, false);
                for bound in [&slice.start, &slice.stop, &slice.step] {
                    self.optional(bound.as_ref());
                }
            }
            Expr::UnaryOp(operation) => self.expression(&operation.expr, false),
            Expr::BinOp(operation) => {
                self.expression(&operation.left, false);
                self.expression(&operation.right, false);
            }
            Expr::Compare(compare) => {
                self.expression(&compare.expr, false);
                compare
                    .ops
                    .iter()
                    .for_each(|op| self.expression(&op.expr, false));
            }
            Expr::IfExpr(condition) => {
                self.expression(&condition.test_expr, false);
                self.expression(&condition.true_expr, false);
                self.optional(condition.false_expr.as_ref());
            }
            Expr::Filter(filter) => {
                let guards = matches!(filter.name, "default" | "d");
                if let Some(value) = &filter.expr {
                    self.expression(value, guards);
                }
                self.check_filter(filter.name, line(filter.span()));
                let checked = match filter.name {
                    METRIC => calls::check_metric(&filter.args),
                    REGEX => calls::check_regex(&filter.args),
                    _ => Ok(()),
                };
                if let Err(message) = checked {
                    self.problems.push((line(filter.span()), message));
                }
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                let guards = matches!(test.name, "defined" | "undefined");
                self.expression(&test.expr, guards);
                self.check_test(test.name, line(test.span()));
                self.arguments(&test.args);
            }
            Expr::GetAttr(attribute) => {
                self.take(&attribute.expr, attribute.name, attribute.span());
                self.expression(&attribute.expr, false);
            }
            Expr::GetItem(item) => {
                if let Expr::Const(key) = &item.subscript_expr
                    && let Some(column) = key.value.as_str()
                {
                    self.take(&item.expr, column, item.span());
                }
                self.expression(&item.expr, false);
                self.expression(&item.subscript_expr, false);
            }
            Expr::Call(call) => self.call(call, line(call.span())),
            Expr::List(list) => self.all(&list.items),
            Expr::Tuple(tuple) => self.all(&tuple.items),
            Expr::Map(map) => {
                self.all(&map.keys);
                self.all(&map.values);
            }
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'a>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(value)
                | CallArg::Kwarg(_, value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value) => self.expression(value, false),
            }
        }
    }

    fn check_filter(&mut self, name: &str, line: usize) {
        let mut state = self.engine.environment().empty_state();
        let known = state.apply_filter(name, &[]);
        if known.is_err_and(|error| error.kind() == ErrorKind::UnknownFilter) {
            let hint = instead(name, FILTERS.into_iter());
            let message = format!("unknown filter `{name}`: {hint}");
            self.problems.push((line, message));
        }
    }

    fn check_test(&mut self, name: &str, line: usize) {
        let mut state = self.engine.environment().empty_state();
        let known = state.perform_test(name, &[]);
        if known.is_err_and(|error| error.kind() == ErrorKind::UnknownTest) {
            let hint = instead(name, TESTS.into_iter());
            let message = format!("unknown test `{name}`: {hint}");
            self.problems.push((line, message));
        }
    }

    fn call(&mut self, call: &Call<'a>, line: usize) {
        self.arguments(&call.args);
        match call.identify_call() {
            CallType::Function(name) => {
                self.calls.push((name, line));
                let checked = match name {
                    ENV | SECRET => calls::variable(name, &call.args)
                        .map(|used| self.variables.push((line, used))),
                    _ if self.names.random && REQUEST_FUNCTIONS.contains(&name) => {
                        calls::check(name, &call.args, &self.engine.pools)
                    }
                    _ => Ok(()),
                };
                if let Err(message) = checked {
                    self.problems.push((line, message));
                }
            }
            CallType::Method(Expr::Var(of), _) if of.id == "loop" => {}
            CallType::Method(Expr::Var(of), name)
                if of.id == "headers" && HEADER_METHODS.contains(&name) => {}
            CallType::Method(_, name) => {
                let message =
                    format!("there is no method `{name}`: write a filter, `value | {name}`");
                self.problems.push((line, message));
            }
            _ => self
                .problems
                .push((line, "only functions can be called".to_owned())),
        }
    }
}
