//! What `random` draws, and `uuid.uuid4`.

use ruff_python_ast::{Expr, ExprCall};

use crate::calls::Arguments;
use crate::reader::{Mode, Read, Reader};
use crate::texts::text_of;
use crate::value::{DrawKind, Piece, Value};

/// The longest text of single draws.
pub(crate) const MOST_DRAWS: usize = 64;

impl<'a> Reader<'a> {
    pub(crate) fn random(
        &mut self,
        node: &'a ExprCall,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
        let pool = node.arguments.args.first().and_then(pool_name);
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
                self.number(node, name, arguments)
            }
            "choice" if arguments.only(1, &["seq"]) => {
                let Some(values) = arguments.get(0, "seq") else {
                    return self.unknown(node);
                };
                let values = self.iterate(node, values.clone())?;
                self.choice(
                    node,
                    values.into_iter().map(|value| (value, 1)).collect(),
                    pool.as_deref(),
                )
            }
            "choices" if arguments.only(1, &["population", "weights", "k", "cum_weights"]) => {
                self.choices(node, arguments, pool.as_deref())
            }
            _ => self.unknown(node),
        }
    }

    /// A number within bounds.
    pub(crate) fn number(
        &mut self,
        node: &'a ExprCall,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Read<Value<'a>> {
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

    pub(crate) fn choices(
        &mut self,
        node: &'a ExprCall,
        arguments: &Arguments<'a>,
        pool: Option<&str>,
    ) -> Read<Value<'a>> {
        let first = arguments.given.first();
        let whole = |value: Option<&Value<'a>>| match value {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        };
        let Some(values) = first.or_else(|| arguments.get(0, "population")) else {
            return self.unknown(node);
        };
        let values = self.iterate(node, values.clone())?;
        let weights = match arguments.get(usize::MAX, "weights") {
            Some(weights) => self.iterate(node, weights.clone())?,
            None => vec![Value::Int(1); values.len()],
        };
        let Some(weights) = whole_weights(&weights).filter(|all| all.len() == values.len()) else {
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
            drawn.push(self.choice(node, outcomes.clone(), pool)?);
        }
        Ok(Value::list(drawn, false))
    }

    /// A draw of one of these values, by weight.
    pub(crate) fn choice(
        &mut self,
        node: &'a ExprCall,
        outcomes: Vec<(Value<'a>, i64)>,
        pool: Option<&str>,
    ) -> Read<Value<'a>> {
        if outcomes.is_empty() {
            return self.stop(node, "there is nothing to choose from");
        }
        let is_once = matches!(self.mode, Mode::Module | Mode::Shape);
        if is_once || outcomes.iter().all(|(value, _)| value.is_constant()) {
            return Ok(self.named_draw(
                node,
                DrawKind::Outcomes(outcomes),
                pool.map(str::to_owned),
            ));
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
    pub(crate) fn uuid(&mut self, node: &'a ExprCall) -> Read<Value<'a>> {
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
}

/// Weights as whole numbers: 0.4, 0.5 and 0.1 are 4, 5 and 1.
pub(crate) fn whole_weights(weights: &[Value<'_>]) -> Option<Vec<i64>> {
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
pub(crate) fn pool_name(node: &Expr) -> Option<String> {
    match node {
        Expr::Name(name) => Some(name.id.to_lowercase()),
        Expr::Attribute(attribute) => Some(attribute.attr.to_lowercase()),
        _ => None,
    }
}
