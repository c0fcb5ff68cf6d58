//! A class of users: what its attributes say.

use std::rc::Rc;

use crate::class::Kind;
use crate::emit::{TaskText, UserText};
use crate::problem::Problem;
use crate::reader::{Mode, Reader};
use crate::run::Run;
use crate::value::{Value, Variable};

impl<'a> Reader<'a> {
    /// A class of users.
    pub(crate) fn user(&mut self, name: &str, class: usize) -> Option<UserText<'a>> {
        self.user = Some(class);
        (self.session, self.started) = Default::default();
        self.written.clear();
        self.unset_reads.clear();
        self.spent = 0;
        self.check_attributes(class);
        let mut wait = self.wait(class);
        let (entered, tasks) = self.root_tasks(class)?;
        let holder = *entered.last()?;
        if holder != class && self.class_attribute(holder, "wait_time").is_some() {
            wait = self.wait(holder);
        }
        let start = self.session_start(&entered);
        let texts = self.tasks(holder, tasks, wait.as_deref());
        let stop = self.session_stop(&entered);
        let start = start.map(|start| self.with_captures(start));
        for (name, (file, line)) in std::mem::take(&mut self.written) {
            if self.unset_reads.contains(&name) {
                self.tell(Problem {
                    file: self.files[file].name.clone(),
                    line,
                    column: None,
                    message: format!("`self.{name}` lasts from one iteration to the next: a workload's user keeps only what on_start sets"),
                });
            }
        }
        let host = self.host_value(class)?;
        let weight = self.whole(class, "weight", 1)?;
        let fixed_count = self.whole(class, "fixed_count", 0)?;
        let class_data = &self.classes[class];
        let is_fast = class_data.kind == Kind::Fast;
        let insecure = self.session.insecure || (is_fast && self.truth_of(class, "insecure", true));
        Some(UserText {
            name: name.to_owned(),
            file: self.files[class_data.file].name.clone(),
            line: class_data.line,
            host,
            insecure,
            wait: wait?,
            weight,
            fixed_count,
            timeout: if is_fast {
                self.network_timeout(class)
            } else {
                None
            },
            tasks: texts,
            start,
            stop,
        })
    }

    /// The requests of `on_start` with the values of their responses that tasks need.
    fn with_captures(&self, mut start: TaskText<'a>) -> TaskText<'a> {
        for capture in &self.session.captures {
            let request = start
                .variants
                .first_mut()
                .and_then(|variant| variant.requests.get_mut(capture.request));
            let known = (capture.name.clone(), capture.code.clone());
            if let Some(request) = request.filter(|request| !request.captures.contains(&known)) {
                request.captures.push(known);
            }
        }
        start
    }

    pub(crate) fn truth_of(&self, class: usize, name: &str, usual: bool) -> bool {
        self.class_attribute(class, name)
            .and_then(|value| value.truth())
            .unwrap_or(usual)
    }

    /// The attributes of Locust's that a workload has nothing for.
    pub(crate) fn check_attributes(&self, class: usize) {
        let unsaid = [
            "min_wait",
            "max_wait",
            "wait_function",
            "pool_manager",
            "proxy_host",
            "proxy_port",
            "client_pool",
            "default_headers",
            "max_redirects",
            "max_retries",
            "ssl_context_factory",
            "connection_timeout",
            "run",
        ];
        for name in unsaid {
            if self.class_attribute(class, name).is_some() {
                self.tell_class(class, format!("a workload has no `{name}` of a class"));
            }
        }
    }

    pub(crate) fn network_timeout(&self, class: usize) -> Option<f64> {
        self.class_attribute(class, "network_timeout")
            .and_then(|value| value.number())
    }

    /// A whole number of a class.
    pub(crate) fn whole(&self, class: usize, name: &str, usual: i64) -> Option<i64> {
        match self.class_attribute(class, name) {
            None => Some(usual),
            Some(Value::Int(number)) if number >= 0 => Some(number),
            Some(Value::Poison(problem)) => {
                self.tell((*problem).clone());
                None
            }
            Some(_) => {
                self.tell_class(class, format!("`{name}` of a class is a whole number"));
                None
            }
        }
    }

    pub(crate) fn wait(&mut self, class: usize) -> Option<Rc<str>> {
        let value = self.class_attribute(class, "wait_time");
        let wait = match value {
            None => return Some(Rc::from("constant(0)")),
            Some(Value::Wait(wait)) => return Some(wait),
            Some(Value::Lambda(lambda)) => self.wait_of(&lambda.expression.body, lambda.file),
            Some(Value::Function(function)) => match &function.definition.body[..] {
                [ruff_python_ast::Stmt::Return(returned)] => returned
                    .value
                    .as_deref()
                    .and_then(|value| self.wait_of(value, function.file)),
                _ => None,
            },
            Some(Value::Poison(problem)) => {
                self.tell((*problem).clone());
                return None;
            }
            Some(_) => None,
        };
        if wait.is_none() {
            self.tell_class(
                class,
                "its wait_time is none that a workload has: write between, constant, constant_pacing or constant_throughput",
            );
        }
        wait
    }

    /// What a function of one expression waits: a number, or `random.uniform(...)`.
    pub(crate) fn wait_of(
        &mut self,
        node: &'a ruff_python_ast::Expr,
        file: usize,
    ) -> Option<Rc<str>> {
        let before = (self.mode, self.file);
        (self.mode, self.file) = (Mode::Task, file);
        self.run = Run::default();
        let wait = match self.eval(node) {
            Ok(Value::Drawn(drawn)) => match self.run.draws[drawn.draw].kind {
                crate::value::DrawKind::Real(low, high, _) if low >= 0.0 => {
                    Some(self.between(node, low, high))
                }
                _ => None,
            },
            Ok(value) => value
                .number()
                .filter(|wait| *wait >= 0.0)
                .map(|wait| Rc::from(format!("constant({wait})"))),
            Err(_) => None,
        };
        (self.mode, self.file) = before;
        wait
    }

    /// The host of a class: a text, or a variable that replaces it.
    pub(crate) fn host_value(&self, class: usize) -> Option<Rc<Variable>> {
        let fixed = |url: &str| {
            Rc::new(Variable {
                name: String::new(),
                set: None,
                default: Some(url.to_owned()),
                file: self.files[self.classes[class].file].name.clone(),
                line: self.classes[class].line,
            })
        };
        match self.class_attribute(class, "host") {
            Some(Value::Str(host)) => Some(fixed(&host)),
            Some(Value::Env(variable)) if variable.set.is_some() || variable.default.is_some() => {
                Some(variable)
            }
            Some(Value::Poison(problem)) => {
                self.tell((*problem).clone());
                None
            }
            _ => match self.host {
                Some(host) => Some(fixed(host)),
                None => {
                    self.tell_class(
                        class,
                        format!(
                            "`{}` has no host: write one into the class, or give --host",
                            self.classes[class].name
                        ),
                    );
                    None
                }
            },
        }
    }
}
