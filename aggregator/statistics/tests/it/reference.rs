//! What reader and ledger should say, computed the long way: all records anew for every question.

use std::collections::BTreeMap;
use std::time::Duration;

use statistics::ledger::Account;
use statistics::stats::Stats;
use traffic::clock::{Slot, Timestamp};
use traffic::record::wire::Decoded;
use traffic::record::{BlockSize, Bucket, Fate, Record};
use traffic::run::Run;
use traffic::runs::LoadedRun;

/// From a bucket's end until nobody writes to it or reads from it any more.
const SEALED_AFTER: Duration = Duration::from_secs(60);

/// The statistics of these records.
pub(crate) fn stats(run: &Run, records: &[Record]) -> Stats {
    let mut stats = Stats::new(run.counts_from());
    for record in records {
        let decoded = Decoded::read(&record.payload, record.key.slot).unwrap();
        stats.fold(record.key.bucket, &decoded);
    }
    stats
}

/// The accounts of these records by class, without lateness.
pub(crate) fn accounts(
    run: &LoadedRun,
    records: &[Record],
    now: Timestamp,
) -> BTreeMap<String, Account> {
    let sealed = (0..).map(|number| Bucket(Bucket::of(now).0 - number));
    let sealed = sealed
        .map(Bucket::end)
        .find(|&end| end + SEALED_AFTER <= now)
        .unwrap();
    let plan = &run.plan;
    let ends = plan.run().end_slot().unwrap();
    let told = told(records);
    let mut accounts = BTreeMap::new();
    for (class, planned) in plan.classes().iter().enumerate() {
        let longest: Duration = run.workload.classes()[class].tasks()[0]
            .steps()
            .iter()
            .map(|step| step.timeout)
            .sum();
        let mut account = Account::default();
        for slot in (plan.run().first_slot().0..ends.0).map(Slot) {
            if plan.run().slots().end(slot) > now {
                break;
            }
            let given_up_at = plan.run().slots().end(slot) + longest + Duration::from_secs(35);
            let ticks = plan.ticks(slot).into_iter().filter(|tick| tick.0 == class);
            for (_, block) in ticks {
                for due in plan.due(class, block, slot) {
                    let key = (planned.name.to_string(), slot, due.user, due.ordinal);
                    let entries = told.get(&key).map_or(&[][..], Vec::as_slice);
                    count(&mut account, entries, given_up_at <= sealed);
                }
            }
        }
        accounts.insert(planned.name.to_string(), account);
    }
    accounts
}

/// All fates of each iteration: class, slot, user and ordinal.
fn told(records: &[Record]) -> BTreeMap<(String, Slot, u32, u32), Vec<Fate>> {
    let mut told: BTreeMap<_, Vec<Fate>> = BTreeMap::new();
    for Record { key, payload, .. } in records {
        for entry in Decoded::read(payload, key.slot).unwrap().iterations {
            let user = BlockSize::default().first_user(key.block) + u32::from(entry.user);
            let iteration = (key.class.to_string(), key.slot, user, entry.ordinal);
            told.entry(iteration).or_default().push(entry.fate);
        }
    }
    told
}

fn count(account: &mut Account, entries: &[Fate], is_given_up: bool) {
    account.planned += 1;
    let executed = entries
        .iter()
        .filter(|&&fate| fate != Fate::Skipped)
        .count() as u64;
    if executed > 0 {
        account.recorded += 1;
        account.cut_off += u64::from(!entries.contains(&Fate::Done));
        account.duplicates += executed - 1;
    } else if !entries.is_empty() {
        account.skipped += 1;
    } else if is_given_up {
        account.missing += 1;
    } else {
        account.pending += 1;
    }
}
