//! Modules: those beside the locustfile are read, Python's and Locust's are known by name.

use std::collections::HashMap;
use std::rc::Rc;

use ruff_python_ast::{Stmt, StmtImportFrom};
use ruff_text_size::Ranged;

use crate::reader::{Mode, Read, Reader};
use crate::value::Value;

impl<'a> Reader<'a> {
    /// A module by its name.
    pub(crate) fn module(&mut self, node: &'a impl Ranged, name: &str) -> Value<'a> {
        const KNOWN: [&str; 14] = [
            "random", "os", "json", "uuid", "string", "math", "time", "datetime", "logging",
            "locust", "base64", "urllib3", "gevent", "typing",
        ];
        match name {
            "os.environ" | "os.path" => Value::Library(Rc::from("os")),
            _ if KNOWN.contains(&name) => Value::Library(Rc::from(name)),
            _ => {
                let message = format!("the module `{name}` is used, which is not read");
                Value::Poison(Rc::new(self.problem_at(node.range(), message)))
            }
        }
    }

    pub(crate) fn import_from(
        &mut self,
        statement: &'a Stmt,
        import: &'a StmtImportFrom,
    ) -> Read<()> {
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        let own = self.own_module(module).filter(|_| import.level <= 1);
        if let Some(file) = own {
            self.load(file);
        }
        for alias in &import.names {
            let name = alias.name.as_str();
            let shown = alias.asname.as_ref().map_or(name, |shown| shown.as_str());
            if name == "*" && module == "locust" {
                const LOCUST: [&str; 17] = [
                    "HttpUser",
                    "FastHttpUser",
                    "User",
                    "TaskSet",
                    "SequentialTaskSet",
                    "LoadTestShape",
                    "task",
                    "tag",
                    "between",
                    "constant",
                    "constant_pacing",
                    "constant_throughput",
                    "events",
                    "wait_time",
                    "run_single_user",
                    "MarkovTaskSet",
                    "transition",
                ];
                for name in LOCUST {
                    let value = self.imported(statement, module, name);
                    self.set(name, value);
                }
                continue;
            }
            if name == "*" {
                let Some(file) = own else {
                    return self.stop(
                        statement,
                        format!("the module `{module}` is not read: import its names one by one"),
                    );
                };
                let all: HashMap<String, Value<'a>> = self.globals[file].clone();
                for (name, value) in all.into_iter().filter(|(name, _)| !name.starts_with('_')) {
                    self.set(&name, value);
                }
                continue;
            }
            let value = match own {
                Some(file) => match self.globals[file].get(name).cloned() {
                    Some(value) => value,
                    None => return self.stop(statement, format!("`{name}` is not in `{module}`")),
                },
                None => self.imported(statement, module, name),
            };
            self.set(shown, value);
        }
        Ok(())
    }

    pub(crate) fn imported(&mut self, statement: &'a Stmt, module: &str, name: &str) -> Value<'a> {
        let root = module.split('.').next().unwrap_or(module);
        match (root, name) {
            ("locust", "events") => Value::Library(Rc::from("events")),
            ("locust", _) => Value::Library(Rc::from(format!("locust.{name}"))),
            (
                "random" | "os" | "json" | "uuid" | "string" | "math" | "time" | "logging"
                | "datetime" | "gevent",
                _,
            ) => Value::Library(Rc::from(format!("{root}.{name}"))),
            _ => {
                let message =
                    format!("`{name}` comes from the module `{module}`, which is not read");
                Value::Poison(Rc::new(self.problem_at(statement.range(), message)))
            }
        }
    }

    /// The number of the file that a module is, if it stands beside the locustfile.
    pub(crate) fn own_module(&self, module: &str) -> Option<usize> {
        self.files.iter().position(|file| {
            let path = std::path::Path::new(&file.name);
            path.file_stem().is_some_and(|stem| stem == module)
        })
    }

    /// Goes through a file, once.
    pub(crate) fn load(&mut self, file: usize) {
        if std::mem::replace(&mut self.loaded[file], true) {
            return;
        }
        let before = (self.file, std::mem::take(&mut self.frames), self.mode);
        (self.file, self.mode) = (file, Mode::Module);
        let files: &'a [crate::source::Parsing] = self.files;
        if let Err(stop) = self.block(files[file].body()) {
            self.tell_stop(stop);
        }
        (self.file, self.frames, self.mode) = before;
    }
}
