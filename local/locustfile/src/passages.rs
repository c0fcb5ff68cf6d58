//! The ways through `on_start`, compared: which gets farthest, where another one parts from it, and what each leaves.

use std::collections::BTreeSet;

use crate::judgement::{Good, Judgement};
use crate::keeping::{are_answered, is_alike, is_answered};
use crate::run::{DecisionKind, Passage, Run};
use crate::variant::Way;

/// Where two ways part by a response.
pub(crate) struct Parting<'p> {
    pub(crate) request: usize,
    pub(crate) condition: &'p str,
    /// Whether the condition holds on the session's way.
    pub(crate) holds: bool,
    pub(crate) file: usize,
    pub(crate) line: usize,
}

/// The first request that has failed on a way.
pub(crate) fn failure_of(run: &Run<'_>) -> Option<usize> {
    (0..run.requests.len()).find(|at| {
        let judgement = &run.requests[*at].judgement;
        let known = run
            .decisions
            .iter()
            .filter_map(|decision| match &decision.kind {
                DecisionKind::Response {
                    request, condition, ..
                } if request == at => Some((condition.as_str(), decision.choice == 0)),
                _ => None,
            });
        judgement.good(None) == Good::Never
            || known
                .map(|known| judgement.good(Some(known)))
                .any(|good| good == Good::Never)
    })
}

/// The number of the way on which nothing fails and most is sent and kept.
pub(crate) fn farthest(passages: &[Passage<'_>]) -> Option<usize> {
    let lasting = passages
        .iter()
        .enumerate()
        .filter(|(_, passage)| !passage.has_ended && failure_of(&passage.run).is_none());
    let rank = |passage: &Passage<'_>| {
        let sure = passage.run.decisions.iter().filter(|decision| {
            matches!(&decision.kind, DecisionKind::Response { condition, .. }
                if Judgement::Unsaid.good(Some((condition, decision.choice == 0))) == Good::Always)
        });
        (passage.run.requests.len(), kept_of(passage), sure.count())
    };
    // of equals the first
    lasting
        .rev()
        .max_by_key(|(_, passage)| rank(passage))
        .map(|(index, _)| index)
}

/// The number of headers and attributes that a way has of responses.
pub(crate) fn kept_of(passage: &Passage<'_>) -> usize {
    let headers = passage.headers.iter();
    let headers = headers.filter(|(_, pieces)| are_answered(pieces)).count();
    headers
        + passage
            .started
            .values()
            .filter(|value| is_answered(value))
            .count()
}

/// The attributes that two ways leave with different values.
pub(crate) fn differences<'a>(main: &Passage<'a>, other: &Passage<'a>) -> Vec<String> {
    let names: BTreeSet<&String> = main.started.keys().chain(other.started.keys()).collect();
    let differs = |name: &&&String| match (main.started.get(**name), other.started.get(**name)) {
        (Some(one), Some(other_value)) => {
            !is_alike((one, &main.run.draws), (other_value, &other.run.draws), 0)
        }
        _ => true,
    };
    names
        .iter()
        .filter(differs)
        .map(|name| (*name).clone())
        .collect()
}

/// Where two ways part, if a response decides it.
pub(crate) fn parting<'p>(main: &'p Run<'_>, other: &Run<'_>) -> Option<Parting<'p>> {
    let mut both = main.decisions.iter().zip(&other.decisions);
    let (decision, _) = both.find(|(mine, theirs)| mine.choice != theirs.choice)?;
    match &decision.kind {
        DecisionKind::Response {
            request,
            condition,
            file,
            line,
        } => Some(Parting {
            request: *request,
            condition,
            holds: decision.choice == 0,
            file: *file,
            line: *line,
        }),
        _ => None,
    }
}

/// The ways as those of a start; nothing if one of them ends where another with the same decisions goes on.
pub(crate) fn ways_of<'a>(passages: Vec<Passage<'a>>, main: &Run<'a>) -> Option<Vec<Way<'a>>> {
    let mut ways: Vec<Way<'a>> = Vec::new();
    for passage in passages {
        let mut run = passage.run;
        for (request, of_main) in run.requests.iter_mut().zip(&main.requests) {
            request.captures.clone_from(&of_main.captures);
        }
        let choices = |way: &Way<'a>| -> Vec<usize> {
            way.decisions
                .iter()
                .map(|decision| decision.choice)
                .collect()
        };
        let way = Way {
            decisions: run.decisions,
            requests: run.requests,
            draws: run.draws,
            is_start: true,
        };
        let own = choices(&way);
        let mut is_known = false;
        for known in ways.iter().map(choices) {
            let shared = known
                .iter()
                .zip(&own)
                .take_while(|(one, other)| one == other);
            let shared = shared.count();
            is_known = is_known || (shared == own.len() && own.len() == known.len());
            if own.len() != known.len() && shared == own.len().min(known.len()) {
                return None;
            }
        }
        if !is_known {
            ways.push(way);
        }
    }
    Some(ways)
}
