//! The values of expressions.

use std::rc::Rc;

use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, ConversionFlag, Expr, ExprAttribute, ExprFString, ExprSubscript,
    FStringPart, InterpolatedStringElement, Number, Operator, UnaryOp,
};
use ruff_text_size::Ranged;

use crate::ratio::Ratio;
use crate::reader::{Mode, Raised, Read, Reader, Stop, item, quoted};
use crate::run::DecisionKind;
use crate::value::{Answer, AnswerKind, DrawKind, Drawn, Lambda, Piece, Value, Variable};

/// The most values that a comprehension or a multiplied list has.
const MOST_ITEMS: usize = 10_000;

/// The bytes of a text that count as one step.
const BYTES_A_STEP: usize = 100;

impl<'a> Reader<'a> {
    pub(crate) fn eval(&mut self, node: &'a Expr) -> Read<Value<'a>> {
        self.deeper(node, |reader| reader.expression(node))
    }

    fn expression(&mut self, node: &'a Expr) -> Read<Value<'a>> {
        let lasts = self.mode != Mode::Task;
        match node {
            Expr::NoneLiteral(_) => Ok(Value::None),
            Expr::BooleanLiteral(literal) => Ok(Value::Bool(literal.value)),
            Expr::StringLiteral(literal) => Ok(Value::text(literal.value.to_str())),
            Expr::NumberLiteral(literal) => match &literal.value {
                Number::Int(number) => match number.as_i64() {
                    Some(number) => Ok(Value::Int(number)),
                    None => self.stop(node, "this number is too large for a workload"),
                },
                Number::Float(number) => Ok(Value::Float(*number)),
                Number::Complex { .. } => self.stop(node, "a workload has no complex numbers"),
            },
            Expr::FString(text) => self.f_string(text),
            Expr::Name(name) => self.name(node, &name.id),
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => Ok(Value::list(self.elements_of(&list.elts)?, lasts)),
            Expr::Set(set) => Ok(Value::list(self.elements_of(&set.elts)?, lasts)),
            Expr::Tuple(tuple) => Ok(Value::Tuple(Rc::new(self.elements_of(&tuple.elts)?))),
            Expr::Dict(dict) => {
                let mut items: Vec<(Value<'a>, Value<'a>)> = Vec::new();
                for entry in &dict.items {
                    let value = self.eval(&entry.value)?;
                    let Some(key) = &entry.key else {
                        match self.settle(&entry.value, value)? {
                            Value::Dict(other) => {
                                for (key, value) in other.items.borrow().iter() {
                                    put(&mut items, key.clone(), value.clone());
                                }
                            }
                            _ => {
                                return self
                                    .stop(&entry.value, "only a dictionary can be unpacked here");
                            }
                        }
                        continue;
                    };
                    let known = self.eval(key)?;
                    let known = self.constant(key, known)?;
                    put(&mut items, known, value);
                }
                Ok(Value::dict(items, lasts))
            }
            Expr::BoolOp(operation) => {
                let mut last = Value::None;
                for (index, operand) in operation.values.iter().enumerate() {
                    last = self.eval(operand)?;
                    if index + 1 == operation.values.len() {
                        break;
                    }
                    // a variable that is not set has the value that follows `or`
                    if let (Value::Env(variable), BoolOp::Or) = (&last, operation.op)
                        && variable.default.as_deref().is_none_or(str::is_empty)
                    {
                        let rest = self.eval(&operation.values[index + 1])?;
                        if let (Value::Str(default), 2) = (&rest, operation.values.len()) {
                            return Ok(Value::Env(Rc::new(Variable {
                                name: variable.name.clone(),
                                set: variable.set.clone().filter(|set| !set.is_empty()),
                                default: Some(default.to_string()),
                                file: variable.file.clone(),
                                line: variable.line,
                            })));
                        }
                    }
                    if self.truth(operand, last.clone())? == (operation.op == BoolOp::Or) {
                        break;
                    }
                }
                Ok(last)
            }
            Expr::UnaryOp(operation) => {
                let value = self.eval(&operation.operand)?;
                if operation.op == UnaryOp::Not {
                    return Ok(Value::Bool(!self.truth(&*operation.operand, value)?));
                }
                match (operation.op, self.constant(node, value)?) {
                    (UnaryOp::USub, Value::Int(number)) if number != i64::MIN => {
                        Ok(Value::Int(-number))
                    }
                    (UnaryOp::USub, Value::Float(number)) => Ok(Value::Float(-number)),
                    (UnaryOp::UAdd, value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
                    _ => self.unknown(node),
                }
            }
            Expr::BinOp(operation) => {
                let left = self.eval(&operation.left)?;
                let right = self.eval(&operation.right)?;
                self.binary(node, left, operation.op, right)
            }
            Expr::Compare(comparison) => {
                let mut left = self.eval(&comparison.left)?;
                for (index, (op, right)) in comparison
                    .ops
                    .iter()
                    .zip(&comparison.comparators)
                    .enumerate()
                {
                    let right = self.eval(right)?;
                    let value = self.compare(node, left, *op, right.clone())?;
                    if index + 1 == comparison.ops.len() {
                        return Ok(value);
                    }
                    if !self.truth(node, value)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Expr::If(choice) => {
                let test = self.eval(&choice.test)?;
                match self.truth(&*choice.test, test)? {
                    true => self.eval(&choice.body),
                    false => self.eval(&choice.orelse),
                }
            }
            Expr::Lambda(lambda) => Ok(Value::Lambda(Rc::new(Lambda {
                expression: lambda,
                file: self.file,
            }))),
            Expr::Named(named) => {
                let value = self.eval(&named.value)?;
                self.assign(&named.target, value.clone())?;
                Ok(value)
            }
            Expr::ListComp(list) => {
                let mut items = Vec::new();
                self.comprehend(&list.generators, &mut |reader| {
                    let value = reader.eval(&list.elt)?;
                    items.push(value);
                    Ok(items.len())
                })?;
                Ok(Value::list(items, lasts))
            }
            Expr::Generator(list) => {
                let mut items = Vec::new();
                self.comprehend(&list.generators, &mut |reader| {
                    let value = reader.eval(&list.elt)?;
                    items.push(value);
                    Ok(items.len())
                })?;
                Ok(Value::list(items, lasts))
            }
            Expr::DictComp(dict) => {
                let Some(key) = &dict.key else {
                    return self.unknown(node);
                };
                let mut items = Vec::new();
                self.comprehend(&dict.generators, &mut |reader| {
                    let known = reader.eval(key)?;
                    let known = reader.constant(&**key, known)?;
                    let value = reader.eval(&dict.value)?;
                    put(&mut items, known, value);
                    Ok(items.len())
                })?;
                Ok(Value::dict(items, lasts))
            }
            _ => self.unknown(node),
        }
    }

    /// That a workload has nothing for what stands here.
    pub(crate) fn unknown<T>(&self, node: &impl Ranged) -> Read<T> {
        self.stop(
            node,
            format!("a workload cannot say `{}`", self.snippet(node)),
        )
    }

    pub(crate) fn elements_of(&mut self, nodes: &'a [Expr]) -> Read<Vec<Value<'a>>> {
        let mut values = Vec::new();
        for node in nodes {
            if let Expr::Starred(starred) = node {
                let value = self.eval(&starred.value)?;
                values.extend(self.iterate(&*starred.value, value)?);
                continue;
            }
            values.push(self.eval(node)?);
        }
        Ok(values)
    }

    /// The elements of what can be gone through.
    pub(crate) fn iterate(&mut self, node: &impl Ranged, value: Value<'a>) -> Read<Vec<Value<'a>>> {
        let value = self.constant(node, value)?;
        match value.elements() {
            Some(elements) => Ok(elements),
            None => self.stop(
                node,
                format!("how often `{}` goes round is not known", self.snippet(node)),
            ),
        }
    }

    fn comprehend(
        &mut self,
        generators: &'a [Comprehension],
        each: &mut dyn FnMut(&mut Self) -> Read<usize>,
    ) -> Read<()> {
        let Some((first, rest)) = generators.split_first() else {
            return each(self).map(|_| ());
        };
        let source = self.eval(&first.iter)?;
        for element in self.iterate(&first.iter, source)? {
            self.assign(&first.target, element)?;
            let mut wanted = true;
            for condition in &first.ifs {
                let value = self.eval(condition)?;
                wanted = wanted && self.truth(condition, value)?;
            }
            if !wanted {
                continue;
            }
            if rest.is_empty() {
                if each(self)? > MOST_ITEMS {
                    return self.stop(&first.iter, "this makes too many values");
                }
            } else {
                self.comprehend(rest, each)?;
            }
        }
        Ok(())
    }

    fn name(&mut self, node: &Expr, name: &str) -> Read<Value<'a>> {
        if let Some(value) = self.frames.last().and_then(|frame| frame.get(name)) {
            return Ok(value.clone());
        }
        if let Some(value) = self.globals[self.file].get(name) {
            return Ok(value.clone());
        }
        const KNOWN: [&str; 27] = [
            "print",
            "len",
            "str",
            "int",
            "float",
            "bool",
            "round",
            "range",
            "list",
            "tuple",
            "dict",
            "min",
            "max",
            "sum",
            "enumerate",
            "zip",
            "abs",
            "sorted",
            "set",
            "reversed",
            "object",
            "Exception",
            "ValueError",
            "KeyError",
            "TypeError",
            "super",
            "isinstance",
        ];
        match name {
            "__name__" => Ok(Value::text(&self.files[self.file].name)),
            _ if KNOWN.contains(&name) => Ok(Value::Library(Rc::from(name))),
            _ => self.stop(node, format!("`{name}` is not known here")),
        }
    }

    fn attribute(&mut self, node: &'a ExprAttribute) -> Read<Value<'a>> {
        let value = self.eval(&node.value)?;
        let name = node.attr.as_str();
        match self.settle(node, value)? {
            Value::Library(path) => self.library_attribute(node, &path, name),
            Value::Object(class) => self.object_attribute(node, class, name),
            Value::Class(class) => match self.class_attribute(class, name) {
                Some(value) => Ok(value),
                None => self.stop(node, format!("`{}` is not known here", self.snippet(node))),
            },
            Value::Reply(step) => self.reply_attribute(node, step, name),
            value => Ok(Value::Method(Rc::new((value, name.to_owned())))),
        }
    }

    fn library_attribute(
        &mut self,
        node: &'a ExprAttribute,
        path: &str,
        name: &str,
    ) -> Read<Value<'a>> {
        const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
        let letters = LETTERS.to_uppercase();
        match (path, name) {
            ("string", "ascii_lowercase") => Ok(Value::text(LETTERS)),
            ("string", "ascii_uppercase") => Ok(Value::text(&letters)),
            ("string", "ascii_letters") => Ok(Value::text(&format!("{LETTERS}{letters}"))),
            ("string", "digits") => Ok(Value::text("0123456789")),
            ("string", "hexdigits") => Ok(Value::text("0123456789abcdefABCDEF")),
            ("math", "pi") => Ok(Value::Float(std::f64::consts::PI)),
            ("math", "e") => Ok(Value::Float(std::f64::consts::E)),
            (
                "random" | "os" | "os.environ" | "json" | "uuid" | "string" | "math" | "time"
                | "datetime" | "logging" | "logger" | "locust" | "events" | "event" | "base64"
                | "urllib3" | "urllib3.exceptions",
                _,
            ) => {
                let path = match (path, name) {
                    ("locust", "events") => "events".to_owned(),
                    ("events", _) => "event".to_owned(),
                    _ => format!("{path}.{name}"),
                };
                Ok(Value::Library(Rc::from(path)))
            }
            _ => self.unknown(node),
        }
    }

    fn reply_attribute(
        &mut self,
        node: &'a ExprAttribute,
        step: usize,
        name: &str,
    ) -> Read<Value<'a>> {
        let answer = |code: &str, kind| {
            Ok(Value::Answer(Rc::new(Answer {
                step,
                code: code.to_owned(),
                kind,
            })))
        };
        match name {
            "status_code" => answer("status", AnswerKind::Status),
            "text" => answer("body", AnswerKind::Body),
            "ok" => answer("status < 400", AnswerKind::Truth),
            "headers" => answer("headers", AnswerKind::Headers),
            "json" | "success" | "failure" | "raise_for_status" => Ok(Value::Method(Rc::new((
                Value::Reply(step),
                name.to_owned(),
            )))),
            "elapsed" => self.stop(node, "a workload has no `elapsed` of a response"),
            _ => self.stop(node, format!("a workload has no `{name}` of a response")),
        }
    }

    fn subscript(&mut self, node: &'a ExprSubscript) -> Read<Value<'a>> {
        let value = self.eval(&node.value)?;
        if let Expr::Slice(slice) = &*node.slice {
            let value = self.constant(&*node.value, value)?;
            let Some(elements) = value.elements() else {
                return self.unknown(node);
            };
            let length = elements.len() as i64;
            let mut bounds = [0, length];
            for (bound, given) in bounds.iter_mut().zip([&slice.lower, &slice.upper]) {
                if let Some(given) = given {
                    let value = self.eval(given)?;
                    match self.constant(&**given, value)? {
                        Value::Int(index) if index < 0 => *bound = (length + index).max(0),
                        Value::Int(index) => *bound = index.min(length),
                        _ => return self.unknown(node),
                    }
                }
            }
            if slice.step.is_some() {
                return self.unknown(node);
            }
            let range = bounds[0] as usize..(bounds[1].max(bounds[0])) as usize;
            let part = elements.get(range).unwrap_or_default().to_vec();
            return Ok(match value {
                Value::Str(_) => {
                    let text: String = part.iter().filter_map(Value::show).collect();
                    Value::text(&text)
                }
                _ => Value::list(part, false),
            });
        }
        let key = self.eval(&node.slice)?;
        self.take(node, value, key)
    }

    /// The element of a value.
    pub(crate) fn take(
        &mut self,
        node: &impl Ranged,
        value: Value<'a>,
        key: Value<'a>,
    ) -> Read<Value<'a>> {
        match self.settle(node, value)? {
            Value::Library(path) if &*path == "os.environ" => {
                let key = self.constant(node, key)?;
                match self.variable(node, &key, None)? {
                    Value::Env(variable) if variable.set.is_none() => {
                        let name = &variable.name;
                        self.stop(node, format!("the environment variable {name} is not set: set it, or give it a default"))
                    }
                    value => Ok(value),
                }
            }
            Value::Answer(answer) => {
                let key = self.constant(node, key)?;
                let code = match (&key, answer.kind) {
                    (Value::Str(name), AnswerKind::Json | AnswerKind::Headers) => {
                        member(&answer.code, name)
                    }
                    (Value::Int(index), AnswerKind::Json) if *index >= 0 => {
                        format!("{}[{index}]", answer.code)
                    }
                    (Value::Int(-1), AnswerKind::Json) => format!("({} | last)", answer.code),
                    _ => return self.unknown(node),
                };
                let answer = Answer {
                    step: answer.step,
                    code,
                    kind: answer.kind,
                };
                if self.run.catches(Raised::NoKey) && answer.kind == AnswerKind::Json {
                    let condition = format!("{} is defined", answer.code);
                    if !self.ask(node, answer.step, &condition)? {
                        return Err(Stop::Raised(Raised::NoKey));
                    }
                }
                Ok(Value::Answer(Rc::new(answer)))
            }
            Value::Drawn(drawn) => {
                let key = self.constant(node, key)?;
                let mut path = drawn.path.clone();
                path.push(key.clone());
                let has = |outcome: &Value<'a>| self.part(outcome, &path).is_some();
                let plain = matches!(&key, Value::Str(_))
                    || matches!(&key, Value::Int(index) if *index >= 0);
                let all = self.outcomes(drawn.draw, MOST_ITEMS);
                if plain && all.is_some_and(|all| all.iter().all(|(outcome, _)| has(outcome))) {
                    return Ok(Value::Drawn(Rc::new(Drawn {
                        draw: drawn.draw,
                        path,
                    })));
                }
                let value = self.concrete(node, &drawn)?;
                self.take(node, value, key)
            }
            value => {
                let key = self.constant(node, key)?;
                match item(&value, &key) {
                    Some(value) => Ok(value),
                    None if self.run.catches(Raised::NoKey) => Err(Stop::Raised(Raised::NoKey)),
                    None => self.stop(node, format!("`{}` has no value", self.snippet(node))),
                }
            }
        }
    }

    /// An environment variable by its name.
    pub(crate) fn variable(
        &mut self,
        node: &impl Ranged,
        name: &Value<'a>,
        default: Option<Value<'a>>,
    ) -> Read<Value<'a>> {
        let Value::Str(name) = name else {
            return self.unknown(node);
        };
        let set = (self.environment)(name);
        let default = match default {
            None | Some(Value::None) => None,
            Some(Value::Str(default)) => Some(default.to_string()),
            // what is no string is the value itself, where nothing is set
            Some(other) if set.is_none() => return Ok(other),
            Some(_) => None,
        };
        Ok(Value::Env(Rc::new(Variable {
            name: name.to_string(),
            set,
            default,
            file: self.files[self.file].name.clone(),
            line: self.line(node),
        })))
    }

    fn f_string(&mut self, node: &'a ExprFString) -> Read<Value<'a>> {
        let mut pieces = Vec::new();
        for part in node.value.iter() {
            match part {
                FStringPart::Literal(literal) => {
                    pieces.push(Piece::Literal(literal.value.to_string()))
                }
                FStringPart::FString(text) => {
                    for element in &text.elements {
                        match element {
                            InterpolatedStringElement::Literal(literal) => {
                                pieces.push(Piece::Literal(literal.value.to_string()));
                            }
                            InterpolatedStringElement::Interpolation(part) => {
                                let value = self.eval(&part.expression)?;
                                let plain = matches!(
                                    part.conversion,
                                    ConversionFlag::None | ConversionFlag::Str
                                );
                                if !plain || part.debug_text.is_some() {
                                    return self.unknown(node);
                                }
                                match &part.format_spec {
                                    None => pieces.extend(self.pieces(&*part.expression, value)?),
                                    Some(spec) => {
                                        let spec = self.snippet(&**spec);
                                        let value = self.constant(&*part.expression, value)?;
                                        match formatted(&value, spec.trim_start_matches(':')) {
                                            Some(text) => pieces.push(Piece::Literal(text)),
                                            None => return self.unknown(node),
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        Ok(text_of(pieces))
    }

    /// A value as part of a text.
    pub(crate) fn pieces(&mut self, node: &impl Ranged, value: Value<'a>) -> Read<Vec<Piece>> {
        self.spend(node, 1 + value.length() / BYTES_A_STEP)?;
        match self.settle(node, value)? {
            Value::Text(pieces) => Ok((*pieces).clone()),
            Value::Answer(answer) => Ok(vec![Piece::Answer(answer.step, answer.code.clone())]),
            Value::Drawn(drawn) => {
                let plain = match &self.run.draws[drawn.draw].kind {
                    DrawKind::Whole(..) | DrawKind::Real(..) => true,
                    DrawKind::Unit(low, high) => {
                        (*low, *high) == (Ratio { top: 0, bottom: 1 }, Ratio::ONE)
                    }
                    DrawKind::Outcomes(outcomes) => outcomes.iter().all(|(outcome, _)| {
                        matches!(
                            self.part(outcome, &drawn.path),
                            Some(Value::Str(_) | Value::Int(_))
                        )
                    }),
                };
                match self.draw_code(&drawn).filter(|_| plain) {
                    Some(code) => Ok(vec![Piece::Code(code)]),
                    None => {
                        let value = self.concrete(node, &drawn)?;
                        self.pieces(node, value)
                    }
                }
            }
            value => match value.show() {
                Some(text) => Ok(vec![Piece::Literal(text)]),
                None => self.stop(
                    node,
                    format!(
                        "`{}` makes no text that a workload can say",
                        self.snippet(node)
                    ),
                ),
            },
        }
    }

    fn binary(
        &mut self,
        node: &Expr,
        left: Value<'a>,
        op: Operator,
        right: Value<'a>,
    ) -> Read<Value<'a>> {
        let (left, right) = (self.settle(node, left)?, self.settle(node, right)?);
        let is_text = |value: &Value<'a>| matches!(value, Value::Str(_) | Value::Text(_));
        if op == Operator::Add && (is_text(&left) || is_text(&right)) {
            let mut pieces = self.pieces(node, left)?;
            pieces.extend(self.pieces(node, right)?);
            return Ok(text_of(pieces));
        }
        if let (Operator::Mod, Value::Str(format)) = (op, &left) {
            return self.percent(node, &format.to_string(), right);
        }
        let (left, right) = (self.constant(node, left)?, self.constant(node, right)?);
        match arithmetic(&left, op, &right) {
            Some(value) => Ok(value),
            None => self.unknown(node),
        }
    }

    /// `"%s and %d" % (...)`.
    fn percent(&mut self, node: &Expr, format: &str, right: Value<'a>) -> Read<Value<'a>> {
        let mut values = match right {
            Value::Tuple(items) => (*items).clone(),
            value => vec![value],
        }
        .into_iter();
        let mut pieces = Vec::new();
        let mut rest = format;
        while let Some((literal, after)) = rest.split_once('%') {
            pieces.push(Piece::Literal(literal.to_owned()));
            rest = match after.chars().next() {
                Some('%') => {
                    pieces.push(Piece::Literal("%".to_owned()));
                    &after[1..]
                }
                Some('s' | 'd' | 'i') => {
                    let Some(value) = values.next() else {
                        return self.unknown(node);
                    };
                    pieces.extend(self.pieces(node, value)?);
                    &after[1..]
                }
                _ => return self.unknown(node),
            };
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        match values.next() {
            None => Ok(text_of(pieces)),
            Some(_) => self.unknown(node),
        }
    }

    fn compare(
        &mut self,
        node: &Expr,
        left: Value<'a>,
        op: CmpOp,
        right: Value<'a>,
    ) -> Read<Value<'a>> {
        let (left, right) = (self.settle(node, left)?, self.settle(node, right)?);
        match (&left, &right) {
            (Value::Answer(answer), other) | (other, Value::Answer(answer)) => {
                let is_left = matches!(&left, Value::Answer(_));
                let other = self.constant(node, other.clone())?;
                let Some(literal) = literal(&other) else {
                    return self.unknown(node);
                };
                let code = match (op, is_left) {
                    (CmpOp::Is | CmpOp::IsNot, true)
                        if matches!(other, Value::None | Value::Bool(_)) =>
                    {
                        let not = if op == CmpOp::IsNot { "not " } else { "" };
                        format!("{} is {not}{literal}", answer.code)
                    }
                    (CmpOp::Is | CmpOp::IsNot, _) => return self.unknown(node),
                    (op, true) => format!("{} {} {literal}", answer.code, op.as_str()),
                    (op, false) => match mirrored(op) {
                        Some(op) => format!("{} {op} {literal}", answer.code),
                        None => format!("{literal} {} {}", op.as_str(), answer.code),
                    },
                };
                let answer = Answer {
                    step: answer.step,
                    code,
                    kind: AnswerKind::Truth,
                };
                Ok(Value::Answer(Rc::new(answer)))
            }
            (Value::Drawn(drawn), other) | (other, Value::Drawn(drawn)) => {
                let is_left = matches!(&left, Value::Drawn(_));
                let other = self.constant(node, other.clone())?;
                let drawn = match self.settle(node, Value::Drawn(Rc::clone(drawn)))? {
                    Value::Drawn(drawn) => drawn,
                    value if is_left => return self.compare(node, value, op, other),
                    value => return self.compare(node, other, op, value),
                };
                self.compare_drawn(node, &drawn, op, &other, is_left)
                    .map(Value::Bool)
            }
            _ => match compared(&left, op, &right) {
                Some(yes) => Ok(Value::Bool(yes)),
                None => self.unknown(node),
            },
        }
    }

    /// A comparison of what is drawn decides what was drawn.
    fn compare_drawn(
        &mut self,
        node: &Expr,
        drawn: &Drawn<'a>,
        op: CmpOp,
        other: &Value<'a>,
        is_left: bool,
    ) -> Read<bool> {
        if let Some(outcomes) = self.outcomes(drawn.draw, MOST_ITEMS) {
            let mut yes = Vec::new();
            for (outcome, _) in &outcomes {
                let part = self.part(outcome, &drawn.path);
                let compared = part.and_then(|part| match is_left {
                    true => compared(&part, op, other),
                    false => compared(other, op, &part),
                });
                match compared {
                    Some(one) => yes.push(one),
                    None => return self.unknown(node),
                }
            }
            return Ok(self.split(drawn.draw, outcomes, &yes));
        }
        let op = if is_left {
            Some(op.as_str())
        } else {
            mirrored(op)
        };
        let (Some(op), Some(bound)) = (op, other.number()) else {
            return self.unknown(node);
        };
        match self.run.draws[drawn.draw].kind.clone() {
            DrawKind::Unit(low, high) => {
                let below = match op {
                    "<" | "<=" => true,
                    ">" | ">=" => false,
                    _ => return self.unknown(node),
                };
                let Some(bound) = Ratio::of(bound) else {
                    return self.unknown(node);
                };
                let bound = if low.is_above(bound) {
                    low
                } else if bound.is_above(high) {
                    high
                } else {
                    bound
                };
                let parts = bound.minus(low).zip(high.minus(bound)).zip(high.minus(low));
                let chances = parts
                    .and_then(|((under, over), all)| Some((under.over(all)?, over.over(all)?)));
                let Some((under, over)) = chances else {
                    return self.unknown(node);
                };
                let is_under = match (under.top, over.top) {
                    (_, 0) => true,
                    (0, _) => false,
                    _ if below => self.run.decide(DecisionKind::Chance(vec![under, over])) == 0,
                    _ => self.run.decide(DecisionKind::Chance(vec![over, under])) == 1,
                };
                let left = if is_under {
                    DrawKind::Unit(low, bound)
                } else {
                    DrawKind::Unit(bound, high)
                };
                self.run.draws[drawn.draw].kind = left;
                Ok(is_under == below)
            }
            _ => self.unknown(node),
        }
    }

    /// True if the users' client is FastHttpUser's, whose responses are always true.
    pub(crate) fn is_fast(&self) -> bool {
        self.user
            .is_some_and(|user| self.classes[user].kind == crate::classes::Kind::Fast)
    }

    /// Whether a value is true in Python; what is not known is decided.
    pub(crate) fn truth(&mut self, node: &impl Ranged, value: Value<'a>) -> Read<bool> {
        match self.settle(node, value)? {
            Value::Answer(answer) => {
                let code = match answer.kind {
                    AnswerKind::Truth | AnswerKind::Body => answer.code.clone(),
                    AnswerKind::Json => optional(&answer.code),
                    _ => return self.unknown(node),
                };
                self.ask(node, answer.step, &code)
            }
            Value::Reply(step) if !self.is_fast() => self.ask(node, step, "status < 400"),
            Value::Drawn(drawn) => {
                let Some(outcomes) = self.outcomes(drawn.draw, MOST_ITEMS) else {
                    return self.unknown(node);
                };
                let parts = outcomes
                    .iter()
                    .map(|(outcome, _)| self.part(outcome, &drawn.path)?.truth());
                match parts.collect::<Option<Vec<bool>>>() {
                    Some(yes) => Ok(self.split(drawn.draw, outcomes, &yes)),
                    None => self.unknown(node),
                }
            }
            Value::Text(pieces)
                if pieces
                    .iter()
                    .any(|piece| matches!(piece, Piece::Literal(text) if !text.is_empty())) =>
            {
                Ok(true)
            }
            value => match value.truth() {
                Some(yes) => Ok(yes),
                None => self.stop(
                    node,
                    format!("a workload cannot decide by `{}`", self.snippet(node)),
                ),
            },
        }
    }

    /// Decides by a response.
    pub(crate) fn ask(
        &mut self,
        node: &impl Ranged,
        request: usize,
        condition: &str,
    ) -> Read<bool> {
        let known = self
            .run
            .known
            .iter()
            .filter(|(known, _, _)| *known == request);
        for (_, text, yes) in known {
            if text == condition {
                return Ok(*yes);
            }
            if let Some(status) = crate::judgement::exact_status(text).filter(|_| *yes)
                && let Some(holds) = holds(status, condition)
            {
                return Ok(holds);
            }
        }
        let yes = self.run.decide(DecisionKind::Response {
            request,
            condition: condition.to_owned(),
            file: self.file,
            line: self.line(node),
        }) == 0;
        self.run.known.push((request, condition.to_owned(), yes));
        Ok(yes)
    }
}

/// Whether a condition on the status holds for a status.
fn holds(status: u16, condition: &str) -> Option<bool> {
    let mut words = condition.split(' ');
    if words.next() != Some("status") {
        return None;
    }
    let (op, bound) = (words.next()?, words.next()?.parse::<u16>().ok()?);
    if words.next().is_some() {
        return None;
    }
    Some(match op {
        "==" => status == bound,
        "!=" => status != bound,
        "<" => status < bound,
        "<=" => status <= bound,
        ">" => status > bound,
        ">=" => status >= bound,
        _ => return None,
    })
}

/// A value that may be missing.
pub(crate) fn optional(code: &str) -> String {
    match code.ends_with("| default(none))") {
        true => code.to_owned(),
        false => format!("({code} | default(none))"),
    }
}

/// The element of a JSON object.
pub(crate) fn member(code: &str, name: &str) -> String {
    match crate::reader::is_name(name) {
        true => format!("{code}.{name}"),
        false => format!("{code}[{}]", quoted(name)),
    }
}

fn mirrored(op: CmpOp) -> Option<&'static str> {
    Some(match op {
        CmpOp::Eq => "==",
        CmpOp::NotEq => "!=",
        CmpOp::Lt => ">",
        CmpOp::LtE => ">=",
        CmpOp::Gt => "<",
        CmpOp::GtE => "<=",
        _ => return None,
    })
}

/// A constant in a template's expression.
pub(crate) fn literal(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::None => "none".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => crate::value::show_float(*number)?,
        Value::Str(text) => quoted(text),
        Value::List(_) | Value::Tuple(_) => {
            let elements = value.elements()?;
            let elements: Option<Vec<String>> = elements.iter().map(literal).collect();
            format!("[{}]", elements?.join(", "))
        }
        _ => return None,
    })
}

/// The text of pieces, which is a constant if nothing else is in them.
pub(crate) fn text_of<'a>(pieces: Vec<Piece>) -> Value<'a> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Piece::Literal(before)), Piece::Literal(more)) => before.push_str(&more),
            (_, Piece::Literal(text)) if text.is_empty() => {}
            (_, piece) => joined.push(piece),
        }
    }
    match joined.as_slice() {
        [] => Value::text(""),
        [Piece::Literal(text)] => Value::text(text),
        _ => Value::Text(Rc::new(joined)),
    }
}

pub(crate) fn put<'a>(items: &mut Vec<(Value<'a>, Value<'a>)>, key: Value<'a>, value: Value<'a>) {
    match items.iter_mut().find(|(known, _)| known.equals(&key)) {
        Some((_, known)) => *known = value,
        None => items.push((key, value)),
    }
}

/// Python's comparison of constants.
pub(crate) fn compared<'a>(left: &Value<'a>, op: CmpOp, right: &Value<'a>) -> Option<bool> {
    let known = |value: &Value<'_>| {
        value.is_constant() || matches!(value, Value::Function(_) | Value::Class(_))
    };
    if !known(left) || !known(right) {
        // a thing is never nothing
        let nothing = matches!(right, Value::None)
            && matches!(left, Value::Object(_) | Value::Reply(_) | Value::Client);
        return match op {
            CmpOp::Is | CmpOp::Eq if nothing => Some(false),
            CmpOp::IsNot | CmpOp::NotEq if nothing => Some(true),
            _ => None,
        };
    }
    let order = || match (left, right) {
        (Value::Str(left), Value::Str(right)) => left.chars().partial_cmp(right.chars()),
        _ => left.number()?.partial_cmp(&right.number()?),
    };
    let contains = || match (left, right) {
        (Value::Str(part), Value::Str(all)) => Some(all.contains(&**part)),
        (_, Value::Str(_)) => None,
        _ => Some(right.elements()?.iter().any(|element| element.equals(left))),
    };
    Some(match op {
        CmpOp::Eq => left.equals(right),
        CmpOp::NotEq => !left.equals(right),
        CmpOp::Is => left.is_same(right),
        CmpOp::IsNot => !left.is_same(right),
        CmpOp::Lt => order()?.is_lt(),
        CmpOp::LtE => order()?.is_le(),
        CmpOp::Gt => order()?.is_gt(),
        CmpOp::GtE => order()?.is_ge(),
        CmpOp::In => contains()?,
        CmpOp::NotIn => !contains()?,
    })
}

/// Python's arithmetic of constants.
pub(crate) fn arithmetic<'a>(
    left: &Value<'a>,
    op: Operator,
    right: &Value<'a>,
) -> Option<Value<'a>> {
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        let whole = match op {
            Operator::Add => left.checked_add(*right),
            Operator::Sub => left.checked_sub(*right),
            Operator::Mult => left.checked_mul(*right),
            Operator::FloorDiv if *right > 0 => Some(left.div_euclid(*right)),
            Operator::Mod if *right > 0 => Some(left.rem_euclid(*right)),
            Operator::Pow => left.checked_pow(u32::try_from(*right).ok()?),
            Operator::Div if *right != 0 => {
                return Some(Value::Float(*left as f64 / *right as f64));
            }
            _ => None,
        };
        return whole.map(Value::Int);
    }
    if let (Some(left), Some(right)) = (left.number(), right.number()) {
        return Some(Value::Float(match op {
            Operator::Add => left + right,
            Operator::Sub => left - right,
            Operator::Mult => left * right,
            Operator::Div if right != 0.0 => left / right,
            Operator::FloorDiv if right > 0.0 => (left / right).floor(),
            Operator::Mod if right > 0.0 => left.rem_euclid(right),
            Operator::Pow => left.powf(right),
            _ => return None,
        }));
    }
    match (left, op, right) {
        (Value::Str(text), Operator::Mult, Value::Int(times))
        | (Value::Int(times), Operator::Mult, Value::Str(text)) => {
            let times = usize::try_from(*times).unwrap_or(0);
            let small = text.len().checked_mul(times)? <= 1_000_000;
            small.then(|| Value::text(&text.repeat(times)))
        }
        (Value::List(list), Operator::Mult, Value::Int(times)) => {
            let items = list.items.borrow();
            let times = usize::try_from(*times).unwrap_or(0);
            let few = items.len().checked_mul(times)? <= MOST_ITEMS;
            few.then(|| {
                Value::list(
                    std::iter::repeat_n(items.to_vec(), times)
                        .flatten()
                        .collect(),
                    false,
                )
            })
        }
        (Value::List(one), Operator::Add, Value::List(other)) => {
            let all = [one.items.borrow().to_vec(), other.items.borrow().to_vec()].concat();
            (all.len() <= MOST_ITEMS).then(|| Value::list(all, false))
        }
        (Value::Tuple(one), Operator::Add, Value::Tuple(other)) => {
            let all = [(**one).clone(), (**other).clone()].concat();
            (all.len() <= MOST_ITEMS).then(|| Value::Tuple(Rc::new(all)))
        }
        (Value::Dict(one), Operator::BitOr, Value::Dict(other)) => {
            let mut items = one.items.borrow().to_vec();
            for (key, value) in other.items.borrow().iter() {
                put(&mut items, key.clone(), value.clone());
            }
            Some(Value::dict(items, false))
        }
        _ => None,
    }
}

/// `format` of a constant, by the few specifications that are common.
pub(crate) fn formatted(value: &Value<'_>, spec: &str) -> Option<String> {
    if spec.is_empty() {
        return value.show();
    }
    if let Some(digits) = spec
        .strip_prefix('.')
        .and_then(|spec| spec.strip_suffix('f'))
    {
        let digits: usize = digits.parse().ok().filter(|digits| *digits <= 9)?;
        return Some(format!("{:.digits$}", value.number()?));
    }
    let digits = spec.strip_suffix('d').unwrap_or(spec);
    let Value::Int(number) = value else {
        return None;
    };
    let width: usize = digits.parse().ok().filter(|width| *width <= 100)?;
    Some(match digits.starts_with('0') {
        true => format!("{number:0width$}"),
        false => format!("{number:width$}"),
    })
}
