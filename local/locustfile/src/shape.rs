//! Load shapes: `tick` is gone through for each second, as Locust calls it.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::problem::Problem;
use crate::reader::{Mode, Reader};
use crate::run::Run;
use crate::session::Session;
use crate::value::Value;

/// The longest shape.
const LONGEST: u32 = 6 * 60 * 60;

/// The most stages of a workload's shape.
const MOST_STAGES: usize = 1_000;

/// Locust looks a little after each full second.
const AFTER: f64 = 0.001;

/// A shape in stages.
pub(crate) struct ShapeText {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: usize,
    stages: Vec<Stage>,
}

#[derive(Clone, PartialEq)]
struct Stage {
    ends: u32,
    users: i64,
    spawn_rate: f64,
    user_classes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(crate) fn shape(&mut self, name: &str, class: usize) -> Option<ShapeText> {
        let (file, line) = (
            self.files[self.classes[class].file].name.clone(),
            self.classes[class].line,
        );
        let told = self.problems.borrow().len();
        let stages = self.stages(class);
        if self.problems.borrow().len() > told {
            return None;
        }
        match stages {
            Ok(stages) => Some(ShapeText {
                name: name.to_owned(),
                file,
                line,
                stages,
            }),
            Err(message) => {
                self.tell(Problem {
                    file,
                    line,
                    column: None,
                    message,
                });
                None
            }
        }
    }

    fn stages(&mut self, class: usize) -> Result<Vec<Stage>, String> {
        let Some(Value::Function(tick)) = self.class_attribute(class, "tick") else {
            return Err("a load shape has a method `tick`".to_owned());
        };
        if self
            .class_attribute(class, "use_common_options")
            .is_some_and(|value| value.truth() != Some(false))
        {
            return Err(
                "a workload's shape does not read the number of users that is asked for".to_owned(),
            );
        }
        self.user = None;
        self.session = Session::default();
        let mut stages: Vec<Stage> = Vec::new();
        for second in 0..=LONGEST {
            self.run = Run::default();
            self.started.clear();
            self.spent = 0;
            self.elapsed = f64::from(second) + AFTER;
            let told = self.problems.borrow().len();
            let done = self.run_method(class, &Rc::clone(&tick), Mode::Shape);
            let value = match done {
                Ok(value) => value,
                Err(stop) => {
                    self.tell_stop(stop);
                    return Ok(Vec::new());
                }
            };
            if self.problems.borrow().len() > told {
                return Ok(Vec::new());
            }
            if matches!(value, Value::None) {
                return match stages.is_empty() {
                    true => Err("the load shape ends at once".to_owned()),
                    false => Ok(stages),
                };
            }
            let stage = self
                .stage(second + 1, &value)
                .ok_or("`tick` of a load shape returns users, spawn rate and maybe classes")?;
            match stages.last_mut().filter(|last| {
                (Stage {
                    ends: stage.ends,
                    ..(*last).clone()
                }) == stage
            }) {
                Some(last) => last.ends = stage.ends,
                None => stages.push(stage),
            }
            if stages.len() > MOST_STAGES {
                return Err("the load shape has more than 1000 stages".to_owned());
            }
        }
        Err(
            "the load shape does not end within six hours: a workload's stages have an end"
                .to_owned(),
        )
    }

    fn stage(&self, ends: u32, value: &Value<'a>) -> Option<Stage> {
        let parts = value.elements()?;
        let users = match parts.first()? {
            Value::Int(users) => *users,
            other => other.number().filter(|users| users.fract() == 0.0)? as i64,
        };
        let spawn_rate = parts.get(1)?.number()?;
        let user_classes = match parts.get(2) {
            None | Some(Value::None) => Vec::new(),
            Some(classes) => {
                let names = classes.elements()?.into_iter().map(|class| match class {
                    Value::Class(class) => Some(self.classes[class].name.clone()),
                    _ => None,
                });
                names.collect::<Option<_>>()?
            }
        };
        (parts.len() <= 3).then_some(Stage {
            ends,
            users,
            spawn_rate,
            user_classes,
        })
    }
}

impl ShapeText {
    pub(crate) fn write(&self) -> String {
        let mut text = format!(
            "\n# {}, line {}; run it with --shape {}\n",
            self.file, self.line, self.name
        );
        let _ = writeln!(text, "[shape.{}]\nstages = [", self.name);
        for Stage {
            ends,
            users,
            spawn_rate,
            user_classes,
        } in &self.stages
        {
            let _ = write!(
                text,
                "  {{ duration = \"{ends}s\", users = {users}, spawn_rate = {spawn_rate}"
            );
            if !user_classes.is_empty() {
                let names: Vec<String> = user_classes
                    .iter()
                    .map(|name| format!("\"{name}\""))
                    .collect();
                let _ = write!(text, ", user_classes = [{}]", names.join(", "));
            }
            text.push_str(" },\n");
        }
        text + "]\n"
    }
}
