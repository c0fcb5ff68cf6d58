//! What a locustfile says about a response, as a workload's `status`, `expect` and `failure`.

use crate::value::Piece;

/// Whether a response is a failure, and which.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Judgement {
    /// Nothing is said: a failure from status 400 on.
    #[default]
    Unsaid,
    Success,
    Failure(Vec<Piece>),
    /// A failure about which nothing is said: without what it lacks the user has no session.
    Denied,
    /// By an expression about the response.
    If(String, Box<Judgement>, Box<Judgement>),
}

/// An expression that is true for good responses, or known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Good {
    Always,
    Never,
    When(String),
}

impl Judgement {
    /// This one where `condition` holds, else the other.
    pub(crate) fn or_else(self, condition: &str, other: Self) -> Self {
        if self == other {
            return self;
        }
        Self::If(condition.to_owned(), Box::new(self), Box::new(other))
    }

    /// When a response is good, knowing of one expression whether it holds.
    pub(crate) fn good(&self, known: Option<(&str, bool)>) -> Good {
        match self {
            Self::Success => Good::Always,
            Self::Failure(_) | Self::Denied => Good::Never,
            Self::Unsaid => {
                match known.and_then(|(condition, holds)| below_400(condition, holds)) {
                    Some(true) => Good::Always,
                    Some(false) => Good::Never,
                    None => Good::When(BELOW_400.to_owned()),
                }
            }
            Self::If(condition, yes, no) => either(
                condition,
                yes.good(Some((condition, true))),
                no.good(Some((condition, false))),
            ),
        }
    }

    /// True if some response is a failure about which nothing is said.
    fn has_unsaid_failure(&self, known: Option<(&str, bool)>) -> bool {
        match self {
            Self::Unsaid | Self::Denied => self.good(known) != Good::Always,
            Self::If(condition, yes, no) => {
                yes.has_unsaid_failure(Some((condition, true)))
                    || no.has_unsaid_failure(Some((condition, false)))
            }
            _ => false,
        }
    }

    /// The texts of the failures, with the conditions between them.
    fn failures<'j>(&'j self, found: &mut Vec<&'j Vec<Piece>>) {
        match self {
            Self::Failure(text) => found.push(text),
            Self::If(_, yes, no) => {
                yes.failures(found);
                no.failures(found);
            }
            _ => {}
        }
    }

    /// The text of a failure as a template, with `write` for its pieces; nothing if none is said.
    pub(crate) fn failure(&self, write: &dyn Fn(&[Piece]) -> String) -> Option<String> {
        let mut found = Vec::new();
        self.failures(&mut found);
        let first = found.first()?;
        if found.iter().all(|text| text == first) && !self.has_unsaid_failure(None) {
            return Some(write(first));
        }
        Some(self.branches(write))
    }

    fn branches(&self, write: &dyn Fn(&[Piece]) -> String) -> String {
        match self {
            Self::Success => String::new(),
            Self::Failure(text) => write(text),
            Self::Unsaid => "expected status <400, got {{ status }}".to_owned(),
            Self::Denied => "no session after status {{ status }}".to_owned(),
            Self::If(condition, yes, no) => {
                // a branch that holds no failure needs no text
                let (yes, no) = (yes.branches(write), no.branches(write));
                match (yes.is_empty(), no.is_empty()) {
                    (true, _) => no,
                    (_, true) => yes,
                    _ => format!("{{% if {condition} %}}{yes}{{% else %}}{no}{{% endif %}}"),
                }
            }
        }
    }

    /// All expressions in it.
    pub(crate) fn conditions(&self, found: &mut Vec<String>) {
        if let Self::If(condition, yes, no) = self {
            found.push(condition.clone());
            yes.conditions(found);
            no.conditions(found);
        }
    }
}

/// The status that nothing is said about, as an expression.
pub(crate) const BELOW_400: &str = "status < 400";

/// The status of `status == 200`.
pub(crate) fn exact_status(condition: &str) -> Option<u16> {
    condition.strip_prefix("status == ")?.parse().ok()
}

/// Whether every status for which a condition holds, or does not hold, is below 400; nothing if some are.
fn below_400(condition: &str, holds: bool) -> Option<bool> {
    let (op, bound) = condition.strip_prefix("status ")?.split_once(' ')?;
    let bound: u16 = bound.parse().ok()?;
    match (op, holds) {
        ("==", true) | ("!=", false) => Some(bound < 400),
        ("<", true) | (">=", false) if bound <= 400 => Some(true),
        ("<=", true) | (">", false) if bound < 400 => Some(true),
        (">=", true) | ("<", false) if bound >= 400 => Some(false),
        (">", true) | ("<=", false) if bound >= 399 => Some(false),
        _ => None,
    }
}

fn either(condition: &str, yes: Good, no: Good) -> Good {
    let all = format!("({condition})");
    Good::When(match (yes, no) {
        (yes, no) if yes == no => return yes,
        (Good::Always, Good::Never) => condition.to_owned(),
        (Good::Never, Good::Always) => negated(condition),
        (Good::Always, Good::When(no)) => format!("{all} or ({no})"),
        (Good::When(yes), Good::Never) => format!("{all} and ({yes})"),
        (Good::Never, Good::When(no)) => format!("{} and ({no})", negated(condition)),
        (Good::When(yes), Good::Always) => format!("{} or ({yes})", negated(condition)),
        (Good::When(yes), Good::When(no)) => format!("(({yes}) if {all} else ({no}))"),
        (yes, _) => return yes,
    })
}

/// The opposite of an expression.
pub(crate) fn negated(condition: &str) -> String {
    match condition.strip_prefix("status == ") {
        Some(status) if exact_status(condition).is_some() => format!("status != {status}"),
        _ => match condition.strip_prefix("status != ") {
            Some(status) if status.parse::<u16>().is_ok() => format!("status == {status}"),
            _ => format!("not ({condition})"),
        },
    }
}
