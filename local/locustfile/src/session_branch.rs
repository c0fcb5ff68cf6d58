//! Branches on what a user keeps: each request knows for which users it is sent.

use crate::run::Request;
use crate::variant::{Variant, add_draws, same_draws};

/// What users send of whom a condition holds, and what the others send, as one. What both send is sent in any case.
/// The first requests, up to `after`, were sent before anybody asked.
pub(crate) fn by_session<'a>(
    condition: &str,
    after: usize,
    mut yes: Variant<'a>,
    no: &Variant<'a>,
) -> Option<Variant<'a>> {
    let both = yes.requests.iter().zip(&no.requests);
    let common = both.take_while(|(one, other)| one == other).count();
    if common < after || yes.share != no.share || !same_draws(&yes, no) {
        return None;
    }
    let (mine, theirs) = (&yes.requests[common..], &no.requests[common..]);
    let both = mine.iter().rev().zip(theirs.iter().rev());
    let shared = both.take_while(|(one, other)| one == other).count();
    let (mine, last) = mine.split_at(mine.len() - shared);
    let theirs = &theirs[..theirs.len() - shared];
    let otherwise = format!("not ({condition})");
    let mine = mine.iter().map(|request| only(request, condition));
    let theirs = theirs.iter().map(|request| only(request, &otherwise));
    let rest: Vec<Request> = mine.chain(theirs).chain(last.iter().cloned()).collect();
    yes.requests.truncate(common);
    yes.requests.extend(rest);
    add_draws(&mut yes, no);
    Some(yes)
}

/// The request where it is sent only if a condition holds.
fn only(request: &Request, condition: &str) -> Request {
    let when = match &request.when {
        None => condition.to_owned(),
        Some(inner) => format!("({condition}) and ({inner})"),
    };
    Request {
        when: Some(when),
        ..request.clone()
    }
}
