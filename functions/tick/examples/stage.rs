//! What the benchmark of start-up and size measures with: a run of a hundred users on a table that is
//! there already, and the event that has them send a request each. Prints the event.
//!
//! `CICADA_TABLE=... AWS_ENDPOINT_URL=... cargo run --example stage -- http://127.0.0.1:8000`

use anyhow::Context as _;
use aws::DynamoStore;
use aws::environment::{StoreSettings, Variables};
use serde_json::json;
use traffic::clock::Clock;
use traffic::ports::{RunStore as _, WakeUp};
use traffic::record::Block;
use traffic::run::{Run, RunId, Segment, Share};
use traffic::workload::Workload;

/// The number of users that send a request in the event's slot.
const USERS: u32 = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let host = std::env::args().nth(1).context("which target?")?;
    let settings = StoreSettings::read(&Variables::of_process())?;
    let clock = Clock::system();
    let config = aws::config::load().await;
    let store = DynamoStore::new(&config, settings.table, settings.retention, clock.clone());
    let source = format!(
        "[hosts.target]\nurl = \"{host}\"\n\
         [class.Visitor]\nhost = \"target\"\nwait = \"constant_pacing(1)\"\n\
         [[class.Visitor.task]]\nname = \"look\"\nrequest = \"GET /\"\n"
    );
    let workload = Workload::parse(&source, "stage", &|_| None)?;
    store.put_workload(workload.version(), &source).await?;
    let run = run(workload.version(), &clock);
    store.put_run(&run).await?;
    let wake_up = WakeUp {
        run: run.id.clone(),
        class: "Visitor".into(),
        block: Block(0),
        // the ramp is over by then
        slot: run.first_slot().plus(1),
    };
    let messages = aws::message::pack(vec![wake_up], 1);
    let records: Vec<_> = messages
        .iter()
        .map(|message| json!({ "messageId": "1", "body": message.body }))
        .collect();
    println!("{}", json!({ "Records": records }));
    Ok(())
}

fn run(workload: &str, clock: &Clock) -> Run {
    Run::new(
        RunId::new(clock.now(), 0),
        1,
        workload,
        clock.now(),
        vec![Segment::new(
            Run::change_at(clock),
            USERS,
            1000.0,
            vec![Share::new("Visitor", 1, 0)],
        )],
    )
}
