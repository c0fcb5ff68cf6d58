//! Exact probabilities: fractions of whole numbers, as they are written in decimal.

/// A fraction in its lowest terms, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) top: i128,
    pub(crate) bottom: i128,
}

/// A denominator beyond this is no probability that somebody meant.
const LARGEST: i128 = 1_000_000_000_000_000_000;

pub(crate) fn gcd(one: i128, other: i128) -> i128 {
    if other == 0 {
        one.abs()
    } else {
        gcd(other, one % other)
    }
}

impl Ratio {
    pub(crate) const ONE: Self = Self { top: 1, bottom: 1 };

    pub(crate) fn new(top: i128, bottom: i128) -> Option<Self> {
        if bottom == 0 {
            return None;
        }
        let shared = gcd(top, bottom).max(1) * bottom.signum();
        let (top, bottom) = (top / shared, bottom / shared);
        (bottom <= LARGEST && top.abs() <= LARGEST).then_some(Self { top, bottom })
    }

    /// The decimal number that is written for a float: 0.1 is one tenth.
    pub(crate) fn of(number: f64) -> Option<Self> {
        if !number.is_finite() || number.abs() > 1e15 {
            return None;
        }
        let text = format!("{number}");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = u32::try_from(fraction.len())
            .ok()
            .filter(|digits| *digits <= 17)?;
        let top = format!("{whole}{fraction}").parse().ok()?;
        Self::new(top, 10_i128.pow(digits))
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        Self::new(
            self.top.checked_mul(other.top)?,
            self.bottom.checked_mul(other.bottom)?,
        )
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let top = self.top.checked_mul(other.bottom)?;
        Self::new(
            top.checked_add(other.top.checked_mul(self.bottom)?)?,
            self.bottom.checked_mul(other.bottom)?,
        )
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self {
            top: -other.top,
            ..other
        })
    }

    pub(crate) fn over(self, other: Self) -> Option<Self> {
        Self::new(
            self.top.checked_mul(other.bottom)?,
            self.bottom.checked_mul(other.top)?,
        )
    }

    pub(crate) fn is_above(self, other: Self) -> bool {
        self.minus(other).is_some_and(|left| left.top > 0)
    }

    pub(crate) fn value(self) -> f64 {
        self.top as f64 / self.bottom as f64
    }
}
