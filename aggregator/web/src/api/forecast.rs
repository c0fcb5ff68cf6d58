//! How late a run's iterations will be where fewer functions may run at once than it needs: said by the answer to a swarm,
//! and on the page for as long as the run is on.

use std::sync::Arc;

use control::TickFunctions;
use cost::lateness_of_run;
use parking_lot::Mutex;
use traffic::run::RunId;
use traffic::runs::LoadedRun;

/// The sentence on the run that was asked about last, in its newest revision.
#[derive(Clone, Default)]
pub(super) struct Forecast(Arc<Mutex<Option<Known>>>);

type Known = ((RunId, u64), Option<Arc<str>>);

impl Forecast {
    /// The sentence on a run that these functions execute; `None` if they suffice.
    pub(super) async fn lateness_of(
        &self,
        run: &Arc<LoadedRun>,
        functions: TickFunctions,
    ) -> Option<Arc<str>> {
        let key = (run.plan.run().id.clone(), run.plan.run().revision);
        let known = self.0.lock().clone();
        if let Some((_, late)) = known.filter(|(of, _)| *of == key) {
            return late;
        }
        let run = Arc::clone(run);
        // it plays some seconds of the run
        let played = tokio::task::spawn_blocking(move || {
            lateness_of_run(&run, functions.at_once, functions.ticks_per_message)
        });
        let late: Option<Arc<str>> = played.await.ok()?.map(Into::into);
        if let Some(late) = &late {
            tracing::warn!(run = %key.0, "{late}");
        }
        *self.0.lock() = Some((key, late.clone()));
        late
    }
}
