//! The classes of a file: users, task sets and load shapes, with what they inherit.

use std::rc::Rc;

use ruff_python_ast::{Decorator, Expr, ExprCall, Stmt, StmtClassDef};
use ruff_text_size::Ranged;

use crate::class::{Class, Kind, TaskOf};
use crate::reader::{Mode, Read, Reader};
use crate::value::Value;

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

    pub(crate) fn bases(&mut self, node: &'a StmtClassDef) -> Read<(Kind, Vec<usize>)> {
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
    pub(crate) fn own_tasks(
        &mut self,
        node: &'a StmtClassDef,
        class: &Class<'a>,
    ) -> Read<Vec<TaskOf<'a>>> {
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

    pub(crate) fn listed_tasks(
        &mut self,
        node: &'a StmtClassDef,
        value: Value<'a>,
    ) -> Read<Vec<TaskOf<'a>>> {
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
                "locust.task" => self.weigh(decorator, arguments, &value)?,
                "locust.tag" => self.tag(decorator, arguments, &value)?,
                "staticmethod" | "property" => return self.no_decorator(decorator),
                _ if path.starts_with("event.") => self.listener(node, &path, &value)?,
                _ => return self.no_decorator(decorator),
            }
        }
        Ok(value)
    }

    pub(crate) fn weigh(
        &mut self,
        decorator: &'a Decorator,
        arguments: Option<&'a ExprCall>,
        value: &Value<'a>,
    ) -> Read<()> {
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
        match value {
            Value::Function(function) => function.weight.set(Some(weight)),
            Value::Class(class) => self.classes[*class].weight = Some(weight),
            _ => return self.no_decorator(decorator),
        }
        Ok(())
    }

    pub(crate) fn tag(
        &mut self,
        decorator: &'a Decorator,
        arguments: Option<&'a ExprCall>,
        value: &Value<'a>,
    ) -> Read<()> {
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
        match value {
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
        Ok(())
    }

    pub(crate) fn no_decorator<T>(&self, decorator: &'a Decorator) -> Read<T> {
        self.stop(
            decorator,
            format!("a workload cannot say `{}`", self.snippet(decorator)),
        )
    }

    /// A listener of Locust's events: one that only prints changes nothing.
    pub(crate) fn listener(
        &mut self,
        node: &'a impl Ranged,
        path: &str,
        value: &Value<'a>,
    ) -> Read<()> {
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
