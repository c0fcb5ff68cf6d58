//! A run's segments as they are stored: of those that follow one another, only what differs.
//!
//! A run that is resized often has many segments of the same classes and hosts, and is written with each change.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::segment::{Segment, ShapePart, Share};
use crate::clock::Timestamp;

/// A segment; what is missing is as in the one before.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    from: Timestamp,
    user_count: u32,
    spawn_rate: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shares: Option<Cow<'a, [Share]>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hosts: Option<Hosts<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<Cow<'a, ShapePart>>,
}

/// The host that was asked for, and what followed from it.
type Hosts<'a> = (Cow<'a, Option<String>>, Cow<'a, [(String, String)]>);

pub(super) fn serialize<S: Serializer>(segments: &[Segment], to: S) -> Result<S::Ok, S::Error> {
    let before = std::iter::once(None).chain(segments.iter().map(Some));
    let stored = segments.iter().zip(before).map(|(segment, before)| {
        let has_other = |differs: fn(&Segment, &Segment) -> bool| {
            before.is_none_or(|before| differs(before, segment))
        };
        let shares = has_other(|one, other| one.shares != other.shares);
        let hosts = has_other(|one, other| one.host != other.host || one.hosts != other.hosts);
        Stored {
            from: segment.from,
            user_count: segment.user_count,
            spawn_rate: segment.spawn_rate,
            shares: shares.then_some(Cow::Borrowed(&segment.shares)),
            hosts: hosts.then_some((Cow::Borrowed(&segment.host), Cow::Borrowed(&segment.hosts))),
            until: segment.until,
            shape: segment.shape.as_ref().map(Cow::Borrowed),
        }
    });
    to.collect_seq(stored)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Segment>, D::Error> {
    let stored = Vec::<Stored<'_>>::deserialize(from)?;
    let mut segments: Vec<Segment> = Vec::with_capacity(stored.len());
    for stored in stored {
        let before = segments.last();
        let shares = stored.shares.map(Cow::into_owned);
        let shares = shares.or_else(|| before.map(|before| before.shares.clone()));
        let hosts = stored
            .hosts
            .map(|(host, hosts)| (host.into_owned(), hosts.into_owned()));
        let hosts = hosts.or_else(|| before.map(|one| (one.host.clone(), one.hosts.clone())));
        let (host, hosts) = hosts.ok_or_else(|| D::Error::missing_field("hosts"))?;
        segments.push(Segment {
            from: stored.from,
            user_count: stored.user_count,
            spawn_rate: stored.spawn_rate,
            shares: shares.ok_or_else(|| D::Error::missing_field("shares"))?,
            host,
            hosts,
            until: stored.until,
            shape: stored.shape.map(Cow::into_owned),
        });
    }
    Ok(segments)
}
