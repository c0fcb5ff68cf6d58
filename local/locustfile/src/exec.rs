//! The statements of a file, its classes and its functions.

use std::rc::Rc;

use ruff_python_ast::{
    ExceptHandler, Expr, ExprCall, Operator, Stmt, StmtFor, StmtFunctionDef, StmtIf, StmtTry,
    StmtWith,
};
use ruff_text_size::Ranged;

use crate::reader::{Mode, Read, Reader, Stop};
use crate::run::Raised;
use crate::value::{Function, Value};

/// All exceptions.
const ALL: [Raised; 3] = [Raised::NoJson, Raised::NoKey, Raised::Gone];

/// The exceptions that a handler catches, of those that a response or an `on_start` can raise.
fn caught(kind: &str) -> Vec<Raised> {
    let mut caught = Vec::new();
    for name in kind.trim_matches(['(', ')']).split(',') {
        match name.trim().rsplit('.').next().unwrap_or_default() {
            "Exception" | "BaseException" => caught.extend(ALL),
            "ValueError" | "JSONDecodeError" => caught.push(Raised::NoJson),
            "KeyError" | "LookupError" => caught.push(Raised::NoKey),
            _ => {}
        }
    }
    caught
}

/// Where a block goes on.
pub(crate) enum Flow<'a> {
    Next,
    Break,
    Continue,
    Return(Value<'a>),
}

impl<'a> Reader<'a> {
    /// Goes through statements; one that a workload cannot say is told, and the next one is gone through.
    pub(crate) fn block(&mut self, statements: &'a [Stmt]) -> Read<Flow<'a>> {
        for statement in statements {
            match self.deeper(statement, |reader| reader.statement(statement)) {
                Ok(Flow::Next) => {}
                Ok(flow) => return Ok(flow),
                Err(Stop::Raised(kind)) => return Err(Stop::Raised(kind)),
                Err(stop) => {
                    let poison = self.tell_stop(stop);
                    self.poison(statement, &poison);
                }
            }
        }
        Ok(Flow::Next)
    }

    /// What a statement that is told of would have set is not known.
    pub(crate) fn poison(&mut self, statement: &'a Stmt, poison: &Value<'a>) {
        match statement {
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    let _ = self.assign(target, poison.clone());
                }
            }
            Stmt::AnnAssign(assign) => {
                let _ = self.assign(&assign.target, poison.clone());
            }
            Stmt::AugAssign(assign) => {
                let _ = self.assign(&assign.target, poison.clone());
            }
            Stmt::ClassDef(class) => self.set(class.name.as_str(), poison.clone()),
            _ => {}
        }
    }

    pub(crate) fn statement(&mut self, statement: &'a Stmt) -> Read<Flow<'a>> {
        match statement {
            Stmt::Pass(_) => {}
            Stmt::Global(_) => {
                return self.stop(statement, "a task that changes what lasts longer than an iteration: a workload's user keeps only what on_start sets");
            }
            Stmt::Expr(expression) => {
                // a documentation string
                if !matches!(
                    &*expression.value,
                    Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)
                ) {
                    let value = self.eval(&expression.value)?;
                    if let Value::Poison(problem) = value {
                        return Err(Stop::Told(problem));
                    }
                }
            }
            Stmt::Assign(assign) => {
                let value = self.evaluated(&assign.value)?;
                for target in &assign.targets {
                    self.assign(target, value.clone())?;
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.evaluated(value)?;
                    self.assign(&assign.target, value)?;
                }
            }
            Stmt::AugAssign(assign) => {
                let old = self.eval(&assign.target)?;
                let more = self.eval(&assign.value)?;
                let value = self.augmented(statement, old, assign.op, more)?;
                self.assign(&assign.target, value)?;
            }
            Stmt::Return(returned) => {
                let value = match &returned.value {
                    Some(value) => self.eval(value)?,
                    None => Value::None,
                };
                return Ok(Flow::Return(value));
            }
            Stmt::If(choice) => return self.choice_of(choice),
            Stmt::For(repeated) => return self.for_each(repeated),
            Stmt::With(with) => return self.with(with),
            Stmt::Try(attempt) => return self.attempt(attempt),
            Stmt::Break(_) => return Ok(Flow::Break),
            Stmt::Continue(_) => return Ok(Flow::Continue),
            Stmt::FunctionDef(function) => self.define(function)?,
            Stmt::ClassDef(class) => {
                let value = self.class(class)?;
                self.set(class.name.as_str(), value);
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let shown = alias.asname.as_ref().map_or_else(
                        || name.split('.').next().unwrap_or(name),
                        |shown| shown.as_str(),
                    );
                    let value =
                        self.module(statement, if alias.asname.is_some() { name } else { shown });
                    self.set(shown, value);
                }
            }
            Stmt::ImportFrom(import) => self.import_from(statement, import)?,
            Stmt::Assert(assertion) if self.mode == Mode::Start => {
                let value = self.eval(&assertion.test)?;
                if !self.truth(&*assertion.test, value)? {
                    return Err(Stop::Raised(Raised::Gone));
                }
            }
            // a user without a session sends none of its tasks
            Stmt::Raise(_) if self.mode == Mode::Start => return Err(Stop::Raised(Raised::Gone)),
            Stmt::Raise(_) => {
                return self.stop(statement, "a workload cannot raise an exception");
            }
            _ => return self.unknown(statement),
        }
        Ok(Flow::Next)
    }

    /// A value that is only wrong if it is used: outside of tasks much is set that no request needs.
    pub(crate) fn evaluated(&mut self, node: &'a Expr) -> Read<Value<'a>> {
        match self.eval(node) {
            Err(Stop::Problem(problem)) if self.mode != Mode::Task => {
                Ok(Value::Poison(Rc::new(problem)))
            }
            Err(Stop::Told(problem)) => Ok(Value::Poison(problem)),
            other => other,
        }
    }

    pub(crate) fn augmented(
        &mut self,
        node: &'a Stmt,
        old: Value<'a>,
        op: Operator,
        more: Value<'a>,
    ) -> Read<Value<'a>> {
        self.check_changes(node, &old)?;
        let (old, more) = (self.settle(node, old)?, self.settle(node, more)?);
        if op == Operator::Add && (matches!(old, Value::Str(_) | Value::Text(_))) {
            let mut pieces = self.pieces(node, old)?;
            pieces.extend(self.pieces(node, more)?);
            return Ok(crate::texts::text_of(pieces));
        }
        let (old, more) = (self.constant(node, old)?, self.constant(node, more)?);
        match crate::arithmetic::arithmetic(&old, op, &more) {
            Some(value) => Ok(value),
            None => self.unknown(node),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value<'a>) {
        self.name_draw(name, &value);
        let frame = match self.frames.last_mut() {
            Some(frame) => frame,
            None => &mut self.globals[self.file],
        };
        frame.insert(name.to_owned(), value);
    }

    /// Calls a draw by the first name that its value is given.
    pub(crate) fn name_draw(&mut self, name: &str, value: &Value<'a>) {
        if let Value::Drawn(drawn) = value
            && drawn.path.is_empty()
        {
            self.run.draws[drawn.draw]
                .name
                .get_or_insert_with(|| name.to_owned());
        }
    }

    /// Gives a target its value.
    pub(crate) fn assign(&mut self, target: &'a Expr, value: Value<'a>) -> Read<()> {
        match target {
            Expr::Name(name) => {
                let is_global = self.mode == Mode::Task && self.frames.is_empty();
                if is_global {
                    return self.unknown(target);
                }
                self.set(name.id.as_str(), value);
                Ok(())
            }
            Expr::Tuple(_) | Expr::List(_) => {
                let targets = match target {
                    Expr::Tuple(tuple) => &tuple.elts,
                    Expr::List(list) => &list.elts,
                    _ => return self.unknown(target),
                };
                let values: Vec<Value<'a>> = match self.settle(target, value)? {
                    drawn @ Value::Drawn(_) => {
                        let mut values = Vec::new();
                        for index in 0..targets.len() {
                            values.push(self.take(
                                target,
                                drawn.clone(),
                                Value::Int(index as i64),
                            )?);
                        }
                        values
                    }
                    value => self.iterate(target, value)?,
                };
                if values.len() != targets.len() {
                    return self.unknown(target);
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value)?;
                }
                Ok(())
            }
            Expr::Attribute(attribute) => {
                let object = self.eval(&attribute.value)?;
                self.assign_attribute(target, &object, attribute.attr.as_str(), value)
            }
            Expr::Subscript(subscript) => {
                let holder = self.eval(&subscript.value)?;
                let key = self.eval(&subscript.slice)?;
                let key = self.constant(target, key)?;
                if let Value::Method(method) = &holder
                    && let (Value::Client, "headers") = (&method.0, method.1.as_str())
                {
                    return self.session_header(target, &key, value);
                }
                self.check_changes(target, &holder)?;
                match holder {
                    Value::Dict(dict) => {
                        crate::eval::put(&mut dict.items.borrow_mut(), key, value);
                        Ok(())
                    }
                    _ => self.unknown(target),
                }
            }
            _ => self.unknown(target),
        }
    }

    pub(crate) fn choice_of(&mut self, choice: &'a StmtIf) -> Read<Flow<'a>> {
        let clauses = std::iter::once((Some(&*choice.test), &choice.body));
        let others = choice
            .elif_else_clauses
            .iter()
            .map(|clause| (clause.test.as_ref(), &clause.body));
        let clauses: Vec<_> = clauses.chain(others).collect();
        for (index, (test, body)) in clauses.iter().enumerate() {
            let Some(test) = test else {
                return self.block(body);
            };
            if self.is_main(test) {
                continue;
            }
            let known = self.eval(test).and_then(|value| self.truth(*test, value));
            match known {
                Ok(true) => return self.block(body),
                Ok(false) => {}
                Err(Stop::Raised(kind)) => return Err(Stop::Raised(kind)),
                Err(stop) => {
                    // every branch may hold more that is to be told
                    self.tell_stop(stop);
                    for (_, body) in &clauses[index..] {
                        self.block(body)?;
                    }
                    return Ok(Flow::Next);
                }
            }
        }
        Ok(Flow::Next)
    }

    /// `__name__ == "__main__"`, which is never true in a locustfile.
    pub(crate) fn is_main(&self, test: &Expr) -> bool {
        self.snippet(test).replace('\'', "\"") == "__name__ == \"__main__\""
    }

    pub(crate) fn for_each(&mut self, repeated: &'a StmtFor) -> Read<Flow<'a>> {
        if repeated.is_async {
            return self.unknown(repeated);
        }
        let source = self.eval(&repeated.iter)?;
        for element in self.iterate(&*repeated.iter, source)? {
            self.assign(&repeated.target, element)?;
            match self.block(&repeated.body)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
        self.block(&repeated.orelse)
    }

    /// A `with` around requests.
    pub(crate) fn with(&mut self, with: &'a StmtWith) -> Read<Flow<'a>> {
        let mut opened = 0;
        let mut stopped = None;
        for item in &with.items {
            let value = match self.request_of(&item.context_expr) {
                Some(call) => self.with_request(call),
                None => self.stop(
                    &item.context_expr,
                    format!(
                        "a workload has no `with {}`",
                        self.snippet(&item.context_expr)
                    ),
                ),
            };
            let value = match value {
                Ok(value) => value,
                Err(Stop::Raised(kind)) => return Err(Stop::Raised(kind)),
                Err(stop) => {
                    stopped = Some(());
                    self.tell_stop(stop)
                }
            };
            if let Value::Reply(step) = value {
                self.run.open.push(step);
                opened += 1;
            }
            if let Some(target) = &item.optional_vars {
                self.assign(target, value)?;
            }
        }
        let flow = self.block(&with.body);
        for _ in 0..opened {
            self.run.open.pop();
        }
        match flow {
            _ if stopped.is_some() => Ok(Flow::Next),
            Err(Stop::Raised(_)) => self.stop(
                with,
                "an exception leaves the `with` of a request, which Locust does not count then: catch it within",
            ),
            flow => flow,
        }
    }

    /// The call that a `with` is about, if it is one of the client's.
    pub(crate) fn request_of(&self, node: &'a Expr) -> Option<&'a ExprCall> {
        let Expr::Call(call) = node else {
            return None;
        };
        let Expr::Attribute(attribute) = &*call.func else {
            return None;
        };
        Self::is_client_method(attribute.attr.as_str()).then_some(call)
    }

    pub(crate) fn with_request(&mut self, call: &'a ExprCall) -> Read<Value<'a>> {
        let Expr::Attribute(attribute) = &*call.func else {
            return self.unknown(call);
        };
        match self.eval(&attribute.value)? {
            Value::Client => self.client_call(call, attribute.attr.as_str(), true),
            Value::Poison(problem) => Err(Stop::Told(problem)),
            _ => self.unknown(call),
        }
    }

    pub(crate) fn attempt(&mut self, attempt: &'a StmtTry) -> Read<Flow<'a>> {
        if self.mode == Mode::Module {
            let imports = attempt
                .body
                .iter()
                .all(|one| matches!(one, Stmt::Import(_) | Stmt::ImportFrom(_)));
            if !imports {
                return self.unknown(attempt);
            }
            return self.block(&attempt.body);
        }
        let handlers: Vec<_> = attempt
            .handlers
            .iter()
            .map(|ExceptHandler::ExceptHandler(handler)| handler)
            .collect();
        let catches = handlers.iter().map(|handler| match &handler.type_ {
            None => ALL.to_vec(),
            Some(kind) => caught(&self.snippet(&**kind)),
        });
        let catches: Vec<Vec<Raised>> = catches.collect();
        self.run.tries.push(catches.concat());
        let done = self.block(&attempt.body);
        self.run.tries.pop();
        let flow = match done {
            Err(Stop::Raised(kind)) => {
                let Some(at) = catches.iter().position(|catches| catches.contains(&kind)) else {
                    return Err(Stop::Raised(kind));
                };
                let handler = handlers[at];
                if let Some(name) = &handler.name {
                    let message = format!(
                        "the text of the exception `{name}` is Python's, which a workload does not know"
                    );
                    let problem = self.problem_at(handler.range(), message);
                    self.set(name.as_str(), Value::Poison(Rc::new(problem)));
                }
                self.block(&handler.body)?
            }
            Ok(Flow::Next) => self.block(&attempt.orelse)?,
            other => other?,
        };
        match (self.block(&attempt.finalbody)?, flow) {
            (Flow::Next, flow) => Ok(flow),
            (last, _) => Ok(last),
        }
    }

    pub(crate) fn define(&mut self, function: &'a StmtFunctionDef) -> Read<()> {
        if !self.frames.is_empty() && self.mode == Mode::Task {
            return self.stop(
                function,
                "a function within a function is beyond what is read: move it out",
            );
        }
        let value = Rc::new(Function {
            definition: function,
            file: self.file,
            weight: std::cell::Cell::new(None),
            tags: Default::default(),
        });
        let value = self.decorated(function, &function.decorator_list, Value::Function(value))?;
        self.set(function.name.as_str(), value);
        Ok(())
    }
}
