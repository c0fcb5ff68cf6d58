//! An SQS message: the wake-ups of one run and one slot, as JSON that a console can show.
//!
//! `{"v":1,"run":"06500f2d1c0000-00000007","slot":1800000000,"ticks":{"TargetAppUser":[0,1]}}`: the
//! blocks of each class. That is 68 bytes for the message, and for each tick its block's digits and
//! a comma, with quoted name, colon and brackets for each class. SQS charges by 64 KB.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traffic::clock::Slot;
use traffic::ports::{PlannedWakeUp, WakeUp};
use traffic::record::Block;
use traffic::requests_at_once::ticks_of_message;
use traffic::run::RunId;

/// Bytes of a message at most: any ten of them fit in the 256 KB that one call may send.
pub const BODY_BYTES: usize = 26_000;

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// Bytes that a tick takes besides its class's name, at most.
const TICK_BYTES: usize = 16;

/// Bytes that a message takes besides run and ticks, at most.
const FRAME_BYTES: usize = 64;

/// A message, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The JSON.
    pub body: String,
    /// The slot of all its wake-ups.
    pub slot: Slot,
    /// The number of its wake-ups.
    pub ticks: usize,
}

/// A message that is not understood.
#[derive(Debug, thiserror::Error)]
pub enum InvalidMessage {
    /// It is not the JSON of a message.
    #[error("this is no message of a fan-out")]
    Json(#[from] serde_json::Error),
    /// Another version wrote it.
    #[error(
        "a message of version {0} is not known here, only {VERSION}: deploy fan-out and tick of the \
         same version"
    )]
    Version(u32),
}

#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

#[derive(Deserialize, Serialize)]
struct Body {
    v: u32,
    run: RunId,
    slot: Slot,
    ticks: BTreeMap<String, Vec<Block>>,
}

/// Packs wake-ups into messages as [`ticks_of_message`] says, sorted by slot; each wake-up is in one of them, once.
pub fn pack<W: Into<PlannedWakeUp>>(wake_ups: Vec<W>, ticks_per_message: usize) -> Vec<Message> {
    let mut wake_ups: Vec<PlannedWakeUp> = wake_ups.into_iter().map(Into::into).collect();
    wake_ups.sort_unstable_by(|one, other| key(&one.wake_up).cmp(&key(&other.wake_up)));
    wake_ups.dedup_by(|one, other| one.wake_up == other.wake_up);
    let together = |one: &PlannedWakeUp, other: &PlannedWakeUp| {
        let (one, other) = (&one.wake_up, &other.wake_up);
        one.slot == other.slot && one.run == other.run
    };
    let mut messages = Vec::new();
    for mut group in wake_ups.chunk_by(together) {
        while !group.is_empty() {
            let (some, rest) = group.split_at(fitting(group, ticks_per_message));
            messages.extend(message(some));
            group = rest;
        }
    }
    messages
}

/// The wake-ups of a message.
pub fn decode(body: &str) -> Result<Vec<WakeUp>, InvalidMessage> {
    let Versioned { v } = serde_json::from_str(body)?;
    if v != VERSION {
        return Err(InvalidMessage::Version(v));
    }
    let Body {
        run, slot, ticks, ..
    } = serde_json::from_str(body)?;
    let ticks = ticks.into_iter().flat_map(|(class, blocks)| {
        let tick = move |block| (class.clone(), block);
        blocks.into_iter().map(tick)
    });
    let wake_up = |(class, block)| WakeUp {
        run: run.clone(),
        class,
        block,
        slot,
    };
    Ok(ticks.map(wake_up).collect())
}

fn key(wake_up: &WakeUp) -> (Slot, &RunId, &str, Block) {
    (wake_up.slot, &wake_up.run, &wake_up.class, wake_up.block)
}

/// The number of wake-ups of a group that fit in one message; at least one.
fn fitting(group: &[PlannedWakeUp], ticks_per_message: usize) -> usize {
    let mut bytes = FRAME_BYTES + text(&group[0].wake_up.run).len();
    let fits = |planned: &&PlannedWakeUp| {
        bytes += TICK_BYTES + text(&planned.wake_up.class).len();
        bytes <= BODY_BYTES
    };
    let fitting = group.iter().take_while(fits);
    ticks_of_message(
        fitting.map(|planned| planned.users as usize),
        ticks_per_message,
    )
}

/// The message of wake-ups of one run and slot; none of none.
fn message(wake_ups: &[PlannedWakeUp]) -> Option<Message> {
    let first = &wake_ups.first()?.wake_up;
    let mut ticks = BTreeMap::<String, Vec<Block>>::new();
    for PlannedWakeUp { wake_up, .. } in wake_ups {
        let blocks = ticks.entry(wake_up.class.clone()).or_default();
        blocks.push(wake_up.block);
    }
    let body = Body {
        v: VERSION,
        run: first.run.clone(),
        slot: first.slot,
        ticks,
    };
    Some(Message {
        body: text(&body),
        slot: first.slot,
        ticks: wake_ups.len(),
    })
}

/// JSON, without the two characters that SQS does not take and JSON does not escape.
fn text(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("texts and numbers are JSON");
    if text.contains(['\u{fffe}', '\u{ffff}']) {
        return text
            .replace('\u{fffe}', r"\ufffe")
            .replace('\u{ffff}', r"\uffff");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wake_up(class: &str, block: u32, slot: u64) -> WakeUp {
        WakeUp {
            run: RunId("06500f2d1c0000-00000007".into()),
            class: class.into(),
            block: Block(block),
            slot: Slot(slot),
        }
    }

    #[test]
    fn a_message_is_short_and_can_be_read() {
        let sent = vec![
            wake_up("TargetAppUser", 1, 1_800_000_000),
            wake_up("ModelAUser", 0, 1_800_000_000),
            wake_up("TargetAppUser", 0, 1_800_000_000),
        ];
        let small = |wake_up| PlannedWakeUp { wake_up, users: 1 };
        let messages = pack(sent.into_iter().map(small).collect(), 10);
        let expected = r#"{"v":1,"run":"06500f2d1c0000-00000007","slot":1800000000,"ticks":{"ModelAUser":[0],"TargetAppUser":[0,1]}}"#;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].body, expected);
        assert_eq!(
            (messages[0].ticks, messages[0].slot),
            (3, Slot(1_800_000_000))
        );
        let classes = r#""ModelAUser":[0],"TargetAppUser":[0,1]"#;
        let frame = expected.len() - classes.len();
        assert_eq!(frame, 68, "as the first lines of this file say");
    }

    #[test]
    fn a_message_has_one_slot_and_one_run_and_no_more_ticks_than_asked_for() {
        let mut sent: Vec<WakeUp> = (0..21).map(|block| wake_up("A", block, 7)).collect();
        sent.push(wake_up("A", 0, 6));
        sent.push(WakeUp {
            run: RunId("other".into()),
            ..wake_up("A", 0, 7)
        });
        let small = |wake_up| PlannedWakeUp { wake_up, users: 1 };
        let sent = sent.into_iter().map(small).collect();
        let packed = pack(sent, 10);
        let shape: Vec<_> = packed.iter().map(|m| (m.slot.0, m.ticks)).collect();
        assert_eq!(shape, [(6, 1), (7, 10), (7, 10), (7, 1), (7, 1)]);
    }

    #[test]
    fn a_message_has_no_more_users_than_an_invocation_can_have_requests_under_way() {
        let of = |users: &[u32], ticks| {
            let planned = (0..).zip(users).map(|(block, &users)| PlannedWakeUp {
                wake_up: wake_up("A", block, 7),
                users,
            });
            let packed = pack(planned.collect(), ticks);
            packed
                .iter()
                .map(|message| message.ticks)
                .collect::<Vec<_>>()
        };
        // ten ticks of a fast ramp are all due at once
        assert_eq!(of(&[100; 10], 10), [3, 3, 3, 1]);
        assert_eq!(of(&[30; 10], 10), [10]);
        assert_eq!(of(&[20, 90, 91, 99, 100, 100, 100, 1], 10), [4, 3, 1]);
        assert_eq!(of(&[100; 20], 100), [8, 8, 4]);
        assert_eq!(of(&[11; 100], 100), [72, 28]);
    }

    #[test]
    fn what_no_fan_out_wrote_is_refused() {
        let next = r#"{"v":2,"run":7,"at":"noon"}"#;
        let refused = decode(next).unwrap_err().to_string();
        assert!(refused.contains("version 2"), "{refused}");
        for body in [
            "",
            "null",
            "{}",
            r#"{"v":1}"#,
            r#"{"v":1,"run":"a","slot":-1,"ticks":{}}"#,
        ] {
            assert!(
                matches!(decode(body), Err(InvalidMessage::Json(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn long_names_make_more_messages_and_not_longer_ones() {
        for length in [1_000, 4_000, 8_000] {
            // a letter that JSON writes in six
            let name = "\u{1}".repeat(length / 6);
            let sent = (0..40).map(|n| wake_up(&format!("{n}{name}"), n, 7));
            let packed = pack(sent.collect(), 100);
            let longest = packed.iter().map(|message| message.body.len()).max();
            assert!(
                packed.len() > 1 && longest <= Some(BODY_BYTES),
                "{longest:?}"
            );
        }
    }

    fn any_wake_up() -> impl Strategy<Value = WakeUp> {
        let run = prop_oneof![Just("run".to_owned()), any::<String>()];
        let odd = prop::sample::select(vec!["\u{ffff}\u{fffe}", "\"\\\u{0}\u{7f}\u{1F41D}", "A"]);
        let class = prop_oneof![odd.prop_map(str::to_owned), any::<String>()];
        let slot = prop_oneof![3 => 1_800_000_000..1_800_000_003_u64, 1 => any::<u64>()];
        (run, class, any::<u32>(), slot).prop_map(|(run, class, block, slot)| WakeUp {
            run: RunId(run),
            class,
            block: Block(block),
            slot: Slot(slot),
        })
    }

    /// The characters that SQS takes: those of XML 1.0.
    fn is_for_sqs(char: char) -> bool {
        matches!(char, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || char >= '\u{10000}'
    }

    proptest! {
        #[test]
        fn every_wake_up_arrives_once_as_it_was_sent(
            sent in prop::collection::vec(any_wake_up(), 0..60),
            limit in 0_usize..12,
        ) {
            let mut received = Vec::new();
            for message in pack(sent.clone(), limit) {
                let wake_ups = decode(&message.body).unwrap();
                prop_assert!(message.body.chars().all(is_for_sqs));
                prop_assert!(message.body.len() <= BODY_BYTES);
                prop_assert_eq!(wake_ups.len(), message.ticks);
                prop_assert!((1..=limit.max(1)).contains(&message.ticks));
                prop_assert!(wake_ups.iter().all(|wake_up| wake_up.slot == message.slot));
                received.extend(wake_ups);
            }
            received.sort();
            let mut expected = sent;
            expected.sort();
            expected.dedup();
            prop_assert_eq!(received, expected);
        }
    }
}
