//! The calls of functions: the file's own, and those of Python's and Locust's libraries that a workload can say.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use crate::client::METHODS;
use crate::eval::{arithmetic, compared, formatted, optional, text_of};
use crate::exec::Flow;
use crate::reader::{Mode, Raised, Read, Reader, Stop, item, quoted};
use crate::value::{Answer, AnswerKind, Draw, DrawKind, Function, Piece, Value, show_float};

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

    fn only(&self, count: usize, names: &[&str]) -> bool {
        self.given.len() <= count
            && self
                .named
                .iter()
                .all(|(name, _)| names.contains(&name.as_str()))
    }
}

/// The longest text of single draws.
const MOST_DRAWS: usize = 64;

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

    fn library(
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

    /// A function of constants.
    fn pure(
        &mut self,
        node: &'a ExprCall,
        path: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let mut given = Vec::new();
        for value in &arguments.given {
            given.push(self.constant(node, value.clone())?);
        }
        if !arguments.named.is_empty() && path != "dict" {
            return self.unknown(node);
        }
        let numbers = || {
            given
                .iter()
                .map(Value::number)
                .collect::<Option<Vec<f64>>>()
        };
        let value = match (path, given.as_slice()) {
            ("int", [Value::Str(text)]) => text.trim().parse().ok().map(Value::Int),
            ("int", [value]) => value
                .number()
                .filter(|number| number.abs() < 1e15)
                .map(|number| Value::Int(number as i64)),
            ("float", [Value::Str(text)]) => text
                .trim()
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .map(Value::Float),
            ("float", [value]) => value.number().map(Value::Float),
            ("bool", [value]) => value.truth().map(Value::Bool),
            ("abs", [Value::Int(number)]) => number.checked_abs().map(Value::Int),
            ("range", bounds) => range(bounds),
            ("list" | "tuple" | "reversed" | "set", [value]) => {
                value.elements().map(|mut elements| {
                    if path == "reversed" {
                        elements.reverse();
                    }
                    if path == "tuple" {
                        Value::Tuple(Rc::new(elements))
                    } else {
                        Value::list(elements, false)
                    }
                })
            }
            ("list" | "set", []) => Some(Value::list(Vec::new(), false)),
            ("dict", []) => {
                let items = arguments
                    .named
                    .iter()
                    .map(|(name, value)| (Value::text(name), value.clone()));
                Some(Value::dict(items.collect(), false))
            }
            ("dict", [Value::Dict(dict)]) if arguments.named.is_empty() => {
                Some(Value::dict(dict.items.borrow().clone(), false))
            }
            ("enumerate", [value]) => value.elements().map(|elements| {
                let pairs = elements.into_iter().enumerate();
                let pairs = pairs.map(|(index, value)| {
                    Value::Tuple(Rc::new(vec![Value::Int(index as i64), value]))
                });
                Value::list(pairs.collect(), false)
            }),
            ("zip", [one, other]) => one.elements().zip(other.elements()).map(|(one, other)| {
                let pairs = one
                    .into_iter()
                    .zip(other)
                    .map(|(one, other)| Value::Tuple(Rc::new(vec![one, other])));
                Value::list(pairs.collect(), false)
            }),
            ("sum", [value]) => value.elements().and_then(|elements| {
                let add = |sum: Value<'a>, next: &Value<'a>| {
                    arithmetic(&sum, ruff_python_ast::Operator::Add, next)
                };
                elements.iter().try_fold(Value::Int(0), add)
            }),
            ("min" | "max", [value]) => value
                .elements()
                .and_then(|elements| extreme(path, &elements)),
            ("min" | "max", values) => extreme(path, values),
            ("math.floor" | "math.ceil", _) => numbers().filter(|all| all.len() == 1).map(|all| {
                let number = if path == "math.floor" {
                    all[0].floor()
                } else {
                    all[0].ceil()
                };
                Value::Int(number as i64)
            }),
            ("json.loads", [Value::Str(_)]) => None,
            _ => None,
        };
        match value {
            Some(value) => Ok(value),
            None => self.unknown(node),
        }
    }

    fn round(&mut self, node: &'a ExprCall, arguments: &Arguments<'a>) -> Read<Value<'a>> {
        let value = arguments.get(0, "number").cloned().unwrap_or(Value::None);
        let digits = match arguments.get(1, "ndigits") {
            Some(digits) => Some(self.constant(node, digits.clone())?),
            None => None,
        };
        let digits = match digits {
            None => None,
            Some(Value::Int(digits)) if (0..=9).contains(&digits) => Some(digits as u32),
            _ => return self.unknown(node),
        };
        match self.settle(node, value)? {
            Value::Drawn(drawn) if drawn.path.is_empty() => {
                match (&self.run.draws[drawn.draw].kind, digits) {
                    (DrawKind::Real(low, high, None), Some(digits)) => {
                        let kind = DrawKind::Real(*low, *high, Some(digits));
                        // the draw itself must not be used unrounded as well
                        let key = format!("{}.round", self.run.draws[drawn.draw].key);
                        self.run.draws.push(Draw {
                            key,
                            kind,
                            name: None,
                            pool: None,
                        });
                        let draw = self.run.draws.len() - 1;
                        Ok(Value::Drawn(Rc::new(crate::value::Drawn {
                            draw,
                            path: Vec::new(),
                        })))
                    }
                    _ => self.unknown(node),
                }
            }
            value => match (value, digits) {
                (Value::Float(number), Some(digits)) => {
                    let rounded = format!("{number:.*}", digits as usize).parse();
                    Ok(Value::Float(rounded.unwrap_or(number)))
                }
                (Value::Float(number), None) if number.abs() < 1e15 => {
                    Ok(Value::Int(number.round_ties_even() as i64))
                }
                (value @ Value::Int(_), _) => Ok(value),
                _ => self.unknown(node),
            },
        }
    }

    fn random(
        &mut self,
        node: &'a ExprCall,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let pool = node.arguments.args.first().and_then(pool_name);
        let first = arguments.given.first();
        let whole = |value: Option<&Value<'a>>| match value {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        };
        match name {
            "random" if arguments.only(0, &[]) => {
                let unit = DrawKind::Unit(
                    crate::ratio::Ratio { top: 0, bottom: 1 },
                    crate::ratio::Ratio::ONE,
                );
                Ok(self.draw(node, unit))
            }
            "seed" => {
                self.note(node, "the seed of a run is --seed");
                Ok(Value::None)
            }
            "randint" | "randrange" | "uniform"
                if (1..=2).contains(&(arguments.given.len() + arguments.named.len())) =>
            {
                let mut bounds = Vec::new();
                for (position, key) in ["a", "b"].into_iter().enumerate() {
                    if let Some(bound) = arguments.get(position, key) {
                        bounds.push(self.constant(node, bound.clone())?);
                    }
                }
                let kind = match (name, bounds.as_slice()) {
                    ("randint", [Value::Int(low), Value::Int(high)]) if low <= high => {
                        DrawKind::Whole(*low, *high)
                    }
                    ("randrange", [Value::Int(high)]) if *high > 0 => DrawKind::Whole(0, high - 1),
                    ("randrange", [Value::Int(low), Value::Int(high)]) if low < high => {
                        DrawKind::Whole(*low, high - 1)
                    }
                    ("uniform", [low, high]) => match low.number().zip(high.number()) {
                        Some((low, high)) if low <= high => DrawKind::Real(low, high, None),
                        _ => return self.unknown(node),
                    },
                    _ => return self.unknown(node),
                };
                Ok(self.draw(node, kind))
            }
            "choice" if arguments.only(1, &["seq"]) => {
                let Some(values) = arguments.get(0, "seq") else {
                    return self.unknown(node);
                };
                let values = self.iterate(node, values.clone())?;
                self.choice(
                    node,
                    values.into_iter().map(|value| (value, 1)).collect(),
                    pool,
                )
            }
            "choices" if arguments.only(1, &["population", "weights", "k", "cum_weights"]) => {
                let Some(values) = first.or_else(|| arguments.get(0, "population")) else {
                    return self.unknown(node);
                };
                let values = self.iterate(node, values.clone())?;
                let weights = match arguments.get(usize::MAX, "weights") {
                    Some(weights) => self.iterate(node, weights.clone())?,
                    None => vec![Value::Int(1); values.len()],
                };
                let Some(weights) = whole_weights(&weights).filter(|all| all.len() == values.len())
                else {
                    return self.unknown(node);
                };
                if arguments.get(usize::MAX, "cum_weights").is_some() {
                    return self.unknown(node);
                }
                let count = match arguments.get(usize::MAX, "k") {
                    None => Some(1),
                    Some(count) => {
                        let count = self.constant(node, count.clone())?;
                        whole(Some(&count)).and_then(|count| usize::try_from(count).ok())
                    }
                };
                let Some(count) = count.filter(|count| (1..=MOST_DRAWS).contains(count)) else {
                    return self.unknown(node);
                };
                let outcomes: Vec<_> = values
                    .into_iter()
                    .zip(weights)
                    .filter(|(_, weight)| *weight > 0)
                    .collect();
                let mut drawn = Vec::new();
                for _ in 0..count {
                    drawn.push(self.choice(node, outcomes.clone(), pool.clone())?);
                }
                Ok(Value::list(drawn, false))
            }
            _ => self.unknown(node),
        }
    }

    /// A draw of one of these values, by weight.
    fn choice(
        &mut self,
        node: &'a ExprCall,
        outcomes: Vec<(Value<'a>, i64)>,
        pool: Option<String>,
    ) -> Read<Value<'a>> {
        if outcomes.is_empty() {
            return self.stop(node, "there is nothing to choose from");
        }
        if self.mode != Mode::Task || outcomes.iter().all(|(value, _)| value.is_constant()) {
            return Ok(self.named_draw(node, DrawKind::Outcomes(outcomes), pool));
        }
        // values that are not known yet: which one it is, is decided first
        let numbers = outcomes
            .iter()
            .enumerate()
            .map(|(index, (_, weight))| (Value::Int(index as i64), *weight));
        let drawn = self.named_draw(node, DrawKind::Outcomes(numbers.collect()), None);
        match self.constant(node, drawn)? {
            Value::Int(index) => Ok(outcomes[index as usize].0.clone()),
            _ => self.unknown(node),
        }
    }

    /// A random UUID, digit by digit.
    fn uuid(&mut self, node: &'a ExprCall) -> Read<Value<'a>> {
        let mut pieces = Vec::new();
        for (index, digit) in "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".chars().enumerate() {
            let digits = match digit {
                'x' => "0123456789abcdef",
                'y' => "89ab",
                other => {
                    pieces.push(Piece::Literal(other.to_string()));
                    continue;
                }
            };
            let outcomes = digits
                .chars()
                .map(|c| (Value::text(c.encode_utf8(&mut [0; 4])), 1))
                .collect();
            let name = if digit == 'x' {
                "hex_digits"
            } else {
                "uuid_variants"
            };
            let drawn = self.named_draw(node, DrawKind::Outcomes(outcomes), Some(name.to_owned()));
            let _ = index;
            pieces.extend(self.pieces(node, drawn)?);
        }
        Ok(text_of(pieces))
    }

    /// A method of a value.
    fn method(
        &mut self,
        node: &'a ExprCall,
        receiver: Value<'a>,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        match (&receiver, name) {
            (Value::Reply(step), _) => return self.reply_method(node, *step, name, arguments),
            (Value::Answer(answer), _) => return self.answer_method(node, answer, name, arguments),
            (Value::Method(client), "update")
                if matches!((&client.0, client.1.as_str()), (Value::Client, "headers")) =>
            {
                let given = arguments.given.first().cloned().unwrap_or(Value::None);
                let Value::Dict(dict) = self.settle(node, given)? else {
                    return self.unknown(node);
                };
                let items = dict.items.borrow().clone();
                for (key, value) in items {
                    self.session_header(node, &key, value)?;
                }
                return Ok(Value::None);
            }
            (Value::Object(_), "get_run_time") => return Ok(Value::Float(self.elapsed)),
            (Value::Str(separator), "join") => {
                let parts = arguments.given.first().cloned().unwrap_or(Value::None);
                let mut pieces = Vec::new();
                for (index, part) in self.iterate(node, parts)?.into_iter().enumerate() {
                    if index > 0 {
                        pieces.push(Piece::Literal(separator.to_string()));
                    }
                    pieces.extend(self.pieces(node, part)?);
                }
                return Ok(text_of(pieces));
            }
            (Value::Str(format), "format") => {
                return self.format(node, &format.to_string(), arguments);
            }
            (Value::List(list), "append") => {
                self.check_lasts(node, list.lasts)?;
                list.items
                    .borrow_mut()
                    .extend(arguments.given.first().cloned());
                return Ok(Value::None);
            }
            (Value::Dict(dict), "update") => {
                self.check_lasts(node, dict.lasts)?;
                let other = arguments
                    .given
                    .first()
                    .cloned()
                    .unwrap_or(Value::dict(Vec::new(), false));
                let Value::Dict(other) = self.settle(node, other)? else {
                    return self.unknown(node);
                };
                let more = other.items.borrow().clone();
                let named = arguments
                    .named
                    .iter()
                    .map(|(name, value)| (Value::text(name), value.clone()));
                for (key, value) in more.into_iter().chain(named) {
                    crate::eval::put(&mut dict.items.borrow_mut(), key, value);
                }
                return Ok(Value::None);
            }
            (Value::Dict(dict), "get") => {
                let key = arguments.given.first().cloned().unwrap_or(Value::None);
                let key = self.constant(node, key)?;
                let default = arguments.given.get(1).cloned().unwrap_or(Value::None);
                return Ok(item(&Value::Dict(Rc::clone(dict)), &key).unwrap_or(default));
            }
            (Value::Drawn(_), "get") => {
                let key = arguments.given.first().cloned().unwrap_or(Value::None);
                return self.take(node, receiver, key);
            }
            _ => {}
        }
        let receiver = self.constant(node, receiver)?;
        let mut given = Vec::new();
        for value in &arguments.given {
            given.push(self.constant(node, value.clone())?);
        }
        match constant_method(&receiver, name, &given).filter(|_| arguments.named.is_empty()) {
            Some(value) => Ok(value),
            None => self.unknown(node),
        }
    }

    fn check_lasts(&self, node: &impl Ranged, lasts: bool) -> Read<()> {
        if lasts && matches!(self.mode, Mode::Task | Mode::Start) {
            return self.stop(
                node,
                format!(
                    "`{}` changes what lasts longer than an iteration: a workload keeps nothing",
                    self.snippet(node)
                ),
            );
        }
        Ok(())
    }

    pub(crate) fn check_changes(&self, node: &impl Ranged, value: &Value<'a>) -> Read<()> {
        match value {
            Value::List(list) => self.check_lasts(node, list.lasts),
            Value::Dict(dict) => self.check_lasts(node, dict.lasts),
            _ => Ok(()),
        }
    }

    fn format(
        &mut self,
        node: &'a ExprCall,
        format: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let mut pieces = Vec::new();
        let mut next = 0;
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            pieces.push(Piece::Literal(rest[..at].to_owned()));
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                pieces.push(Piece::Literal(brace.to_owned()));
                rest = after;
                continue;
            }
            let Some((field, after)) = rest.split_once('}') else {
                return self.unknown(node);
            };
            rest = after;
            let (field, spec) = field.split_once(':').unwrap_or((field, ""));
            let value = match field.parse::<usize>() {
                Ok(index) => arguments.given.get(index),
                Err(_) if field.is_empty() => {
                    next += 1;
                    arguments.given.get(next - 1)
                }
                Err(_) => arguments.get(usize::MAX, field),
            };
            let Some(value) = value.cloned() else {
                return self.unknown(node);
            };
            if spec.is_empty() {
                pieces.extend(self.pieces(node, value)?);
                continue;
            }
            let value = self.constant(node, value)?;
            match formatted(&value, spec) {
                Some(text) => pieces.push(Piece::Literal(text)),
                None => return self.unknown(node),
            }
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Ok(text_of(pieces))
    }

    fn reply_method(
        &mut self,
        node: &'a ExprCall,
        step: usize,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        match name {
            "json" => {
                if self.run.catches(Raised::NoJson) && !self.ask(node, step, "json is not none")? {
                    return Err(Stop::Raised(Raised::NoJson));
                }
                let answer = Answer {
                    step,
                    code: "json".to_owned(),
                    kind: AnswerKind::Json,
                };
                Ok(Value::Answer(Rc::new(answer)))
            }
            "success" | "failure" if !self.run.open.contains(&step) => self.stop(
                node,
                format!(
                    "`{}` stands outside of the `with` of its request",
                    self.snippet(node)
                ),
            ),
            "success" => {
                self.run.requests[step].judgement = crate::judgement::Judgement::Success;
                Ok(Value::None)
            }
            "failure" => {
                let said = arguments.given.first().cloned().unwrap_or(Value::None);
                let pieces = self.pieces(node, said)?;
                let pieces = self.response_pieces(node, step, pieces)?;
                self.run.requests[step].judgement = crate::judgement::Judgement::Failure(pieces);
                Ok(Value::None)
            }
            _ => self.unknown(node),
        }
    }

    fn answer_method(
        &mut self,
        node: &'a ExprCall,
        answer: &Answer,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let mut given = Vec::new();
        for value in &arguments.given {
            given.push(self.constant(node, value.clone())?);
        }
        let code = &answer.code;
        match (name, answer.kind, given.as_slice()) {
            ("get", AnswerKind::Json | AnswerKind::Headers, [Value::Str(key)]) => {
                let code = optional(&crate::eval::member(code, key));
                Ok(self.answer(answer, code, AnswerKind::Json))
            }
            ("get", AnswerKind::Json | AnswerKind::Headers, [Value::Str(key), default]) => {
                let Some(default) = crate::eval::literal(default) else {
                    return self.unknown(node);
                };
                let code = format!("({} | default({default}))", crate::eval::member(code, key));
                Ok(self.answer(answer, code, AnswerKind::Json))
            }
            ("lower" | "upper", AnswerKind::Body, []) => {
                Ok(self.answer(answer, format!("({code} | {name})"), AnswerKind::Body))
            }
            ("startswith", AnswerKind::Body, [Value::Str(text)]) => {
                let code = format!("{code} is startingwith({})", quoted(text));
                Ok(self.answer(answer, code, AnswerKind::Truth))
            }
            ("endswith", AnswerKind::Body, [Value::Str(text)]) => {
                let code = format!("{code} is endingwith({})", quoted(text));
                Ok(self.answer(answer, code, AnswerKind::Truth))
            }
            _ => self.unknown(node),
        }
    }

    fn locust(
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
            ("between", [low, high]) if low <= high => match *low > 0.0 {
                true => Ok(Value::Wait(Rc::from(format!("between({shown})")))),
                false if *high == 0.0 => Ok(Value::Wait(Rc::from("constant(0)"))),
                false => self.stop(
                    node,
                    "a workload's `between` begins above 0: write for example between(0.001, ...)",
                ),
            },
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
fn prints(path: &str) -> bool {
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

fn extreme<'a>(path: &str, values: &[Value<'a>]) -> Option<Value<'a>> {
    let mut values = values.iter();
    let mut best = values.next()?.clone();
    let op = if path == "min" {
        ruff_python_ast::CmpOp::Lt
    } else {
        ruff_python_ast::CmpOp::Gt
    };
    for value in values {
        if compared(value, op, &best)? {
            best = value.clone();
        }
    }
    Some(best)
}

fn range<'a>(bounds: &[Value<'a>]) -> Option<Value<'a>> {
    let (from, to, step) = match bounds {
        [Value::Int(to)] => (0, *to, 1),
        [Value::Int(from), Value::Int(to)] => (*from, *to, 1),
        [Value::Int(from), Value::Int(to), Value::Int(step)] if *step > 0 => (*from, *to, *step),
        _ => return None,
    };
    if to.checked_sub(from)? / step > 10_000 {
        return None;
    }
    let numbers = (from..to)
        .step_by(usize::try_from(step).ok()?)
        .map(Value::Int);
    Some(Value::list(numbers.collect(), false))
}

/// Weights as whole numbers: 0.4, 0.5 and 0.1 are 4, 5 and 1.
fn whole_weights(weights: &[Value<'_>]) -> Option<Vec<i64>> {
    let ratios = weights
        .iter()
        .map(|weight| crate::ratio::Ratio::of(weight.number().filter(|w| *w >= 0.0)?));
    let ratios: Vec<_> = ratios.collect::<Option<_>>()?;
    let mut scale = 1_i128;
    for ratio in &ratios {
        scale = scale.checked_mul(ratio.bottom / crate::ratio::gcd(scale, ratio.bottom))?;
    }
    let whole: Vec<i128> = ratios
        .iter()
        .map(|ratio| ratio.top * (scale / ratio.bottom))
        .collect();
    let shared = whole
        .iter()
        .fold(0, |shared, weight| crate::ratio::gcd(shared, *weight))
        .max(1);
    whole
        .iter()
        .map(|weight| i64::try_from(weight / shared).ok())
        .collect()
}

/// The name of the list that is chosen from.
fn pool_name(node: &Expr) -> Option<String> {
    match node {
        Expr::Name(name) => Some(name.id.to_lowercase()),
        Expr::Attribute(attribute) => Some(attribute.attr.to_lowercase()),
        _ => None,
    }
}

fn constant_method<'a>(receiver: &Value<'a>, name: &str, given: &[Value<'a>]) -> Option<Value<'a>> {
    match (receiver, name, given) {
        (Value::Str(text), "upper", []) => Some(Value::text(&text.to_uppercase())),
        (Value::Str(text), "lower", []) => Some(Value::text(&text.to_lowercase())),
        (Value::Str(text), "strip", []) => Some(Value::text(text.trim())),
        (Value::Str(text), "title" | "capitalize", [])
            if text.is_ascii() && !text.contains(|c: char| !c.is_alphabetic()) =>
        {
            let (first, rest) = text.split_at(text.len().min(1));
            Some(Value::text(&format!(
                "{}{}",
                first.to_uppercase(),
                rest.to_lowercase()
            )))
        }
        (Value::Str(text), "rstrip", [Value::Str(end)]) => Some(Value::text(
            text.trim_end_matches(|c: char| end.contains(c)),
        )),
        (Value::Str(text), "replace", [Value::Str(from), Value::Str(to)]) => {
            Some(Value::text(&text.replace(&**from, to)))
        }
        (Value::Str(text), "split", [Value::Str(by)]) if !by.is_empty() => Some(Value::list(
            text.split(&**by).map(Value::text).collect(),
            false,
        )),
        (Value::Str(text), "startswith", [Value::Str(part)]) => {
            Some(Value::Bool(text.starts_with(&**part)))
        }
        (Value::Str(text), "endswith", [Value::Str(part)]) => {
            Some(Value::Bool(text.ends_with(&**part)))
        }
        (Value::List(_), "copy", []) => Some(Value::list(receiver.elements()?, false)),
        (Value::Dict(dict), "copy", []) => Some(Value::dict(dict.items.borrow().clone(), false)),
        (Value::Dict(_), "keys", []) => Some(Value::list(receiver.elements()?, false)),
        (Value::Dict(dict), "values", []) => Some(Value::list(
            dict.items
                .borrow()
                .iter()
                .map(|(_, value)| value.clone())
                .collect(),
            false,
        )),
        (Value::Dict(dict), "items", []) => {
            let pairs = dict.items.borrow();
            let pairs = pairs
                .iter()
                .map(|(key, value)| Value::Tuple(Rc::new(vec![key.clone(), value.clone()])));
            Some(Value::list(pairs.collect(), false))
        }
        _ => None,
    }
}
