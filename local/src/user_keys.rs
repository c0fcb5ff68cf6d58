//! The change that a key makes to the number of users, as Locust makes it: at 100 users a second, and not while users are
//! started or stopped.

use control::SwarmRequest;
use statistics::state::State;

use crate::engine::Engine;
use crate::keys::Key;

/// The users that a key starts or stops a second, as in Locust.
const SPAWN_RATE: f64 = 100.0;

/// Changes the users of the run, or starts a run where none is on; says in the log why not.
pub(crate) async fn press(engine: &Engine, key: Key) {
    if let Err(error) = change(engine, key).await {
        tracing::warn!("the number of users is not changed: {error:#}");
    }
}

async fn change(engine: &Engine, key: Key) -> anyhow::Result<()> {
    let run = engine.run().await?;
    let now = engine.clock.now();
    let state = engine.control.state(run.as_deref());
    let plan = run.as_deref().map(|run| run.plan.run());
    let on = plan.filter(|_| matches!(state, State::Running | State::Spawning));
    if let Some(shape) = on.and_then(|run| run.shape()) {
        anyhow::bail!("the shape {} says how many users there are", shape.name);
    }
    match (state, key) {
        (State::Spawning, Key::Add(_)) => {
            tracing::warn!("Already spawning users, can't spawn more right now");
            return Ok(());
        }
        (State::Spawning, Key::Remove(_)) => {
            tracing::warn!("Spawning users, can't stop right now");
            return Ok(());
        }
        (State::Stopping, _) => anyhow::bail!("the run is being stopped"),
        _ => {}
    }
    let segment = on.and_then(|run| run.segments.last());
    let users = segment.map_or(0, |segment| segment.user_count);
    let users = match key {
        Key::Add(more) => users.saturating_add(more),
        Key::Remove(fewer) => users.saturating_sub(fewer),
    };
    let left = segment.and_then(|segment| segment.until);
    let request = SwarmRequest {
        user_count: Some(users.into()),
        spawn_rate: Some(SPAWN_RATE),
        run_time: left.map(|until| until.since(now)),
        ..SwarmRequest::default()
    };
    engine.control.swarm(request).await?;
    Ok(())
}
