//! The calls of functions: the file's own, and those of Python's and Locust's libraries that a workload can say.

use std::rc::Rc;

use ruff_python_ast::ExprCall;
use ruff_text_size::Ranged;

use crate::client::METHODS;
use crate::exec::Flow;
use crate::reader::{Read, Reader};
use crate::texts::text_of;
use crate::toml_text::float;
use crate::value::{Answer, AnswerKind, Function, Piece, Value, show_float};

/// The shortest wait between two bounds that a workload has, in seconds.
const SHORTEST_WAIT: f64 = 0.001;

/// The arguments of a call.
pub(crate) struct Arguments<'a> {
    pub(crate) given: Vec<Value<'a>>,
    pub(crate) named: Vec<(String, Value<'a>)>,
}

impl<'a> Arguments<'a> {
    /// The argument at a position or with a name.
    pub(crate) fn get(&self, position: usize, name: &str) -> Option<&Value<'a>> {
        let named = || {
            self.named
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value)
        };
        self.given.get(position).or_else(named)
    }

    pub(crate) fn only(&self, count: usize, names: &[&str]) -> bool {
        self.given.len() <= count
            && self
                .named
                .iter()
                .all(|(name, _)| names.contains(&name.as_str()))
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn arguments(&mut self, node: &'a ExprCall) -> Read<Arguments<'a>> {
        let given = self.elements_of(&node.arguments.args)?;
        let mut named = Vec::new();
        for keyword in &node.arguments.keywords {
            let value = self.eval(&keyword.value)?;
            match &keyword.arg {
                Some(name) => named.push((name.to_string(), value)),
                None => match self.settle(&keyword.value, value)? {
                    Value::Dict(dict) => {
                        for (key, value) in dict.items.borrow().iter() {
                            named.push((key.show().unwrap_or_default(), value.clone()));
                        }
                    }
                    _ => return self.unknown(node),
                },
            }
        }
        Ok(Arguments { given, named })
    }

    pub(crate) fn call(&mut self, node: &'a ExprCall) -> Read<Value<'a>> {
        let called = self.eval(&node.func)?;
        let called = self.constant(&*node.func, called)?;
        if let Value::Method(method) = &called
            && let (Value::Client, name) = &**method
        {
            let name = name.clone();
            return self.client_call(node, &name, false);
        }
        if let Value::Library(path) = &called
            && prints(path)
            && !acts(self.source(&node.arguments))
        {
            self.note(node, "what it prints is left out");
            return Ok(Value::None);
        }
        let arguments = self.arguments(node)?;
        match called {
            Value::Library(path) => self.library(node, &path, &arguments),
            Value::Function(function) => self.invoke(node, &function, None, arguments),
            Value::Bound(function, class) => self.invoke(node, &function, Some(class), arguments),
            Value::Method(method) => {
                let (receiver, name) = &*method;
                self.method(node, receiver.clone(), name, &arguments)
            }
            _ => self.unknown(node),
        }
    }

    /// Goes through a function of the file with its arguments.
    pub(crate) fn invoke(
        &mut self,
        node: &'a impl Ranged,
        function: &Function<'a>,
        object: Option<usize>,
        arguments: Arguments<'a>,
    ) -> Read<Value<'a>> {
        let definition = function.definition;
        let parameters = &definition.parameters;
        if definition.is_async || parameters.vararg.is_some() || parameters.kwarg.is_some() {
            let name = definition.name.as_str();
            return self.stop(
                node,
                format!("a workload cannot call `{name}`: give it plain parameters"),
            );
        }
        let mut frame = std::collections::HashMap::new();
        let given = object.map(Value::Object).into_iter().chain(arguments.given);
        let mut given: Vec<Value<'a>> = given.collect();
        given.reverse();
        let mut named = arguments.named;
        let file = std::mem::replace(&mut self.file, function.file);
        for parameter in parameters.iter_non_variadic_params() {
            let name = parameter.parameter.name.as_str();
            let by_name = named.iter().position(|(known, _)| known == name);
            let value = match (given.pop(), by_name, &parameter.default) {
                (Some(value), _, _) => value,
                (None, Some(at), _) => named.remove(at).1,
                (None, None, Some(default)) => self.eval(default)?,
                (None, None, None) => {
                    self.file = file;
                    return self.stop(
                        node,
                        format!("`{name}` of `{}` is missing here", definition.name),
                    );
                }
            };
            frame.insert(name.to_owned(), value);
        }
        if !given.is_empty() || !named.is_empty() {
            self.file = file;
            return self.stop(
                node,
                format!("`{}` has too many arguments here", definition.name),
            );
        }
        self.frames.push(frame);
        let done = self.deeper(node, |reader| reader.block(&definition.body));
        self.frames.pop();
        self.file = file;
        match done? {
            Flow::Return(value) => Ok(value),
            _ => Ok(Value::None),
        }
    }

    pub(crate) fn library(
        &mut self,
        node: &'a ExprCall,
        path: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        if let Some(name) = path.strip_prefix("random.") {
            return self.random(node, name, arguments);
        }
        if path == "logging.getLogger" {
            return Ok(Value::Library(Rc::from("logger")));
        }
        let first = arguments.get(0, "");
        match path {
            "os.getenv" | "os.environ.get" => {
                let Some(name) = arguments.get(0, "key") else {
                    return self.unknown(node);
                };
                let name = self.constant(node, name.clone())?;
                let default = match arguments.get(1, "default") {
                    Some(default) => Some(self.settle(node, default.clone())?),
                    None => None,
                };
                self.variable(node, &name, default)
            }
            "json.dumps" if arguments.named.is_empty() => {
                let value = first.cloned().unwrap_or(Value::None);
                let pieces = self.json_pieces(node, value)?;
                Ok(text_of(pieces))
            }
            "uuid.uuid4" => self.uuid(node),
            "str" if arguments.only(1, &[]) => {
                let pieces = self.pieces(node, first.cloned().unwrap_or(Value::text("")))?;
                Ok(match pieces.as_slice() {
                    [Piece::Code(_)] => Value::Text(Rc::new(pieces)),
                    _ => text_of(pieces),
                })
            }
            "round" => self.round(node, arguments),
            "len" => {
                let value = first.cloned().unwrap_or(Value::None);
                match self.settle(node, value)? {
                    Value::Answer(answer)
                        if matches!(answer.kind, AnswerKind::Json | AnswerKind::Body) =>
                    {
                        let code = format!("({} | length)", answer.code);
                        Ok(self.answer(&answer, code, AnswerKind::Json))
                    }
                    value => match self.constant(node, value)?.elements() {
                        Some(elements) => Ok(Value::Int(elements.len() as i64)),
                        None => self.unknown(node),
                    },
                }
            }
            "isinstance" => self.unknown(node),
            "time.sleep" | "gevent.sleep" => self.stop(
                node,
                "a workload has no pause within a task: use the class's wait_time",
            ),
            "time.time" | "time.perf_counter" | "datetime.datetime.now" | "datetime.now" => {
                let message = format!(
                    "`{}` is the time of the request, which a workload does not know",
                    self.snippet(node)
                );
                Ok(Value::Poison(Rc::new(
                    self.problem_at(node.range(), message),
                )))
            }
            "urllib3.disable_warnings" | "urllib3.disable_warnings.x" => Ok(Value::None),
            _ if path.starts_with("locust.") => self.locust(node, path, arguments),
            _ => self.pure(node, path, arguments),
        }
    }

    pub(crate) fn answer(&self, answer: &Answer, code: String, kind: AnswerKind) -> Value<'a> {
        Value::Answer(Rc::new(Answer {
            step: answer.step,
            code,
            kind,
        }))
    }

    pub(crate) fn locust(
        &mut self,
        node: &'a ExprCall,
        path: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let name = path.trim_start_matches("locust.");
        let mut numbers = Vec::new();
        for value in &arguments.given {
            match self.constant(node, value.clone()) {
                Ok(value) => numbers.extend(value.number()),
                Err(stop) => return Err(stop),
            }
        }
        for (_, value) in &arguments.named {
            numbers.extend(self.constant(node, value.clone())?.number());
        }
        let shown: Option<Vec<String>> =
            numbers.iter().map(|number| show_number(*number)).collect();
        let shown = shown.unwrap_or_default().join(", ");
        match (name, numbers.as_slice()) {
            ("between", [low, high]) if *low >= 0.0 && low <= high => {
                Ok(Value::Wait(self.between(node, *low, *high)))
            }
            ("constant", [wait]) if *wait >= 0.0 => {
                Ok(Value::Wait(Rc::from(format!("constant({shown})"))))
            }
            ("constant_pacing", [pace]) => match *pace > 0.0 {
                true => Ok(Value::Wait(Rc::from(format!("constant_pacing({shown})")))),
                false => Ok(Value::Wait(Rc::from("constant(0)"))),
            },
            ("constant_throughput", [rate]) if *rate > 0.0 => Ok(Value::Wait(Rc::from(format!(
                "constant_throughput({shown})"
            )))),
            ("run_single_user", _) => {
                self.note(node, "run_single_user is left out");
                Ok(Value::None)
            }
            _ => self.unknown(node),
        }
    }

    /// A wait between two bounds, of which the shorter one is at least a millisecond.
    pub(crate) fn between(&mut self, node: &impl Ranged, low: f64, high: f64) -> Rc<str> {
        if high == 0.0 {
            return Rc::from("constant(0)");
        }
        if low < SHORTEST_WAIT {
            let snippet = self.snippet(node);
            let message = format!(
                "`{snippet}` begins at {SHORTEST_WAIT} s here: a workload's user never begins two iterations at once"
            );
            self.note(node, message);
        }
        let bounds = [low, high].map(|bound| float(bound.max(SHORTEST_WAIT)));
        Rc::from(format!("between({})", bounds.join(", ")))
    }

    pub(crate) fn is_client_method(name: &str) -> bool {
        METHODS.iter().any(|(known, _)| *known == name) || name == "request"
    }
}

/// True for arguments whose making does more than read values.
pub(crate) fn acts(text: &str) -> bool {
    ["client.", "quit(", "stop(", ":="]
        .iter()
        .any(|action| text.contains(action))
}

/// True for a function that prints or logs.
pub(crate) fn prints(path: &str) -> bool {
    let logs = path.starts_with("logging.") || path.starts_with("logger.");
    path == "print" || (logs && path != "logging.getLogger")
}

/// A number as a workload's wait has it.
fn show_number(number: f64) -> Option<String> {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return Some(format!("{}", number as i64));
    }
    show_float(number)
}
