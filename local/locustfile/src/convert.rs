//! From the classes of locustfiles to the classes of a workload.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::class::{Kind, TaskOf};
use crate::conversion::{Conversion, Options, Reading};
use crate::emit::{Emitter, TaskText};
use crate::problem::{Problem, Problems};
use crate::ratio::Ratio;
use crate::reader::{Mode, Reader, Stop};
use crate::run::{Passage, Run};
use crate::session::Session;
use crate::source::Parsing;
use crate::value::{Function, Value};
use crate::variant::Way;
use crate::variants::{Undecidable, gate_after_captures, variants};

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
    pub(crate) fn found(
        &mut self,
        mains: usize,
        wanted: impl Fn(Kind) -> bool,
    ) -> Vec<(String, usize)> {
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

    pub(crate) fn tell_class(&self, class: usize, message: impl Into<String>) {
        let class = &self.classes[class];
        self.tell(Problem {
            file: self.files[class.file].name.clone(),
            line: class.line,
            column: None,
            message: message.into(),
        });
    }

    pub(crate) fn conversion(
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

    /// The tasks of a class, after the class and the sets that a user enters, of which the last one holds them.
    pub(crate) fn root_tasks(&self, class: usize) -> Option<(Vec<usize>, Vec<TaskOf<'a>>)> {
        let mut holder = class;
        let mut entered = vec![class];
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
                (0, ..) => return Some((entered, tasks)),
                // a user stays in its only set for good
                (1, true, _) => {
                    holder = *sets.first()?;
                    entered.push(holder);
                }
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

    pub(crate) fn tasks(
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
    pub(crate) fn task(
        &mut self,
        holder: usize,
        name: &str,
        functions: &[Rc<Function<'a>>],
        count: usize,
    ) -> Option<TaskText<'a>> {
        let place = self.place_of(&functions[0]);
        let methods: Vec<_> = functions
            .iter()
            .map(|function| (holder, Rc::clone(function)))
            .collect();
        let told = self.problems.borrow().len();
        let passages = self.ways(name, &methods, Mode::Task)?;
        if self.problems.borrow().len() > told {
            return None;
        }
        match variants(passages.into_iter().map(way).collect()) {
            Ok(variants) if variants.iter().any(|variant| variant.requests.is_empty()) => {
                self.tell(place.saying(format!(
                    "`{name}` sends nothing in some iterations: a workload's task sends a request"
                )));
                None
            }
            Ok(variants) => Some(TaskText {
                name: name.to_owned(),
                file: place.file,
                line: place.line,
                count: Ratio::new(count as i128, 1)?,
                tags: common_tags(functions),
                variants,
            }),
            Err(undecidable) => {
                self.tell_undecidable(undecidable);
                None
            }
        }
    }

    /// The ways through methods that are called one after the other, each with its class.
    pub(crate) fn ways(
        &mut self,
        name: &str,
        methods: &[(usize, Rc<Function<'a>>)],
        mode: Mode,
    ) -> Option<Vec<Passage<'a>>> {
        let (_, first) = methods.first()?;
        let place = self.place_of(first);
        let headers = self.session.headers.clone();
        let told = self.problems.borrow().len();
        let mut passages = Vec::new();
        let mut decided = Some(Vec::new());
        self.spent = 0;
        while let Some(choices) = decided {
            self.run = Run {
                decided: choices,
                draws: self.session.draws.clone(),
                ..Run::default()
            };
            if mode == Mode::Start {
                self.started.clear();
            }
            let has_ended = self.call_all(methods, mode);
            decided = self.run.next_way();
            let started = match mode {
                Mode::Start => std::mem::take(&mut self.started),
                _ => HashMap::new(),
            };
            passages.push(Passage {
                run: std::mem::take(&mut self.run),
                headers: std::mem::replace(&mut self.session.headers, headers.clone()),
                started,
                has_ended,
            });
            if passages.len() > MOST_WAYS {
                self.tell(
                    place.saying(format!("`{name}` has too many ways to go: make it simpler")),
                );
                return None;
            }
            if self.problems.borrow().len() > told + 50 {
                return None;
            }
        }
        Some(passages)
    }

    /// Goes through methods until one raises an exception; true if one does.
    fn call_all(&mut self, methods: &[(usize, Rc<Function<'a>>)], mode: Mode) -> bool {
        for (class, function) in methods {
            match self.run_method(*class, function, mode) {
                Ok(_) => {}
                Err(Stop::Raised(_)) => return true,
                Err(stop) => {
                    self.tell_stop(stop);
                }
            }
        }
        false
    }

    /// The place of a function, for what is told of it.
    pub(crate) fn place_of(&self, function: &Function<'a>) -> Problem {
        let file = &self.files[function.file];
        Problem {
            file: file.name.clone(),
            line: file.line_of(&function.definition.name),
            column: None,
            message: String::new(),
        }
    }

    pub(crate) fn tell_undecidable(&self, undecidable: Undecidable) {
        let names = |file: usize| self.files[file].name.clone();
        self.tell(undecidable.problem(&names));
    }
}

/// A way whose later requests need what an earlier one's response has.
pub(crate) fn way(passage: Passage<'_>) -> Way<'_> {
    let mut requests = passage.run.requests;
    gate_after_captures(&mut requests);
    Way {
        decisions: passage.run.decisions,
        requests,
        draws: passage.run.draws,
        is_start: false,
    }
}
