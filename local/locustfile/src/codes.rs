//! The expressions of requests, and the draws in them.

use std::collections::BTreeSet;

use crate::run::{Body, Json, Request};
use crate::value::{MARKS, Piece};

/// The keys of the draws that requests use.
pub(crate) fn references(requests: &[Request]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for request in requests {
        each_code(request, &mut |code| found.extend(keys(code)), true);
    }
    found
}

/// The keys of the draws in an expression, each as often as it stands there.
pub(crate) fn keys(code: &str) -> Vec<String> {
    let [open, close] = MARKS;
    let parts = code.split(open).skip(1);
    parts
        .filter_map(|part| part.split_once(close))
        .map(|(key, _)| key.to_owned())
        .collect()
}

/// Calls `each` with every expression of a request; with `all`, those about its response too.
pub(crate) fn each_code(request: &Request, each: &mut dyn FnMut(&str), all: bool) {
    let of_pieces = |pieces: &[Piece], each: &mut dyn FnMut(&str)| {
        for piece in pieces {
            if let Piece::Code(code) = piece {
                each(code);
            }
        }
    };
    if let Some(when) = &request.when {
        each(when);
    }
    of_pieces(&request.path, each);
    for (_, pieces) in &request.headers {
        of_pieces(pieces, each);
    }
    match &request.body {
        Some(Body::Text(pieces)) => of_pieces(pieces, each),
        Some(Body::Json(json)) => each_json(json, each),
        None => {}
    }
    if all {
        each_failure(request, each);
    }
}

/// Calls `each` with every expression about a request's response.
pub(crate) fn each_failure(request: &Request, each: &mut dyn FnMut(&str)) {
    let mut conditions = Vec::new();
    request.judgement.conditions(&mut conditions);
    conditions.iter().for_each(|condition| each(condition));
    let pieces = std::cell::RefCell::new(Vec::new());
    let _ = request.judgement.failure(&|text: &[Piece]| {
        pieces.borrow_mut().extend_from_slice(text);
        String::new()
    });
    for piece in pieces.into_inner() {
        if let Piece::Code(code) = piece {
            each(&code);
        }
    }
}

fn each_json(json: &Json, each: &mut dyn FnMut(&str)) {
    match json {
        Json::Code(code) => each(code),
        Json::Text(pieces) => {
            for piece in pieces {
                if let Piece::Code(code) = piece {
                    each(code);
                }
            }
        }
        Json::List(elements) => elements.iter().for_each(|element| each_json(element, each)),
        Json::Table(items) => items.iter().for_each(|(_, value)| each_json(value, each)),
        Json::Raw(_) | Json::Null => {}
    }
}
