//! Finding what is wrong in a template before it runs: unknown names, filters, functions and arguments.
//!
//! Walks minijinja's syntax tree. A template that passes can still fail on values that only the run
//! knows (a response, a captured value), and on nothing else.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{Call, CallArg, CallType, Expr, Stmt};
use minijinja::machinery::{Span, parse, parse_expr};
use minijinja::value::Value;
use minijinja::{Error, ErrorKind};

use super::engine::{Engine, RANDOM_FUNCTIONS, check_randint, check_uniform, syntax};
use super::read::instead;

/// Filters to suggest; the engine knows which there are.
const FILTERS: [&str; 20] = [
    "abs",
    "default",
    "first",
    "float",
    "format",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lower",
    "max",
    "min",
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

/// The names that a template may use where it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// What is always there.
    pub(super) fixed: Vec<&'static str>,
    /// What the task draws.
    pub(super) drawn: Vec<String>,
    /// What earlier requests of the task capture.
    pub(super) captured: Vec<String>,
    /// What this request or a later one captures, for a better message.
    pub(super) captured_later: Vec<String>,
    /// Whether the functions that draw are available.
    pub(super) random: bool,
}

impl Names {
    fn all(&self) -> impl Iterator<Item = &str> {
        let own = self.drawn.iter().chain(&self.captured).map(String::as_str);
        self.fixed.iter().copied().chain(own)
    }

    fn has(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }
}

/// Something wrong on a line of a template, counted from 0.
pub(super) type Problem = (usize, String);

/// What a template says about the names it uses.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    /// Every name of ours that it reads.
    pub(super) reads: BTreeSet<String>,
    /// Those of them that it cannot do without: not only in `x | default(...)` or `x is defined`.
    pub(super) needs: BTreeSet<String>,
    /// The template in pieces, if it is nothing but text and names.
    pub(super) pieces: Option<Vec<Segment>>,
}

/// A part of a template that is nothing but text and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Text(String),
    Name(String),
}

/// Inspects a template.
pub(super) fn inspect_template(source: &str, names: &Names, engine: &Engine) -> Findings {
    match parse(source, "template", syntax()) {
        Err(error) => unreadable(&error),
        Ok(tree) => {
            let mut walk = Walk::new(names, engine);
            walk.statement(&tree);
            let pieces = pieces(&tree);
            Findings {
                pieces,
                ..walk.finish()
            }
        }
    }
}

/// Inspects an expression.
pub(super) fn inspect_expression(source: &str, names: &Names, engine: &Engine) -> Findings {
    match parse_expr(source) {
        Err(error) => unreadable(&error),
        Ok(tree) => {
            let mut walk = Walk::new(names, engine);
            walk.expression(&tree, false);
            let pieces = name_of(&tree).map(|name| vec![Segment::Name(name.to_owned())]);
            Findings {
                pieces,
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
    parse_expr(inside).is_ok().then_some(inside)
}

fn unreadable(error: &Error) -> Findings {
    let line = error.line().unwrap_or(1).saturating_sub(1);
    let message = error
        .detail()
        .map_or(error.kind().to_string(), str::to_owned);
    Findings {
        problems: vec![(line, message)],
        ..Findings::default()
    }
}

fn name_of<'a>(expression: &Expr<'a>) -> Option<&'a str> {
    match expression {
        Expr::Var(variable) => Some(variable.id),
        _ => None,
    }
}

fn pieces(tree: &Stmt<'_>) -> Option<Vec<Segment>> {
    let Stmt::Template(template) = tree else {
        return None;
    };
    let segment = |statement: &Stmt<'_>| match statement {
        Stmt::EmitRaw(raw) => Some(Segment::Text(raw.raw.to_owned())),
        Stmt::EmitExpr(emit) => name_of(&emit.expr).map(|name| Segment::Name(name.to_owned())),
        _ => None,
    };
    template.children.iter().map(segment).collect()
}

struct Use<'a> {
    name: &'a str,
    line: usize,
    guarded: bool,
}

struct Walk<'w, 'a> {
    names: &'w Names,
    engine: &'w Engine,
    uses: Vec<Use<'a>>,
    /// Names that the template itself sets.
    own: BTreeSet<&'a str>,
    calls: Vec<(&'a str, usize)>,
    problems: Vec<Problem>,
}

fn line(span: Span) -> usize {
    usize::from(span.start_line).saturating_sub(1)
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(names: &'w Names, engine: &'w Engine) -> Self {
        Self {
            names,
            engine,
            uses: Vec::new(),
            own: BTreeSet::new(),
            calls: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn finish(mut self) -> Findings {
        self.check_calls();
        let mut findings = Findings::default();
        for used in std::mem::take(&mut self.uses) {
            if self.own.contains(used.name) {
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
            if self.own.contains(name) {
                continue;
            }
            let random = RANDOM_FUNCTIONS.contains(&name);
            let message = if self.names.has(name) {
                format!("`{name}` is a value and not a function: leave out the parentheses")
            } else if random && !self.names.random {
                format!("`{name}` cannot be used here: draw in the task, with `draw`")
            } else if !self.is_function(name) {
                let globals = self.engine.environment().globals();
                let known: Vec<String> = globals.map(|(known, _)| known.to_owned()).collect();
                let hint = instead(name, known.iter().map(String::as_str));
                format!("unknown function `{name}`: {hint}")
            } else {
                continue;
            };
            self.problems.push((line, message));
        }
    }

    fn statements(&mut self, statements: &[Stmt<'a>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt<'a>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitRaw(_) => {}
            Stmt::EmitExpr(emit) => self.expression(&emit.expr, false),
            Stmt::ForLoop(each) => {
                self.own.insert("loop");
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

    /// What an assignment assigns to.
    fn target(&mut self, target: &Expr<'a>) {
        match target {
            Expr::Var(variable) => {
                self.own.insert(variable.id);
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.target(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.target(item)),
            other => self.expression(other, false),
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
    fn expression(&mut self, expression: &Expr<'a>, guarded: bool) {
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
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                let guards = matches!(test.name, "defined" | "undefined");
                self.expression(&test.expr, guards);
                self.check_test(test.name, line(test.span()));
                self.arguments(&test.args);
            }
            Expr::GetAttr(attribute) => self.expression(&attribute.expr, false),
            Expr::GetItem(item) => {
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
                if self.names.random
                    && RANDOM_FUNCTIONS.contains(&name)
                    && let Err(message) = self.check_random(name, &call.args)
                {
                    self.problems.push((line, message));
                }
            }
            CallType::Method(Expr::Var(of), _) if of.id == "loop" => {}
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

    fn check_random(&self, name: &str, arguments: &[CallArg<'a>]) -> Result<(), String> {
        let usage = random_usage(name);
        let positional = |argument: &CallArg<'a>| match argument {
            CallArg::Pos(value) => Ok(value.as_const()),
            _ => Err(format!("`{name}` takes no named arguments: write {usage}")),
        };
        let values: Vec<Option<Value>> =
            arguments.iter().map(positional).collect::<Result<_, _>>()?;
        let wrong = |what: &str| Err(format!("`{name}` {what}: write {usage}"));
        let number = |value: &Option<Value>| match value {
            None => Some(None),
            Some(value) => f64::try_from(value.clone()).ok().map(Some),
        };
        match (name, &*values) {
            ("pick", [Some(pool)]) if pool.as_str().is_some() => self.check_pool(pool),
            ("pick", _) => wrong("takes the name of a pool, in quotes"),
            ("choice", [Some(list)]) => match list.len() {
                Some(1..) if list.as_str().is_none() => Ok(()),
                _ => wrong("takes a list with at least one value"),
            },
            ("choice", [None]) => Ok(()),
            ("randint", [low, high]) => match (low, high) {
                (Some(low), Some(high)) => match (low.as_i64(), high.as_i64()) {
                    (Some(low), Some(high)) => check_randint(low, high),
                    _ => wrong("takes whole numbers"),
                },
                _ => Ok(()),
            },
            ("uniform", [low, high, rest @ ..]) if rest.len() <= 1 => {
                let digits = rest.first().and_then(Option::as_ref);
                let digits = match digits.map(|digits| u32::try_from(digits.clone())) {
                    Some(Err(_)) => return wrong("takes a number of digits from 0 to 9"),
                    Some(Ok(digits)) => Some(digits),
                    None => None,
                };
                match (number(low), number(high)) {
                    (Some(Some(low)), Some(Some(high))) => check_uniform(low, high, digits),
                    (Some(_), Some(_)) => Ok(()),
                    _ => wrong("takes numbers"),
                }
            }
            _ => wrong("has too few or too many arguments"),
        }
    }

    fn check_pool(&self, pool: &Value) -> Result<(), String> {
        let name = pool.as_str().unwrap_or_default();
        if self.engine.pools.contains_key(name) {
            return Ok(());
        }
        let hint = instead(name, self.engine.pools.keys().map(String::as_str));
        Err(format!("unknown pool `{name}`: {hint}"))
    }
}

fn random_usage(name: &str) -> &'static str {
    match name {
        "pick" => "pick(\"pool\")",
        "choice" => "choice([\"a\", \"b\"])",
        "randint" => "randint(1, 5)",
        _ => "uniform(0.5, 1.5) or uniform(10, 500, 2)",
    }
}
