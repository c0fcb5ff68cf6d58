//! A run that was begun under other limits: it goes on only if it obeys the limits of this process.

use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::Segment;
use traffic::runs::LoadedRun;

use super::{Control, Refusal};
use crate::desired_run::{Context, allowed};
use crate::request::InvalidField;
use crate::said_host;
use crate::settings::known_class;

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// Ends the newest run at once if it is on and a swarm could not ask for it now: for its number of users, its
    /// spawn rate, a host that is not allowed, or a password that this process lacks. True if the run was ended.
    pub async fn end_what_does_not_fit(&self) -> Result<bool, Refusal> {
        let Some(run) = self.run().await? else {
            return Ok(false);
        };
        if run.plan.run().is_over(self.now()) {
            return Ok(false);
        }
        let Err(InvalidField { field, problem }) = self.fits_now(&run) else {
            return Ok(false);
        };
        let id = run.plan.run().id.clone();
        let _turn = self.turn.lock().await;
        let change = self.begin_change();
        let ended = self.update(|run, now| {
            let is_on = run.id == id && !run.is_over(now);
            if is_on {
                run.stopped_at = Some(change.from().max(run.starts()));
            }
            is_on
        });
        ended.await?;
        drop(change);
        tracing::error!(
            run = %id,
            reason = format!("{field} {problem}"),
            "the run that was on does not go on: it does not obey the limits of now"
        );
        Ok(true)
    }

    /// Refuses a run if a swarm could not ask now for its segment that is on, or for a later one.
    fn fits_now(&self, run: &LoadedRun) -> Result<(), InvalidField> {
        let segments = &run.plan.run().segments;
        let now = self.now();
        let begun = segments.partition_point(|segment| segment.from <= now);
        for segment in &segments[begun.saturating_sub(1)..] {
            self.segment_fits(segment, run)?;
        }
        Ok(())
    }

    fn segment_fits(&self, segment: &Segment, run: &LoadedRun) -> Result<(), InvalidField> {
        let limits = &self.settings.limits;
        if segment.user_count > limits.max_users {
            let problem = format!(
                "is {}, above the limit of {} users",
                segment.user_count, limits.max_users
            );
            return Err(InvalidField::new("user_count", problem));
        }
        // a curve is steeper than the ramp to its first point
        let shape = segment.shape.as_ref();
        let curve = shape.filter(|shape| shape.daily.is_some());
        let curve = curve.and_then(|shape| run.workload.shape(&shape.name));
        let fastest = curve.map_or(0.0, |shape| shape.fastest());
        let spawn_rate = segment.spawn_rate.max(fastest);
        if spawn_rate > limits.max_spawn_rate {
            let most = limits.max_spawn_rate;
            let problem = format!("is {spawn_rate}, above the limit of {most} users a second");
            return Err(InvalidField::new("spawn_rate", problem));
        }
        for share in &segment.shares {
            known_class(&run.workload, "user_classes", &share.class)?;
        }
        said_host::knows_all(self.settings.keyring.as_ref(), segment)?;
        let context = Context::of(&self.settings, &run.workload, None);
        allowed(&segment.shares, &segment.hosts, &context)
    }
}
