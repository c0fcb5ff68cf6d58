//! Draws while a task is gone through: their outcomes, one by one or by what was decided about them.

use std::rc::Rc;

use ruff_text_size::Ranged;

use crate::ratio::Ratio;
use crate::reader::{MOST_WAYS, Mode, Read, Reader, is_name, item, quoted};
use crate::run::DecisionKind;
use crate::value::{Draw, DrawKind, Drawn, Value, reference};

impl<'a> Reader<'a> {
    /// A new draw of the iteration, or what a draw is outside of one.
    pub(crate) fn draw(&mut self, node: &impl Ranged, kind: DrawKind<'a>) -> Value<'a> {
        self.named_draw(node, kind, None)
    }

    pub(crate) fn named_draw(
        &mut self,
        node: &impl Ranged,
        kind: DrawKind<'a>,
        pool: Option<String>,
    ) -> Value<'a> {
        if matches!(self.mode, Mode::Module | Mode::Shape) {
            let message = format!(
                "`{}` is drawn once, when the file is loaded: a workload draws in each iteration, so draw it in the task",
                self.snippet(node)
            );
            return Value::Poison(Rc::new(self.problem_at(node.range(), message)));
        }
        let place = format!("{}.{}", self.file, usize::from(node.range().start()));
        let count = self.run.calls.entry(place.clone()).or_default();
        *count += 1;
        let key = format!("{place}.{count}");
        self.run.draws.push(Draw {
            key,
            kind,
            name: None,
            pool,
        });
        Value::Drawn(Rc::new(Drawn {
            draw: self.run.draws.len() - 1,
            path: Vec::new(),
        }))
    }

    /// The outcomes of a draw one by one, with their weights, if they are few enough.
    pub(crate) fn outcomes(&self, draw: usize, most: usize) -> Option<Vec<(Value<'a>, i64)>> {
        match &self.run.draws[draw].kind {
            DrawKind::Outcomes(outcomes) => Some(outcomes.clone()).filter(|all| all.len() <= most),
            DrawKind::Whole(low, high) => {
                let count = high.checked_sub(*low)?;
                let few = usize::try_from(count).is_ok_and(|count| count < most);
                few.then(|| {
                    (*low..=*high)
                        .map(|number| (Value::Int(number), 1))
                        .collect()
                })
            }
            _ => None,
        }
    }

    /// The value of a part of an outcome.
    pub(crate) fn part(&self, outcome: &Value<'a>, path: &[Value<'a>]) -> Option<Value<'a>> {
        let mut value = outcome.clone();
        for key in path {
            value = item(&value, key)?;
        }
        Some(value)
    }

    /// True if a draw is one of `on_start`: it stays with the user.
    pub(crate) fn is_kept(&self, draw: usize) -> bool {
        draw < self.session.draws.len()
    }

    /// Decides which outcomes a draw has by what `of` says about each.
    pub(crate) fn split(
        &mut self,
        draw: usize,
        outcomes: Vec<(Value<'a>, i64)>,
        yes: &[bool],
    ) -> bool {
        let weigh = |wanted: bool| -> i64 {
            let outcomes = outcomes.iter().zip(yes);
            outcomes
                .filter(|(_, yes)| **yes == wanted)
                .map(|((_, weight), _)| *weight)
                .sum()
        };
        let (true_weight, false_weight) = (weigh(true), weigh(false));
        let decided = if false_weight == 0 || true_weight == 0 {
            false_weight == 0
        } else {
            let all = i128::from(true_weight) + i128::from(false_weight);
            let chance = |weight: i64| Ratio::new(i128::from(weight), all).unwrap_or(Ratio::ONE);
            let chances = vec![chance(true_weight), chance(false_weight)];
            self.run.decide(DecisionKind::Chance(chances)) == 0
        };
        let left = outcomes
            .into_iter()
            .zip(yes)
            .filter(|(_, yes)| **yes == decided);
        self.run.draws[draw].kind = DrawKind::Outcomes(left.map(|(outcome, _)| outcome).collect());
        decided
    }

    /// One of a draw's outcomes: each is a way of its own.
    pub(crate) fn concrete(&mut self, node: &impl Ranged, drawn: &Drawn<'a>) -> Read<Value<'a>> {
        if self.is_kept(drawn.draw) && self.outcomes(drawn.draw, 1).is_none() {
            let message = format!(
                "`{}` depends on what on_start draws for the user: a workload's tasks are the same for all users of a class",
                self.snippet(node)
            );
            return self.stop(node, message);
        }
        let outcomes = match self.outcomes(drawn.draw, MOST_WAYS) {
            Some(outcomes) if !outcomes.is_empty() => outcomes,
            _ => {
                let message = format!(
                    "`{}` depends on a draw with too many outcomes to go through one by one",
                    self.snippet(node)
                );
                return self.stop(node, message);
            }
        };
        let all: i128 = outcomes.iter().map(|(_, weight)| i128::from(*weight)).sum();
        let choice = if outcomes.len() == 1 {
            0
        } else {
            let chances = outcomes.iter();
            let chances = chances
                .map(|(_, weight)| Ratio::new(i128::from(*weight), all).unwrap_or(Ratio::ONE));
            self.run.decide(DecisionKind::Chance(chances.collect()))
        };
        let outcome = outcomes[choice].clone();
        let value = self.part(&outcome.0, &drawn.path);
        self.run.draws[drawn.draw].kind = DrawKind::Outcomes(vec![(outcome.0, 1)]);
        match value {
            Some(value) => Ok(value),
            None => self.stop(
                node,
                format!(
                    "`{}` is not in every value that is drawn",
                    self.snippet(node)
                ),
            ),
        }
    }

    /// The expression of a draw.
    pub(crate) fn draw_code(&self, drawn: &Drawn<'a>) -> Option<String> {
        let mut code = reference(&self.run.draws[drawn.draw].key);
        for key in &drawn.path {
            match key {
                Value::Str(text) if is_name(text) => code.push_str(&format!(".{text}")),
                Value::Str(text) => code.push_str(&format!("[{}]", quoted(text))),
                Value::Int(index) if *index >= 0 => code.push_str(&format!("[{index}]")),
                _ => return None,
            }
        }
        let drawn = Drawn {
            draw: drawn.draw,
            path: drawn.path.clone(),
        };
        self.run
            .codes
            .borrow_mut()
            .insert(code.clone(), Rc::new(drawn));
        Some(code)
    }
}
