//! What an estimate comes to: what is promised of spending little, and figures worked out by hand.

use std::sync::Arc;
use std::time::Duration;

use traffic::clock::Slot;
use traffic::record::BlockSize;
use traffic::run::Share;
use traffic::runs::LoadedRun;
use traffic::workload::Workload;

use super::*;

mod average;
mod bill;
mod calls;
mod lambda;
mod question;
mod stretch;

const ALWAYS: Schedule = Schedule {
    hours: Hours::ALWAYS,
    watch_hours: Hours::a_day(1.0),
};

const CLASSES: [&str; 6] = [
    "ChatModelAUser",
    "ChatModelBUser",
    "ModelAUser",
    "ModelBUser",
    "PassiveLoadUser",
    "TargetAppUser",
];

fn run(counts: &[(&str, u32)]) -> LoadedRun {
    run_over(Workload::built_in(&|_| None).unwrap(), counts)
}

fn run_over(workload: Workload, counts: &[(&str, u32)]) -> LoadedRun {
    let share = |&(class, fixed_count): &(&str, u32)| Share::new(class, 1, fixed_count);
    let users = counts.iter().map(|(_, count)| count).sum();
    let shares = counts.iter().map(share).collect();
    let block_size = BlockSize::default();
    run_of(Arc::new(workload), shares, users, block_size, None)
}

/// A class `Paced` that is due every so often, whatever else its one request does.
fn paced(wait: &str, timeout: &str) -> LoadedRun {
    let text = format!(
        "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n[class.Paced]\nwait = \"{wait}\"\n\
         timeout = \"{timeout}\"\ntask.look.request = \"GET /look\"\n"
    );
    let workload = Workload::parse(&text, "paced.toml", &|_| None).unwrap();
    run_over(workload, &[("Paced", 1)])
}

fn fixed(seconds: f64) -> Assumptions {
    Assumptions {
        response_times: ResponseTimes::fixed(seconds),
        ..Assumptions::default()
    }
}

/// Ten minutes of a run that begin a minute after its start.
fn ten_minutes(run: &LoadedRun, assumptions: &Assumptions) -> Calls {
    let from = run.plan.run().first_slot().plus(60);
    calls(run, from, from.plus(600), assumptions)
}

/// Calls with this purpose.
fn made_for(calls: &Calls, purpose: &str) -> u64 {
    let of_purpose = calls
        .calls
        .iter()
        .filter(|(call, _)| call.purpose == purpose);
    of_purpose.map(|(_, usage)| usage.calls).sum()
}

fn per_million(counts: &[(&str, u32)], assumptions: &Assumptions) -> f64 {
    let estimate = Estimate::of(&run(counts), ALWAYS, assumptions, &Prices::built_in());
    estimate.usd_per_million_iterations.unwrap()
}
