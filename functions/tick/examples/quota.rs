//! What `bench/quota.py` measures with: a run that is sent to the function, and what was recorded of it.
//!
//! `quota stage URL USERS TICKS MESSAGES SECONDS` prints the run and an event for every other second, whose users are due
//! within so many seconds of it; `quota read RUN` prints slot, response time, lateness and failure of each request.

use anyhow::Context as _;
use aws::DynamoStore;
use aws::environment::{StoreSettings, Variables};
use serde_json::json;
use traffic::clock::Clock;
use traffic::ports::{PlannedWakeUp, RecordStore as _, RunStore as _, WakeUp};
use traffic::record::wire::Decoded;
use traffic::record::{Block, BlockSize, Bucket, Shard};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::workload::Workload;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["stage", host, users, ticks, messages, seconds] => {
            let (users, ticks) = (users.parse()?, ticks.parse()?);
            stage(host, users, ticks, messages.parse()?, seconds.parse()?).await
        }
        ["read", run] => read(&RunId(run.into())).await,
        _ => anyhow::bail!("see the first lines of this example"),
    }
}

async fn store() -> anyhow::Result<DynamoStore> {
    let settings = StoreSettings::read(&Variables::of_process())?;
    let config = aws::config::load().await;
    let clock = Clock::system();
    Ok(DynamoStore::new(
        &config,
        settings.table,
        settings.retention,
        clock,
    ))
}

/// Writes a run down; prints it, and one message for every other second, so that an environment is free for each.
async fn stage(
    host: &str,
    users: u32,
    ticks: u32,
    messages: u64,
    seconds: f64,
) -> anyhow::Result<()> {
    let (store, clock) = (store().await?, Clock::system());
    let source = format!(
        "[hosts.target]\nurl = \"{host}\"\n\
         [class.Visitor]\nhost = \"target\"\nwait = \"constant_pacing(1)\"\n\
         [[class.Visitor.task]]\nname = \"look\"\nrequest = \"GET /\"\n"
    );
    let workload = Workload::parse(&source, "stage", &|_| None)?;
    store.put_workload(workload.version(), &source).await?;
    let shares = vec![Share::new("Visitor", 1, 0)];
    let rate = f64::from(users) / seconds;
    let segment = Segment::new(Run::change_at(&clock), users, rate, shares);
    let block_size = BlockSize::new(users.div_ceil(ticks)).context("a tick has 1 to 100 users")?;
    let run = Run {
        block_size,
        ..Run::new(
            RunId::new(clock.now(), 0),
            1,
            workload.version(),
            clock.now(),
            vec![segment],
        )
    };
    store.put_run(&run).await?;
    // the ramp is over by then, and the function has started
    let first = run.first_slot().plus(3);
    let events = (0..messages).map(|message| {
        let slot = first.plus(2 * message);
        let wake_ups = (0..run.block_size.blocks(users)).map(|block| PlannedWakeUp {
            wake_up: WakeUp {
                run: run.id.clone(),
                class: "Visitor".into(),
                block: Block(block),
                slot,
            },
            // all of them are to go into one message
            users: 1,
        });
        let records = aws::message::pack(wake_ups.collect(), 100);
        let records = records.iter();
        let records = records.map(|message| json!({ "messageId": "1", "body": message.body }));
        json!({ "second": slot.0, "event": { "Records": records.collect::<Vec<_>>() } })
    });
    let events: Vec<_> = events.collect();
    println!("{}", json!({ "run": run.id.0, "events": events }));
    Ok(())
}

/// Prints slot, response time and lateness in microseconds of each request of a run.
async fn read(id: &RunId) -> anyhow::Result<()> {
    let store = store().await?;
    let run = store.run(id).await?.context("there is no such run")?;
    let now = Bucket::of(Clock::system().now());
    let mut requests = Vec::new();
    for bucket in Bucket::of(run.created_at).0..=now.0 {
        let page = store
            .records(id, Shard::count(10), Bucket(bucket), None)
            .await?;
        for record in page.records {
            let decoded = Decoded::read(&record.payload, record.key.slot)?;
            for outcome in &decoded.outcomes {
                let failed = outcome.error.is_some();
                let slot = record.key.slot.0;
                requests.push(json!([
                    slot,
                    outcome.response_time_us,
                    outcome.lateness_us,
                    failed
                ]));
            }
        }
    }
    println!("{}", json!(requests));
    Ok(())
}
