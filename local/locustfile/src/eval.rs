//! The values of expressions.

use std::rc::Rc;

use ruff_python_ast::{
    BoolOp, Comprehension, Expr, ExprBoolOp, ExprCompare, ExprDict, ExprDictComp, ExprUnaryOp,
    Number, UnaryOp,
};
use ruff_text_size::Ranged;

use crate::reader::{Mode, Read, Reader};
use crate::value::{Lambda, Value, Variable};

/// The most values that a comprehension or a multiplied list has.
pub(crate) const MOST_ITEMS: usize = 10_000;

impl<'a> Reader<'a> {
    pub(crate) fn eval(&mut self, node: &'a Expr) -> Read<Value<'a>> {
        self.deeper(node, |reader| reader.expression(node))
    }

    pub(crate) fn expression(&mut self, node: &'a Expr) -> Read<Value<'a>> {
        let lasts = self.mode == Mode::Module;
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
            Expr::Dict(dict) => self.dictionary(dict),
            Expr::BoolOp(operation) => self.bool_operation(operation),
            Expr::UnaryOp(operation) => self.unary(operation),
            Expr::BinOp(operation) => {
                let left = self.eval(&operation.left)?;
                let right = self.eval(&operation.right)?;
                self.binary(node, left, operation.op, right)
            }
            Expr::Compare(comparison) => self.comparison(comparison),
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
            Expr::ListComp(list) => self.comprehension(&list.generators, &list.elt),
            Expr::Generator(list) => self.comprehension(&list.generators, &list.elt),
            Expr::DictComp(dict) => self.dict_comprehension(dict),
            _ => self.unknown(node),
        }
    }

    pub(crate) fn dictionary(&mut self, dict: &'a ExprDict) -> Read<Value<'a>> {
        let lasts = self.mode == Mode::Module;
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
                        return self.stop(&entry.value, "only a dictionary can be unpacked here");
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

    pub(crate) fn bool_operation(&mut self, operation: &'a ExprBoolOp) -> Read<Value<'a>> {
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

    pub(crate) fn unary(&mut self, node: &'a ExprUnaryOp) -> Read<Value<'a>> {
        let operation = node;
        let value = self.eval(&operation.operand)?;
        if operation.op == UnaryOp::Not {
            return Ok(Value::Bool(!self.truth(&*operation.operand, value)?));
        }
        match (operation.op, self.constant(node, value)?) {
            (UnaryOp::USub, Value::Int(number)) if number != i64::MIN => Ok(Value::Int(-number)),
            (UnaryOp::USub, Value::Float(number)) => Ok(Value::Float(-number)),
            (UnaryOp::UAdd, value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
            _ => self.unknown(node),
        }
    }

    pub(crate) fn comparison(&mut self, node: &'a ExprCompare) -> Read<Value<'a>> {
        let comparison = node;
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

    pub(crate) fn comprehension(
        &mut self,
        generators: &'a [Comprehension],
        element: &'a Expr,
    ) -> Read<Value<'a>> {
        let lasts = self.mode == Mode::Module;
        let mut items = Vec::new();
        self.comprehend(generators, &mut |reader| {
            let value = reader.eval(element)?;
            items.push(value);
            Ok(items.len())
        })?;
        Ok(Value::list(items, lasts))
    }

    pub(crate) fn dict_comprehension(&mut self, dict: &'a ExprDictComp) -> Read<Value<'a>> {
        let lasts = self.mode == Mode::Module;
        let Some(key) = &dict.key else {
            return self.unknown(dict);
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

    pub(crate) fn comprehend(
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

    pub(crate) fn name(&mut self, node: &Expr, name: &str) -> Read<Value<'a>> {
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
}

pub(crate) fn put<'a>(items: &mut Vec<(Value<'a>, Value<'a>)>, key: Value<'a>, value: Value<'a>) {
    match items.iter_mut().find(|(known, _)| known.equals(&key)) {
        Some((_, known)) => *known = value,
        None => items.push((key, value)),
    }
}
