//! Comparisons and truths: what is drawn is decided by chance, what a response says by its response.

use std::rc::Rc;

use ruff_python_ast::CmpOp;
use ruff_text_size::Ranged;

use crate::eval::MOST_ITEMS;
use crate::members::optional;
use crate::ratio::Ratio;
use crate::reader::{Read, Reader};
use crate::run::DecisionKind;
use crate::session::{OF_START, start_request};
use crate::texts::literal;
use crate::value::{Answer, AnswerKind, DrawKind, Drawn, Piece, Value};

impl<'a> Reader<'a> {
    pub(crate) fn compare(
        &mut self,
        node: &impl Ranged,
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
    pub(crate) fn compare_drawn(
        &mut self,
        node: &impl Ranged,
        drawn: &Drawn<'a>,
        op: CmpOp,
        other: &Value<'a>,
        is_left: bool,
    ) -> Read<bool> {
        if self.is_kept(drawn.draw) {
            return self.compare_kept(node, drawn, op, other, is_left);
        }
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

    /// A comparison of what the user has drawn in `on_start`: it decides what the user sends.
    fn compare_kept(
        &mut self,
        node: &impl Ranged,
        drawn: &Drawn<'a>,
        op: CmpOp,
        other: &Value<'a>,
        is_left: bool,
    ) -> Read<bool> {
        let (Some(code), Some(literal)) = (self.draw_code(drawn), literal(other)) else {
            return self.unknown(node);
        };
        let condition = match op {
            CmpOp::Is | CmpOp::IsNot => return self.unknown(node),
            op if is_left => format!("{code} {} {literal}", op.as_str()),
            op => format!("{literal} {} {code}", op.as_str()),
        };
        Ok(self.ask_session(node, &condition))
    }

    /// True if the users' client is FastHttpUser's, whose responses are always true.
    pub(crate) fn is_fast(&self) -> bool {
        self.user
            .is_some_and(|user| self.classes[user].kind == crate::class::Kind::Fast)
    }

    /// Whether a value is true in Python; what is not known is decided.
    pub(crate) fn truth(&mut self, node: &impl Ranged, value: Value<'a>) -> Read<bool> {
        match self.settle(node, value)? {
            Value::Answer(answer) => {
                let code = match answer.kind {
                    AnswerKind::Truth | AnswerKind::Body => answer.code.clone(),
                    // what a session keeps is there
                    AnswerKind::Json if start_request(answer.step).is_some() => answer.code.clone(),
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
                let Some(yes) = parts.collect::<Option<Vec<bool>>>() else {
                    return self.unknown(node);
                };
                let is_decided = yes.windows(2).all(|pair| pair[0] == pair[1]);
                match self.draw_code(&drawn) {
                    Some(code) if self.is_kept(drawn.draw) && !is_decided => {
                        Ok(self.ask_session(node, &code))
                    }
                    _ => Ok(self.split(drawn.draw, outcomes, &yes)),
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
        if start_request(request).is_some() {
            let name = self.capture(node, request, condition)?;
            return Ok(self.ask_session(node, &name));
        }
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

    /// Decides by what the user keeps.
    fn ask_session(&mut self, node: &impl Ranged, condition: &str) -> bool {
        let mut known = self.run.known.iter();
        if let Some((_, _, yes)) =
            known.find(|(request, text, _)| *request == OF_START && text == condition)
        {
            return *yes;
        }
        let yes = self.run.decide(DecisionKind::Session {
            condition: condition.to_owned(),
            file: self.file,
            line: self.line(node),
        }) == 0;
        self.run.known.push((OF_START, condition.to_owned(), yes));
        yes
    }
}

/// Whether a condition on the status holds for a status.
pub(crate) fn holds(status: u16, condition: &str) -> Option<bool> {
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

pub(crate) fn mirrored(op: CmpOp) -> Option<&'static str> {
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
