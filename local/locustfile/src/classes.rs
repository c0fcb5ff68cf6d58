//! The classes of a file: users, task sets and load shapes, with what they inherit.

use std::rc::Rc;

use ruff_python_ast::{Decorator, Expr, ExprAttribute, Stmt, StmtClassDef};
use ruff_text_size::Ranged;

use crate::reader::{Mode, Read, Reader, Stop};
use crate::value::{Function, Value};

/// The kind of a class, by its farthest base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Fast,
    TaskSet,
    Sequential,
    Shape,
    Plain,
}

impl Kind {
    pub(crate) fn is_user(self) -> bool {
        matches!(self, Self::Http | Self::Fast)
    }

    fn is_set(self) -> bool {
        matches!(self, Self::TaskSet | Self::Sequential)
    }
}

/// A task of a class.
#[derive(Clone)]
pub(crate) enum TaskOf<'a> {
    Function(Rc<Function<'a>>),
    Set(usize),
}

/// A class.
pub(crate) struct Class<'a> {
    pub(crate) name: String,
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    pub(crate) is_abstract: bool,
    /// The class and its bases, nearest first.
    pub(crate) order: Vec<usize>,
    /// What its body sets, in order.
    pub(crate) attributes: Vec<(String, Value<'a>)>,
    /// All tasks, once for each unit of weight, as Locust collects them.
    pub(crate) tasks: Vec<TaskOf<'a>>,
    /// The weight that `@task` gave the class.
    pub(crate) weight: Option<i64>,
}

/// The most tasks of a class, each counted as often as it weighs.
const MOST_TASKS: usize = 100_000;

impl<'a> Reader<'a> {
    pub(crate) fn class(&mut self, node: &'a StmtClassDef) -> Read<Value<'a>> {
        if self.mode != Mode::Module {
            return self.stop(
                node,
                "a class within a function is beyond what is read: move it out",
            );
        }
        let (kind, bases) = self.bases(node)?;
        let outer = self.frames.last().is_some();
        self.frames.push(std::collections::HashMap::new());
        // the order of the body is the order of the tasks
        let done = self.block(&node.body);
        let frame = self.frames.pop().unwrap_or_default();
        if outer && !kind.is_set() {
            return self.stop(
                node,
                "a class within a class is beyond what is read, unless it is a TaskSet",
            );
        }
        done?;
        let mut attributes = Vec::new();
        for name in set_names(&node.body) {
            if let Some(value) = frame.get(&name) {
                attributes.retain(|(known, _)| *known != name);
                attributes.push((name, value.clone()));
            }
        }
        let own = |wanted: &str| {
            attributes
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value)
        };
        let is_abstract = own("abstract").and_then(Value::truth).unwrap_or(false);
        let index = self.classes.len();
        let mut order = vec![index];
        for base in &bases {
            order.extend(self.classes[*base].order.iter().copied());
        }
        // of a base that is inherited twice the last place holds
        let last = |at: usize, class: usize| !order[at + 1..].contains(&class);
        let order = (0..order.len())
            .filter(|at| last(*at, order[*at]))
            .map(|at| order[at])
            .collect();
        let mut class = Class {
            name: node.name.to_string(),
            file: self.file,
            line: self.line(&node.name),
            kind,
            is_abstract,
            order,
            attributes,
            tasks: Vec::new(),
            weight: None,
        };
        if kind.is_user() || kind.is_set() {
            for base in &bases {
                let inherited = self.classes[*base].tasks.clone();
                class.tasks.extend(inherited);
            }
            class.tasks = self.own_tasks(node, &class)?;
        }
        self.classes.push(class);
        let value = self.decorated(node, &node.decorator_list, Value::Class(index))?;
        Ok(value)
    }

    fn bases(&mut self, node: &'a StmtClassDef) -> Read<(Kind, Vec<usize>)> {
        let mut kind = Kind::Plain;
        let mut own = Vec::new();
        let arguments = node.arguments.as_deref();
        if arguments.is_some_and(|arguments| !arguments.keywords.is_empty()) {
            return self.unknown(node);
        }
        for base in arguments.map_or(&[][..], |arguments| &arguments.args) {
            let value = self.eval(base)?;
            let of_base = match self.settle(base, value)? {
                Value::Class(class) => {
                    own.push(class);
                    self.classes[class].kind
                }
                Value::Library(path) => match &*path {
                    "locust.HttpUser" | "locust.HttpLocust" => Kind::Http,
                    "locust.FastHttpUser" => Kind::Fast,
                    "locust.TaskSet" => Kind::TaskSet,
                    "locust.SequentialTaskSet" => Kind::Sequential,
                    "locust.LoadTestShape" => Kind::Shape,
                    "object" => Kind::Plain,
                    _ => {
                        let base = self.snippet(base);
                        return self.stop(node, format!("a workload has no class of the kind `{base}`: its users send HTTP requests"));
                    }
                },
                _ => return self.unknown(base),
            };
            if kind == Kind::Plain {
                kind = of_base;
            }
        }
        Ok((kind, own))
    }

    /// The tasks that Locust's metaclass collects: the bases', those of `tasks`, those with `@task`.
    fn own_tasks(&mut self, node: &'a StmtClassDef, class: &Class<'a>) -> Read<Vec<TaskOf<'a>>> {
        let mut tasks = class.tasks.clone();
        let mut late = Vec::new();
        for (name, value) in &class.attributes {
            if name == "tasks" {
                let listed = self.listed_tasks(node, value.clone())?;
                tasks.extend(listed);
                continue;
            }
            let (weight, task) = match value {
                Value::Function(function) => {
                    (function.weight.get(), TaskOf::Function(Rc::clone(function)))
                }
                Value::Class(set) => (self.classes[*set].weight, TaskOf::Set(*set)),
                _ => continue,
            };
            let count = usize::try_from(weight.unwrap_or(0))
                .unwrap_or(0)
                .min(MOST_TASKS);
            let repeated = std::iter::repeat_n(task, count);
            match class.kind {
                Kind::Sequential => tasks.extend(repeated),
                _ => late.extend(repeated),
            }
        }
        tasks.extend(late);
        if tasks.len() > MOST_TASKS {
            return self.stop(node, format!("`{}` has too large weights", class.name));
        }
        Ok(tasks)
    }

    fn listed_tasks(&mut self, node: &'a StmtClassDef, value: Value<'a>) -> Read<Vec<TaskOf<'a>>> {
        let mut counted = Vec::new();
        match self.settle(node, value)? {
            Value::Dict(dict) => counted.extend(dict.items.borrow().iter().cloned()),
            Value::None => {}
            value => {
                for element in value.elements().unwrap_or_default() {
                    match element.elements() {
                        Some(pair) if pair.len() == 2 => {
                            counted.push((pair[0].clone(), pair[1].clone()))
                        }
                        _ => counted.push((element, Value::Int(1))),
                    }
                }
            }
        }
        let mut tasks = Vec::new();
        for (task, count) in counted {
            let task = match self.settle(node, task)? {
                Value::Function(function) => TaskOf::Function(function),
                Value::Class(set) if self.classes[set].kind.is_set() => TaskOf::Set(set),
                _ => {
                    return self.stop(
                        node,
                        format!(
                            "`tasks` of `{}` holds what is no function and no TaskSet",
                            node.name
                        ),
                    );
                }
            };
            let Value::Int(count) = count else {
                return self.stop(
                    node,
                    format!("a weight in `tasks` of `{}` is no whole number", node.name),
                );
            };
            let count = usize::try_from(count).unwrap_or(0).min(MOST_TASKS);
            tasks.extend(std::iter::repeat_n(task, count));
        }
        Ok(tasks)
    }

    /// A function or a class with its decorators.
    pub(crate) fn decorated(
        &mut self,
        node: &'a impl Ranged,
        decorators: &'a [Decorator],
        value: Value<'a>,
    ) -> Read<Value<'a>> {
        for decorator in decorators.iter().rev() {
            let (named, arguments) = match &decorator.expression {
                Expr::Call(call) => (&*call.func, Some(call)),
                other => (other, None),
            };
            let known = self.eval(named)?;
            let known = self.settle(named, known)?;
            let Value::Library(path) = known else {
                return self.no_decorator(decorator);
            };
            match &*path {
                "locust.task" => {
                    let weight = match arguments {
                        None => Some(1),
                        Some(call) => {
                            let arguments = self.arguments(call)?;
                            match arguments.get(0, "weight") {
                                None => Some(1),
                                Some(Value::Int(weight)) if *weight >= 0 => Some(*weight),
                                _ => None,
                            }
                        }
                    };
                    let Some(weight) = weight else {
                        return self.stop(decorator, "a task's weight is a whole number");
                    };
                    match &value {
                        Value::Function(function) => function.weight.set(Some(weight)),
                        Value::Class(class) => self.classes[*class].weight = Some(weight),
                        _ => return self.no_decorator(decorator),
                    }
                }
                "locust.tag" => {
                    let arguments = match arguments {
                        Some(call) => self.arguments(call)?,
                        None => return self.no_decorator(decorator),
                    };
                    let tags = arguments.given.iter().map(|tag| match tag {
                        Value::Str(tag) => Some(tag.to_string()),
                        _ => None,
                    });
                    let Some(tags) = tags.collect::<Option<Vec<String>>>() else {
                        return self.no_decorator(decorator);
                    };
                    match &value {
                        Value::Function(function) => function.tags.borrow_mut().extend(tags),
                        // a set's tags are those of its tasks
                        Value::Class(class) => {
                            for task in &self.classes[*class].tasks {
                                if let TaskOf::Function(function) = task {
                                    function.tags.borrow_mut().extend(tags.iter().cloned());
                                }
                            }
                        }
                        _ => return self.no_decorator(decorator),
                    }
                }
                "staticmethod" | "property" => return self.no_decorator(decorator),
                _ if path.starts_with("event.") => self.listener(node, &path, &value)?,
                _ => return self.no_decorator(decorator),
            }
        }
        Ok(value)
    }

    fn no_decorator<T>(&self, decorator: &'a Decorator) -> Read<T> {
        self.stop(
            decorator,
            format!("a workload cannot say `{}`", self.snippet(decorator)),
        )
    }

    /// A listener of Locust's events: one that only prints changes nothing.
    fn listener(&mut self, node: &'a impl Ranged, path: &str, value: &Value<'a>) -> Read<()> {
        let prints = |statement: &Stmt| -> bool {
            let text = self.source(statement);
            let starts = ["print(", "logging.", "logger.", "log.", "pass", "\"", "'"];
            starts.iter().any(|start| text.starts_with(start)) && !crate::calls::acts(text)
        };
        let Value::Function(function) = value else {
            return self.unknown(node);
        };
        let harmless = only_prints(&function.definition.body, &prints);
        if path.ends_with("add_listener") && harmless {
            self.note(
                node,
                format!(
                    "the listener `{}` only prints and is left out",
                    function.definition.name
                ),
            );
            return Ok(());
        }
        self.stop(
            node,
            format!(
                "the listener `{}` does more than print: a workload has no events",
                function.definition.name
            ),
        )
    }

    /// An attribute of a class, by the order of its bases.
    pub(crate) fn class_attribute(&self, class: usize, name: &str) -> Option<Value<'a>> {
        let own = |class: &usize| {
            self.classes[*class]
                .attributes
                .iter()
                .find(|(known, _)| known == name)
        };
        self.classes[class]
            .order
            .iter()
            .find_map(own)
            .map(|(_, value)| value.clone())
    }

    pub(crate) fn object_attribute(
        &mut self,
        node: &'a ExprAttribute,
        class: usize,
        name: &str,
    ) -> Read<Value<'a>> {
        if let Some(value) = self.run.own.get(name) {
            return Ok(value.clone());
        }
        if self.mode == Mode::Task {
            self.unset_reads.insert(name.to_owned());
        }
        if let Some(value) = self.started.get(name) {
            return Ok(value.clone());
        }
        let kind = self.classes[class].kind;
        match self.class_attribute(class, name) {
            Some(Value::Function(function)) => return Ok(Value::Bound(function, class)),
            Some(Value::Lambda(_)) => return self.unknown(node),
            Some(value) => return Ok(value),
            None => {}
        }
        match (name, self.user) {
            ("client", Some(_)) if kind.is_user() || kind.is_set() => Ok(Value::Client),
            ("user" | "parent", Some(user)) if kind.is_set() => Ok(Value::Object(user)),
            ("interrupt", _) if kind.is_set() => self.stop(
                node,
                "`interrupt` hands over to another set of tasks, and a workload's tasks have no sets",
            ),
            ("get_run_time", _) if kind == Kind::Shape => {
                Ok(Value::Method(Rc::new((Value::Object(class), name.to_owned()))))
            }
            _ => self.stop(node, format!("`{}` is not known here", self.snippet(node))),
        }
    }

    pub(crate) fn assign_attribute(
        &mut self,
        target: &'a Expr,
        object: Value<'a>,
        name: &str,
        value: Value<'a>,
    ) -> Read<()> {
        if let (Value::Client, Mode::Start | Mode::Task) = (&object, self.mode) {
            return self.session_value(target, name, value);
        }
        let Value::Object(_) = object else {
            return self.unknown(target);
        };
        match self.mode {
            Mode::Start => {
                self.started.insert(name.to_owned(), value);
            }
            Mode::Task => {
                let place = (self.file, self.line(target));
                self.written.insert(name.to_owned(), place);
                self.run.own.insert(name.to_owned(), value);
            }
            _ => return self.unknown(target),
        }
        Ok(())
    }

    /// `self.client.headers = ...` and the like, which hold for all requests of a user.
    fn session_value(&mut self, target: &'a Expr, name: &str, value: Value<'a>) -> Read<()> {
        if self.mode == Mode::Task {
            return self.stop(
                target,
                "a task that changes the client changes later iterations: a workload keeps nothing",
            );
        }
        match (name, self.settle(target, value)?) {
            ("headers", Value::Dict(dict)) => {
                let items = dict.items.borrow().clone();
                for (key, value) in items {
                    self.session_header(target, &key, value)?;
                }
                Ok(())
            }
            ("verify", Value::Bool(verifies)) => {
                self.session.insecure = !verifies;
                Ok(())
            }
            ("auth", pair) => match pair.elements().as_deref() {
                Some([Value::Str(user), Value::Str(password)]) => {
                    let value = crate::form::basic(user, password);
                    self.session_header(target, &Value::text("Authorization"), Value::text(&value))
                }
                _ => self.unknown(target),
            },
            _ => self.unknown(target),
        }
    }

    pub(crate) fn session_header(
        &mut self,
        target: &'a impl Ranged,
        key: &Value<'a>,
        value: Value<'a>,
    ) -> Read<()> {
        if self.mode != Mode::Start {
            return self.stop(
                target,
                "a task that changes the client changes later iterations: a workload keeps nothing",
            );
        }
        let value = self.settle(target, value)?;
        match (key, &value) {
            (Value::Str(key), Value::Str(value)) => {
                self.session
                    .headers
                    .retain(|(known, _)| !known.eq_ignore_ascii_case(key));
                self.session
                    .headers
                    .push((key.to_string(), value.to_string()));
                Ok(())
            }
            _ => self.unknown(target),
        }
    }

    /// The base URL of a class as it is now.
    pub(crate) fn host_of(&self, class: usize) -> Option<String> {
        match self.class_attribute(class, "host") {
            Some(Value::Str(host)) => Some(host.to_string()),
            Some(Value::Env(variable)) => variable.set.clone().or_else(|| variable.default.clone()),
            _ => self.host.map(str::to_owned),
        }
    }

    /// Goes through a method of a class as `self`, in a mode of its own.
    pub(crate) fn run_method(
        &mut self,
        class: usize,
        function: &Rc<Function<'a>>,
        mode: Mode,
    ) -> Read<Value<'a>> {
        let arguments = crate::calls::Arguments {
            given: Vec::new(),
            named: Vec::new(),
        };
        let before = (self.mode, std::mem::take(&mut self.frames), self.file);
        self.mode = mode;
        self.file = function.file;
        let done = self.invoke(function.definition, function, Some(class), arguments);
        (self.mode, self.frames, self.file) = before;
        done
    }

    pub(crate) fn told(&self, done: Read<Value<'a>>) {
        if let Err(stop) = done {
            match stop {
                Stop::Raised(_) => {}
                stop => {
                    self.tell_stop(stop);
                }
            }
        }
    }
}

/// The names that a class's body sets, in the order in which they are set first.
fn set_names(body: &[Stmt]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for statement in body {
        match statement {
            Stmt::FunctionDef(function) => add(function.name.as_str()),
            Stmt::ClassDef(class) => add(class.name.as_str()),
            Stmt::AnnAssign(assign) => {
                if let Expr::Name(name) = &*assign.target {
                    add(name.id.as_str());
                }
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        add(name.id.as_str());
                    }
                }
            }
            _ => {}
        }
    }
    names
}

/// True if statements print and do nothing else.
fn only_prints(body: &[Stmt], prints: &dyn Fn(&Stmt) -> bool) -> bool {
    body.iter().all(|statement| match statement {
        Stmt::Pass(_) => true,
        Stmt::Expr(_) => prints(statement),
        Stmt::If(choice) => {
            only_prints(&choice.body, prints)
                && choice
                    .elif_else_clauses
                    .iter()
                    .all(|clause| only_prints(&clause.body, prints))
        }
        _ => false,
    })
}
