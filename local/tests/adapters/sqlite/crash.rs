//! `kill -9` in the middle of writing: what was acknowledged is there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use traffic::clock::{Clock, Slot};
use traffic::ports::{Checkpoint, CheckpointStore as _, ProgressStore as _, RecordStore as _};

use super::{open, record, records, run};
use crate::child::{child, variable};

const FILE: &str = "CICADA_TEST_FILE";

/// Writes records from many tasks, and says which were acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run in a process of its own by other tests"]
async fn writes_until_it_is_killed() {
    let store = open(Path::new(&variable(FILE)));
    let epoch = Clock::system().now().micros();
    store.advance_planned(&run(), None, Slot(7)).await.ok();
    let checkpoint = async {
        for revision in 1.. {
            let body = vec![revision as u8; 5_000].into();
            let checkpoint = Checkpoint { revision, body };
            if store.put_checkpoint(&run(), &checkpoint).await.is_ok() {
                println!("checkpoint {revision}");
            }
        }
    };
    let writers = (0..16).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for sequence in 0.. {
                let bytes = if sequence % 10 == 0 { 60_000 } else { 1_000 };
                let record = record(epoch + writer, sequence, bytes);
                store.put_record(record).await.unwrap();
                println!("record {} {sequence}", epoch + writer);
            }
        })
    });
    tokio::join!(futures_util::future::join_all(writers), checkpoint);
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let mut acknowledged = BTreeSet::new();
    let mut checkpoint = 0;
    for round in 1..=3 {
        let mut writing = child("sqlite::crash::writes_until_it_is_killed");
        let mut writing = writing
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writing.stdout.take().unwrap()).lines();
        let mut count = 0;
        for line in lines {
            match parse(&line.unwrap()) {
                Some(Said::Record(writer, sequence)) => {
                    acknowledged.insert((writer, sequence));
                    count += 1;
                }
                Some(Said::Checkpoint(revision)) => checkpoint = checkpoint.max(revision),
                None => {}
            }
            if count == 150 * round {
                // SIGKILL; what it had said until then still comes through the pipe
                writing.kill().unwrap();
            }
        }
        writing.wait().unwrap();
        assert!(count >= 150 * round, "it ended by itself after {count}");

        let store = open(&file);
        let found = records(&store).await;
        for found in &found {
            let key = &found.key;
            assert_eq!(
                found.payload,
                record(key.writer, key.sequence, found.payload.len()).payload
            );
        }
        let found: BTreeSet<_> = found
            .iter()
            .map(|r| (r.key.writer, r.key.sequence))
            .collect();
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        let stored = store.checkpoint(&run()).await.unwrap().unwrap();
        assert!(stored.revision >= checkpoint);
        assert_eq!(store.planned_until(&run()).await.unwrap(), Some(Slot(7)));
    }
}

enum Said {
    Record(u64, u32),
    Checkpoint(u64),
}

/// The last line may be cut off.
fn parse(line: &str) -> Option<Said> {
    let words: Vec<&str> = line.split(' ').rev().take(3).collect();
    match words[..] {
        [sequence, writer, "record"] => {
            Some(Said::Record(writer.parse().ok()?, sequence.parse().ok()?))
        }
        [revision, "checkpoint", ..] => Some(Said::Checkpoint(revision.parse().ok()?)),
        _ => None,
    }
}
