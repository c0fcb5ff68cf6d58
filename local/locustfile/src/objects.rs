//! Attributes of classes and of `self`, and what `on_start` and `on_stop` say about every request of a user.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprAttribute};
use ruff_text_size::Ranged;

use crate::class::Kind;
use crate::reader::{Mode, Read, Reader, Stop};
use crate::run::Raised;
use crate::value::{Function, Value};

impl<'a> Reader<'a> {
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
        if matches!(self.mode, Mode::Task | Mode::Stop) {
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
            // on another way it has a value: here Python raises an exception
            _ if self.mode == Mode::Start && self.is_set_somewhere(name) => {
                Err(Stop::Raised(Raised::Gone))
            }
            _ => self.stop(node, format!("`{}` is not known here", self.snippet(node))),
        }
    }

    /// True if an attribute of this name is given a value in a file.
    fn is_set_somewhere(&self, name: &str) -> bool {
        let set = format!(".{name} =");
        let is_set = |text: &str| {
            text.match_indices(&set)
                .any(|(at, _)| !text[at + set.len()..].starts_with('='))
        };
        self.files.iter().any(|file| is_set(&file.text))
    }

    pub(crate) fn assign_attribute(
        &mut self,
        target: &'a Expr,
        object: &Value<'a>,
        name: &str,
        value: Value<'a>,
    ) -> Read<()> {
        if let (Value::Client, Mode::Start | Mode::Task | Mode::Stop) = (object, self.mode) {
            return self.session_value(target, name, value);
        }
        let Value::Object(_) = object else {
            return self.unknown(target);
        };
        match self.mode {
            Mode::Start => {
                self.name_draw(name, &value);
                self.started.insert(name.to_owned(), value);
            }
            Mode::Task => {
                let place = (self.file, self.line(target));
                self.written.insert(name.to_owned(), place);
                self.run.own.insert(name.to_owned(), value);
            }
            Mode::Stop => {
                self.run.own.insert(name.to_owned(), value);
            }
            _ => return self.unknown(target),
        }
        Ok(())
    }

    /// `self.client.headers = ...` and the like, which hold for all requests of a user.
    pub(crate) fn session_value(
        &mut self,
        target: &'a Expr,
        name: &str,
        value: Value<'a>,
    ) -> Read<()> {
        if self.mode == Mode::Task {
            return self.stop(
                target,
                "a task that changes the client changes later iterations: a workload's user keeps only what on_start sets",
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
        if !matches!(self.mode, Mode::Start | Mode::Stop) {
            return self.stop(
                target,
                "a task that changes the client changes later iterations: a workload's user keeps only what on_start sets",
            );
        }
        let Value::Str(key) = key else {
            return self.unknown(target);
        };
        match self.settle(target, value)? {
            value @ (Value::Str(_) | Value::Text(_) | Value::Answer(_) | Value::Drawn(_)) => {
                let pieces = self.pieces(target, value)?;
                crate::client::set_header(&mut self.session.headers, key, pieces);
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
}
