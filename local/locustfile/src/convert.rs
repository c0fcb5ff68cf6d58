//! From the classes of locustfiles to the classes of a workload.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::classes::{Kind, TaskOf};
use crate::emit::{Emitter, TaskText, UserText};
use crate::problem::{Problem, Problems};
use crate::ratio::Ratio;
use crate::reader::{Mode, Reader, Session};
use crate::run::Run;
use crate::source::Parsing;
use crate::value::{Function, Value, Variable};
use crate::variants::{Way, gate_after_captures, variants};
use crate::{Conversion, Options, Reading};

/// The most ways through one task.
const MOST_WAYS: usize = 512;

/// Reads files, of which the first `mains` are locustfiles and the others modules beside them.
pub(crate) fn read(files: &[Parsing], mains: usize, options: &Options<'_>) -> Reading {
    let mut reader = Reader {
        files,
        environment: options.environment,
        host: options.host,
        globals: vec![HashMap::new(); files.len()],
        loaded: vec![false; files.len()],
        classes: Vec::new(),
        frames: Vec::new(),
        file: 0,
        mode: Mode::Module,
        run: Run::default(),
        user: None,
        session: Session::default(),
        started: HashMap::new(),
        elapsed: 0.0,
        problems: Default::default(),
        notes: BTreeSet::new(),
        written: HashMap::new(),
        unset_reads: BTreeSet::new(),
        depth: 0,
        spent: 0,
    };
    for file in 0..mains {
        reader.load(file);
    }
    let found = reader.found(mains, Kind::is_user);
    let user_classes: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    let conversion = reader.conversion(mains, &found);
    Reading {
        user_classes,
        conversion,
    }
}

/// The tags that all of these have.
fn common_tags(functions: &[Rc<Function<'_>>]) -> BTreeSet<String> {
    let mut all = functions
        .iter()
        .map(|function| function.tags.borrow().clone());
    let first = all.next().unwrap_or_default();
    all.fold(first, |common, tags| &common & &tags)
}

impl<'a> Reader<'a> {
    /// The classes of a kind that are no bases only, by their names in the locustfiles, in the files' order.
    fn found(&mut self, mains: usize, wanted: impl Fn(Kind) -> bool) -> Vec<(String, usize)> {
        let mut found: Vec<(String, usize)> = Vec::new();
        for file in 0..mains {
            let mut own: Vec<(String, usize)> = Vec::new();
            for (name, value) in &self.globals[file] {
                if let Value::Class(class) = value
                    && wanted(self.classes[*class].kind)
                    && !self.classes[*class].is_abstract
                {
                    own.push((name.clone(), *class));
                }
            }
            own.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
            for (name, class) in own {
                match found.iter().find(|(known, _)| *known == name) {
                    Some((_, known)) if *known == class => {}
                    Some(_) => self
                        .tell_class(class, format!("there are two classes `{name}`: rename one")),
                    None => found.push((name, class)),
                }
            }
        }
        found
    }

    fn tell_class(&self, class: usize, message: impl Into<String>) {
        let class = &self.classes[class];
        self.tell(Problem {
            file: self.files[class.file].name.clone(),
            line: class.line,
            column: None,
            message: message.into(),
        });
    }

    fn conversion(
        &mut self,
        mains: usize,
        found: &[(String, usize)],
    ) -> Result<Conversion, Problems> {
        if found.is_empty() && self.problems.borrow().is_empty() {
            let name = &self.files[0].name;
            return Err(Problems::of(
                name,
                1,
                "the file has no class of users that is not abstract",
            ));
        }
        let mut users = Vec::new();
        for (name, class) in found {
            users.extend(self.user(name, *class));
        }
        let shapes = self.found(mains, |kind| kind == Kind::Shape);
        let shapes: Vec<_> = shapes
            .into_iter()
            .filter_map(|(name, class)| self.shape(&name, class))
            .collect();
        let problems = self.problems.take();
        if !problems.is_empty() {
            return Err(Problems::new(problems));
        }
        let names: Vec<String> = self.files.iter().map(|file| file.name.clone()).collect();
        let mains: Vec<String> = names[..mains].to_vec();
        let emitter = Emitter::new(names, mains);
        let classes = users.iter().map(|user| user.name.clone()).collect();
        let shape_names = shapes.iter().map(|shape| shape.name.clone()).collect();
        let (toml, marks) = emitter.write(&users, &shapes, &self.notes)?;
        let file = &self.files[0].name;
        // the reader of workloads has the last word
        if let Err(errors) = traffic::workload::Workload::parse(&toml, file, self.environment) {
            let at = |line: usize| marks.iter().rev().find(|(from, _, _)| *from <= line);
            let problems = errors.mistakes().iter().map(|mistake| {
                let (file, line) = at(mistake.line)
                    .map_or((file.clone(), 1), |(_, file, line)| (file.clone(), *line));
                Problem {
                    file,
                    line,
                    column: None,
                    message: mistake.message.clone(),
                }
            });
            return Err(Problems::new(problems.collect()));
        }
        Ok(Conversion {
            toml,
            classes,
            shapes: shape_names,
        })
    }

    /// A class of users.
    fn user(&mut self, name: &str, class: usize) -> Option<UserText<'a>> {
        self.user = Some(class);
        (self.session, self.started) = Default::default();
        self.written.clear();
        self.unset_reads.clear();
        self.spent = 0;
        self.check_attributes(class);
        let mut wait = self.wait(class);
        let (holder, tasks) = self.root_tasks(class)?;
        if holder != class && self.class_attribute(holder, "wait_time").is_some() {
            wait = self.wait(holder);
        }
        for one in BTreeSet::from([class, holder]) {
            for method in ["__init__", "on_start", "on_stop"] {
                if let Some(Value::Function(function)) = self.class_attribute(one, method) {
                    self.run = Run::default();
                    let done = self.run_method(one, &function, Mode::Start);
                    self.told(done);
                }
            }
        }
        let texts = self.tasks(holder, tasks, wait.as_deref());
        for (name, (file, line)) in std::mem::take(&mut self.written) {
            if self.unset_reads.contains(&name) {
                self.tell(Problem {
                    file: self.files[file].name.clone(),
                    line,
                    column: None,
                    message: format!("`self.{name}` lasts from one iteration to the next: a workload keeps nothing"),
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
        })
    }

    fn truth_of(&self, class: usize, name: &str, usual: bool) -> bool {
        self.class_attribute(class, name)
            .and_then(|value| value.truth())
            .unwrap_or(usual)
    }

    /// The attributes of Locust's that a workload has nothing for.
    fn check_attributes(&self, class: usize) {
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

    fn network_timeout(&self, class: usize) -> Option<f64> {
        self.class_attribute(class, "network_timeout")
            .and_then(|value| value.number())
    }

    /// A whole number of a class.
    fn whole(&self, class: usize, name: &str, usual: i64) -> Option<i64> {
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

    fn wait(&mut self, class: usize) -> Option<Rc<str>> {
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
    fn wait_of(&mut self, node: &'a ruff_python_ast::Expr, file: usize) -> Option<Rc<str>> {
        let before = (self.mode, self.file);
        (self.mode, self.file) = (Mode::Task, file);
        self.run = Run::default();
        let value = self.eval(node).ok();
        (self.mode, self.file) = before;
        match value? {
            Value::Drawn(drawn) => match self.run.draws[drawn.draw].kind {
                crate::value::DrawKind::Real(low, high, _) if low > 0.0 => {
                    Some(Rc::from(format!("between({low}, {high})")))
                }
                _ => None,
            },
            value => value
                .number()
                .filter(|wait| *wait >= 0.0)
                .map(|wait| Rc::from(format!("constant({wait})"))),
        }
    }

    /// The host of a class: a text, or a variable that replaces it.
    fn host_value(&self, class: usize) -> Option<Rc<Variable>> {
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

    /// The tasks of a class, and the class or the set that holds them.
    fn root_tasks(&self, class: usize) -> Option<(usize, Vec<TaskOf<'a>>)> {
        let mut holder = class;
        loop {
            let tasks = self.classes[holder].tasks.clone();
            let sets: BTreeSet<usize> = tasks
                .iter()
                .filter_map(|task| match task {
                    TaskOf::Set(set) => Some(*set),
                    TaskOf::Function(_) => None,
                })
                .collect();
            let is_all = tasks.iter().all(|task| matches!(task, TaskOf::Set(_)));
            match (sets.len(), is_all, tasks.is_empty()) {
                (_, _, true) => {
                    self.tell_class(
                        holder,
                        format!("`{}` has no task", self.classes[holder].name),
                    );
                    return None;
                }
                (0, ..) => return Some((holder, tasks)),
                // a user stays in its only set for good
                (1, true, _) => holder = *sets.first()?,
                _ => {
                    for set in sets {
                        let message = format!(
                            "`{}` is a set of tasks beside others: a user stays in it until `interrupt`, and a workload's tasks have no sets",
                            self.classes[set].name
                        );
                        self.tell_class(set, message);
                    }
                    return None;
                }
            }
        }
    }

    fn tasks(
        &mut self,
        holder: usize,
        tasks: Vec<TaskOf<'a>>,
        wait: Option<&str>,
    ) -> Vec<TaskText<'a>> {
        let mut counted: Vec<(Rc<Function<'a>>, usize)> = Vec::new();
        let functions = tasks.into_iter().filter_map(|task| match task {
            TaskOf::Function(function) => Some(function),
            TaskOf::Set(_) => None,
        });
        let functions: Vec<Rc<Function<'a>>> = functions.collect();
        let sequential = self.classes[holder].kind == Kind::Sequential && functions.len() > 1;
        if sequential {
            if wait.is_some_and(|wait| wait != "constant(0)") {
                let message = format!(
                    "`{}` waits between its tasks: a workload's task sends its requests without a wait between them, so only \
                     wait_time = constant(0) is the same",
                    self.classes[holder].name
                );
                self.tell_class(holder, message);
            }
            let name = self.classes[holder].name.clone();
            let text = self.task(holder, &name, &functions, 1);
            return text.into_iter().collect();
        }
        for function in functions {
            match counted
                .iter_mut()
                .find(|(known, _)| Rc::ptr_eq(known, &function))
            {
                Some((_, count)) => *count += 1,
                None => counted.push((function, 1)),
            }
        }
        let texts = counted.into_iter().filter_map(|(function, count)| {
            let name = function.definition.name.to_string();
            self.task(holder, &name, &[function], count)
        });
        texts.collect()
    }

    /// A task: all ways through its functions.
    fn task(
        &mut self,
        holder: usize,
        name: &str,
        functions: &[Rc<Function<'a>>],
        count: usize,
    ) -> Option<TaskText<'a>> {
        let mut ways = Vec::new();
        let mut decided = Some(Vec::new());
        self.spent = 0;
        let first = &functions[0];
        let (file, line) = (
            first.file,
            self.files[first.file].line_of(&first.definition.name),
        );
        let place = |message: String| Problem {
            file: self.files[file].name.clone(),
            line,
            column: None,
            message,
        };
        let told = self.problems.borrow().len();
        while let Some(choices) = decided {
            self.run = Run {
                decided: choices,
                ..Run::default()
            };
            for function in functions {
                let done = self.task_method(holder, function);
                self.told(done);
            }
            decided = self.run.next_way();
            let run = std::mem::take(&mut self.run);
            let mut requests = run.requests;
            gate_after_captures(&mut requests);
            ways.push(Way {
                decisions: run.decisions,
                requests,
                draws: run.draws,
            });
            if ways.len() > MOST_WAYS {
                self.tell(place(format!(
                    "`{name}` has too many ways to go: make it simpler"
                )));
                return None;
            }
            if self.problems.borrow().len() > told + 50 {
                return None;
            }
        }
        if self.problems.borrow().len() > told {
            return None;
        }
        let names = |file: usize| self.files[file].name.clone();
        match variants(ways) {
            Ok(variants) if variants.iter().any(|variant| variant.requests.is_empty()) => {
                self.tell(place(format!(
                    "`{name}` sends nothing in some iterations: a workload's task sends a request"
                )));
                None
            }
            Ok(variants) => Some(TaskText {
                name: name.to_owned(),
                file: names(file),
                line,
                count: Ratio::new(count as i128, 1)?,
                tags: common_tags(functions),
                variants,
            }),
            Err(undecidable) => {
                self.tell(undecidable.problem(&names));
                None
            }
        }
    }

    fn task_method(
        &mut self,
        holder: usize,
        function: &Rc<Function<'a>>,
    ) -> crate::reader::Read<Value<'a>> {
        self.run_method(holder, function, Mode::Task)
    }
}
