//! The ways through a task as tasks of a workload: what is drawn decides which, what a response says is its
//! judgement.

use crate::codes::each_code;
use crate::judgement::{Good, negated};
use crate::problem::Problem;
use crate::ratio::Ratio;
use crate::run::{DecisionKind, Request};
use crate::session_branch::by_session;
use crate::value::Piece;
use crate::variant::{Variant, Way, add_draws, same_draws};

/// Where a decision stands that no workload can make.
pub(crate) struct Undecidable {
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Undecidable {
    pub(crate) fn problem(self, names: &dyn Fn(usize) -> String) -> Problem {
        Problem {
            file: names(self.file),
            line: self.line,
            column: None,
            message: self.message,
        }
    }
}

/// The ways as few variants.
pub(crate) fn variants<'a>(ways: Vec<Way<'a>>) -> Result<Vec<Variant<'a>>, Undecidable> {
    let all = fold(ways, 0)?;
    Ok(reduced(all))
}

fn fold<'a>(mut ways: Vec<Way<'a>>, depth: usize) -> Result<Vec<Variant<'a>>, Undecidable> {
    let Some(decision) = ways
        .first()
        .and_then(|way| way.decisions.get(depth))
        .cloned()
    else {
        let first = ways.drain(..).next();
        return Ok(first.into_iter().map(whole).collect());
    };
    let mut sorted: Vec<Vec<Way<'a>>> = Vec::new();
    for way in ways {
        let choice = way
            .decisions
            .get(depth)
            .map_or(0, |decision| decision.choice);
        while sorted.len() <= choice {
            sorted.push(Vec::new());
        }
        sorted[choice].push(way);
    }
    match decision.kind {
        DecisionKind::Chance(chances) => {
            let mut all = Vec::new();
            for (ways, chance) in sorted.into_iter().zip(chances) {
                for variant in fold(ways, depth + 1)? {
                    let share = variant
                        .share
                        .times(chance)
                        .unwrap_or(Ratio { top: 0, bottom: 1 });
                    all.push(Variant { share, ..variant });
                }
            }
            Ok(reduced(all))
        }
        DecisionKind::Response {
            request,
            condition,
            file,
            line,
        } => {
            let mut sides = sorted.into_iter();
            let yes = fold(sides.next().unwrap_or_default(), depth + 1)?;
            let no = fold(sides.next().unwrap_or_default(), depth + 1)?;
            let merged = merged(request, &condition, yes, no);
            merged.map_err(|message| Undecidable {
                file,
                line,
                message,
            })
        }
        DecisionKind::Session {
            condition,
            file,
            line,
        } => {
            let mut sides = sorted.into_iter();
            let yes = fold(sides.next().unwrap_or_default(), depth + 1)?;
            let no = fold(sides.next().unwrap_or_default(), depth + 1)?;
            let pairs = pairs(yes, no).into_iter().flatten();
            let joined: Option<Vec<Variant<'a>>> = pairs
                .map(|(yes, no)| by_session(&condition, decision.after, yes, &no))
                .collect();
            joined.filter(|all| !all.is_empty()).ok_or(Undecidable {
                file,
                line,
                message: "what is sent depends on the user's session in a way that no `when` of a request can say"
                    .to_owned(),
            })
        }
    }
}

fn whole(way: Way<'_>) -> Variant<'_> {
    Variant {
        share: Ratio::ONE,
        requests: way.requests,
        draws: way.draws,
        is_start: way.is_start,
    }
}

/// The variants for both sides of a condition about a response.
fn merged<'a>(
    request: usize,
    condition: &str,
    yes: Vec<Variant<'a>>,
    no: Vec<Variant<'a>>,
) -> Result<Vec<Variant<'a>>, String> {
    let pairs = pairs(yes, no).ok_or_else(|| depends(condition))?;
    pairs
        .into_iter()
        .map(|(yes, no)| merge(request, condition, yes, no))
        .collect()
}

/// The variants of both sides of a condition, each with its counterpart.
fn pairs<'a>(
    mut yes: Vec<Variant<'a>>,
    mut no: Vec<Variant<'a>>,
) -> Option<Vec<(Variant<'a>, Variant<'a>)>> {
    let as_many = |one: &Variant<'a>, others: &[Variant<'a>]| -> Vec<Variant<'a>> {
        let share = |other: &Variant<'a>| Variant {
            share: other.share,
            ..one.clone()
        };
        others.iter().map(share).collect()
    };
    match (yes.len(), no.len()) {
        (1, many) if many > 1 => yes = as_many(&yes[0], &no),
        (many, 1) if many > 1 => no = as_many(&no[0], &yes),
        _ => {}
    }
    (yes.len() == no.len()).then(|| yes.into_iter().zip(no).collect())
}

fn depends(condition: &str) -> String {
    format!(
        "what is sent next depends on `{condition}` of a response: a workload sends the same requests whatever comes back"
    )
}

fn merge<'a>(
    at: usize,
    condition: &str,
    yes: Variant<'a>,
    no: Variant<'a>,
) -> Result<Variant<'a>, String> {
    if yes.requests.len() < no.requests.len() {
        return merge_longer(at, &negated(condition), (condition, false), no, &yes);
    }
    merge_longer(at, condition, (condition, true), yes, &no)
}

/// Merges the side of a condition that goes on with the one that may end.
fn merge_longer<'a>(
    at: usize,
    condition: &str,
    (asked, holds): (&str, bool),
    mut longer: Variant<'a>,
    shorter: &Variant<'a>,
) -> Result<Variant<'a>, String> {
    let common = shorter.requests.len();
    if common <= at {
        return Err(depends(condition));
    }
    for (index, (one, other)) in longer.requests.iter().zip(&shorter.requests).enumerate() {
        let mut other = other.clone();
        if index == at {
            other.judgement = one.judgement.clone();
        }
        other.captures.clone_from(&one.captures);
        if *one != other {
            return Err(depends(condition));
        }
    }
    if !same_draws(&longer, shorter) {
        return Err(depends(condition));
    }
    let judgement = (
        longer.requests[at].judgement.clone(),
        shorter.requests[at].judgement.clone(),
    );
    let fails = judgement.1.good(Some((asked, !holds)));
    for capture in shorter.requests[at].captures.clone() {
        if !longer.requests[at].captures.contains(&capture) {
            longer.requests[at].captures.push(capture);
        }
    }
    let goes_on = longer.requests.len() > at + 1;
    if longer.is_start && (fails == Good::Never || longer.requests.len() == common) {
        // a session whose request fails is begun anew
    } else if longer.requests.len() > common {
        let gated = longer.requests[common..]
            .iter()
            .all(|later| needs(later, &longer.requests[at]));
        let passes = judgement.0.good(Some((asked, holds)));
        if fails != Good::Never || !(gated || passes == Good::Always) {
            return Err(format!(
                "what follows is sent only if `{condition}`, but a workload goes on after every response that is no failure: \
                 say failure(...) where it is not, or ask `if response.ok`"
            ));
        }
        gate(&mut longer.requests, at, common);
    } else if goes_on
        && !longer.requests[at].captures.is_empty()
        && matches!(judgement.1, crate::judgement::Judgement::Failure(_))
    {
        return Err(
            "what follows needs a value of this response also after failure(...), and a workload keeps nothing of a failed response"
                .to_owned(),
        );
    }
    longer.requests[at].judgement = match holds {
        true => judgement.0.or_else(asked, judgement.1),
        false => judgement.1.or_else(asked, judgement.0),
    };
    add_draws(&mut longer, shorter);
    Ok(longer)
}

/// True if a request needs a value of another one's response.
fn needs(later: &Request, earlier: &Request) -> bool {
    let mut text = String::new();
    each_code(later, &mut |code| text.push_str(code), false);
    earlier
        .captures
        .iter()
        .any(|(name, _)| text.contains(name.as_str()))
}

/// Lets requests need a value of the response that decides whether they are sent.
fn gate(requests: &mut [Request], at: usize, from: usize) {
    let (before, later) = requests.split_at_mut(from);
    let earlier = &mut before[at];
    let ungated: Vec<&mut Request> = later
        .iter_mut()
        .filter(|later| !needs(later, earlier))
        .collect();
    if ungated.is_empty() {
        return;
    }
    let name = match earlier.captures.first() {
        Some((name, _)) => name.clone(),
        None => {
            let name = format!("got_response_{}", at + 1);
            earlier.captures.push((name.clone(), "status".to_owned()));
            name
        }
    };
    for request in ungated {
        request
            .path
            .push(Piece::Code(format!("'' if {name} else ''")));
    }
}

/// Requests that come after one whose response they depend on by an exception: they need it too.
pub(crate) fn gate_after_captures(requests: &mut [Request]) {
    for at in 0..requests.len() {
        if !requests[at].captures.is_empty() {
            gate(requests, at, at + 1);
        }
    }
}

/// Equal variants as one, and those that differ by one request as one with a probability.
fn reduced(mut all: Vec<Variant<'_>>) -> Vec<Variant<'_>> {
    'again: loop {
        for one in 0..all.len() {
            for other in 0..all.len() {
                if one == other {
                    continue;
                }
                if let Some(joined) = joined(&all[one], &all[other]) {
                    let (first, last) = (one.min(other), one.max(other));
                    all.remove(last);
                    all[first] = joined;
                    continue 'again;
                }
            }
        }
        return all;
    }
}

/// Two variants as one, where the longer one has one more request at most.
fn joined<'a>(longer: &Variant<'a>, shorter: &Variant<'a>) -> Option<Variant<'a>> {
    if !same_draws(longer, shorter) {
        return None;
    }
    let share = longer.share.plus(shorter.share)?;
    if longer.requests == shorter.requests {
        return Some(Variant {
            share,
            ..longer.clone()
        });
    }
    if longer.requests.len() != shorter.requests.len() + 1 {
        return None;
    }
    let without = |at: usize| {
        let (before, after) = (&longer.requests[..at], &longer.requests[at + 1..]);
        before.iter().chain(after).eq(shorter.requests.iter())
    };
    let at = (0..longer.requests.len()).rev().find(|at| without(*at))?;
    let request = &longer.requests[at];
    if request.probability != Ratio::ONE || !request.captures.is_empty() {
        return None;
    }
    let mut joined = Variant {
        share,
        ..longer.clone()
    };
    joined.requests[at].probability = longer.share.over(share)?;
    Some(joined)
}
