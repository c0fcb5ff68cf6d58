//! Texts of which parts may not be known before an iteration.

use std::rc::Rc;

use ruff_python_ast::{ConversionFlag, Expr, ExprFString, FStringPart, InterpolatedStringElement};
use ruff_text_size::Ranged;

use crate::ratio::Ratio;
use crate::reader::{Read, Reader, quoted};
use crate::value::{DrawKind, Piece, Value};

/// The bytes of a text that count as one step.
pub(crate) const BYTES_A_STEP: usize = 100;

impl<'a> Reader<'a> {
    pub(crate) fn f_string(&mut self, node: &'a ExprFString) -> Read<Value<'a>> {
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

    /// `"%s and %d" % (...)`.
    pub(crate) fn percent(
        &mut self,
        node: &Expr,
        format: &str,
        right: Value<'a>,
    ) -> Read<Value<'a>> {
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
