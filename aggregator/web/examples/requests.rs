//! Times `/stats/requests` and `/metrics` with many rows, through the router, and prints one line of JSON.
//!
//! `requests [ROWS [ROUNDS]]`: a run of an hour has ROWS names (500 if not said), each with a spread of response
//! times. An answer is fresh when the statistics were put together for it, and shared when somebody had asked
//! less than 300 ms before. Beside them, in the same run: serde_json alone, writing the same body from a tree.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use control::{Control, ControlSettings, SwarmRequest};
use serde_json::Value;
use statistics::reader::Aggregation;
use statistics::stats::Limits;
use testing::{MemoryHeartbeat, MemoryQueue, MemoryStore};
use tower::ServiceExt as _;
use traffic::clock::{Clock, Slot};
use traffic::ports::{RecordStore as _, RunStore as _};
use traffic::random::Draws;
use traffic::record::wire::Contents;
use traffic::record::{Block, Bucket, Outcome, RecordKey, RequestName};
use traffic::workload::Workload;
use web::api::{Api, Door, Trouble, router};
use web::logs::LogBuffer;

const START: Slot = Slot(1_800_000_000);

/// Requests of each name.
const EACH: u64 = 200;

type Failure = Box<dyn Error>;

/// A whole Cicada without traffic, in paused time.
struct Scene {
    clock: Clock,
    store: Arc<MemoryStore>,
    router: Router,
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>());
    let rows: u64 = arguments.next().transpose()?.unwrap_or(500);
    let rounds: u64 = arguments.next().transpose()?.unwrap_or(200);
    let scene = scene().await?;
    record(&scene, rows).await?;
    let (mut fresh, mut shared, mut metrics) = (Vec::new(), Vec::new(), Vec::new());
    let mut body = Vec::new();
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_millis(400)).await;
        fresh.push(timed(&scene, "/stats/requests", &mut body).await?);
        shared.push(timed(&scene, "/stats/requests", &mut body).await?);
        let mut other = Vec::new();
        metrics.push(timed(&scene, "/metrics", &mut other).await?);
    }
    let tree: Value = serde_json::from_slice(&body)?;
    let mut written = Vec::new();
    for _ in 0..rounds {
        let began = now();
        std::hint::black_box(serde_json::to_vec(&tree)?);
        written.push(began.elapsed());
    }
    println!(
        "{{\"rows\": {rows}, \"bytes\": {}, \"fresh_ms\": {}, \"shared_ms\": {}, \"metrics_ms\": {}, \
         \"serde_json_ms\": {}}}",
        body.len(),
        spread(fresh),
        spread(shared),
        spread(metrics),
        spread(written),
    );
    Ok(())
}

/// The median and the 99th percentile.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |fraction: f64| {
        let index = ((times.len() as f64 * fraction) as usize).min(times.len() - 1);
        times[index].as_secs_f64() * 1e3
    };
    format!("[{:.3}, {:.3}]", at(0.5), at(0.99))
}

async fn timed(scene: &Scene, path: &str, body: &mut Vec<u8>) -> Result<Duration, Failure> {
    let request = Request::get(path).body(Body::empty())?;
    let began = now();
    let response = scene.router.clone().oneshot(request).await?;
    let read = to_bytes(response.into_body(), usize::MAX).await?;
    let took = began.elapsed();
    *body = read.into();
    Ok(took)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokio's time is paused and cannot tell"
)]
fn now() -> Instant {
    Instant::now()
}

async fn scene() -> Result<Scene, Failure> {
    let clock = Clock::following_tokio(START.full_second());
    let store = Arc::<MemoryStore>::default();
    let (queue, heartbeat) = <(Arc<MemoryQueue>, Arc<MemoryHeartbeat>)>::default();
    let deployment = Arc::new(testing::deployment(&store, &queue, &heartbeat, &clock));
    let runs = Arc::clone(&deployment.runs);
    let workload = Arc::new(Workload::built_in(&|_| None)?);
    let control = Arc::new(Control::new(ControlSettings::new(workload), deployment)?);
    let asked = SwarmRequest {
        user_count: Some(60),
        spawn_rate: Some(60.0),
        ..SwarmRequest::default()
    };
    control.swarm(asked).await?;
    let limits = Limits::default();
    let aggregation = Aggregation::new(Arc::clone(&store), runs, clock.clone(), limits);
    let router = router(Api {
        control,
        aggregation: Arc::new(aggregation),
        logs: LogBuffer::default(),
        trouble: Trouble::default(),
        door: Door::default(),
    });
    Ok(Scene {
        clock,
        store,
        router,
    })
}

/// Makes every row have its requests, all of them a minute ago but for some of the last seconds.
async fn record(scene: &Scene, rows: u64) -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut draws = Draws::new(1, "requests", 0, 0);
    outcomes(scene, rows, EACH, &mut draws).await?;
    tokio::time::sleep(Duration::from_secs(90)).await;
    outcomes(scene, rows, 2, &mut draws).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    Ok(())
}

async fn outcomes(scene: &Scene, rows: u64, each: u64, draws: &mut Draws) -> Result<(), Failure> {
    let run = scene.store.latest_run().await?.ok_or("there is no run")?;
    let at = scene.clock.now();
    for row in 0..rows {
        let request = Arc::new(RequestName {
            method: "GET".into(),
            name: format!("/shop/{row:04}/products/:id").into(),
        });
        let outcome = |number: u64| Outcome {
            request: Arc::clone(&request),
            completed_at: at,
            response_time: Duration::from_micros(5_000 + draws.below(2_000_000)),
            content_length: 1_000,
            trace: None,
            error: number
                .is_multiple_of(20)
                .then(|| format!("status {}", 500 + row % 4).into()),
            lateness: None,
            cold: false,
        };
        let mut contents = Contents {
            outcomes: (0..each).map(outcome).collect(),
            ..Contents::default()
        };
        let key = RecordKey {
            run: run.id.clone(),
            bucket: Bucket::of(at),
            class: "TargetAppUser".into(),
            block: Block(0),
            slot: at.full_second(),
            writer: row,
            sequence: 0,
        };
        scene.store.put_record(contents.record(key)).await?;
    }
    Ok(())
}
