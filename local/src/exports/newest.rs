//! The newest second of the CSV history: its lines are held back until the second is over, so that
//! the file has each second at most once, with the state at its end.

use statistics::reader::Snapshot;
use statistics::state::State;
use traffic::clock::Timestamp;
use traffic::run::RunId;

/// Lines of a second that may still be replaced.
#[derive(Debug, Default)]
pub(super) struct NewestSecond {
    held: Option<(u64, String)>,
    /// The source of the latest lines.
    source: Option<Source>,
}

/// The parts of a snapshot of which one must change for further lines once a run is over.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    run: RunId,
    is_stopped: bool,
    requests: u64,
    since: Timestamp,
}

impl NewestSecond {
    /// Holds the lines of a snapshot, unless it has nothing new, and returns the held lines of an earlier
    /// second.
    pub(super) fn take(
        &mut self,
        snapshot: &Snapshot,
        state: State,
        lines: impl FnOnce() -> String,
    ) -> String {
        let Some(source) = Source::of(snapshot, state) else {
            return String::new();
        };
        if source.is_stopped && self.source.as_ref() == Some(&source) {
            return String::new();
        }
        let second = snapshot.at.seconds() as u64;
        self.source = Some(source);
        match self.held.replace((second, lines())) {
            Some((before, finished)) if before != second => finished,
            _ => String::new(),
        }
    }

    /// The lines that are still held, at the end.
    pub(super) fn finish(&mut self) -> String {
        self.held.take().map_or(String::new(), |(_, lines)| lines)
    }
}

impl Source {
    fn of(snapshot: &Snapshot, state: State) -> Option<Self> {
        let run = snapshot.run.as_ref()?;
        Some(Self {
            run: run.plan.run().id.clone(),
            is_stopped: state == State::Stopped,
            requests: snapshot.stats.totals().num_requests,
            since: snapshot.stats.since(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use statistics::stats::Stats;
    use traffic::plan::Plan;
    use traffic::run::Run;
    use traffic::runs::LoadedRun;
    use traffic::workload::Workload;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

    fn snapshot(at: Duration) -> Snapshot {
        let workload = Workload::built_in(&|_| None).unwrap();
        let run = Run::new(
            RunId::new(START, 1),
            1,
            workload.version(),
            START,
            Vec::new(),
        );
        let plan = Plan::new(run, Vec::new());
        Snapshot {
            run: Some(Arc::new(LoadedRun {
                plan,
                workload: Arc::new(workload),
            })),
            stats: Arc::new(Stats::new(START)),
            ledger: Arc::default(),
            ledger_past: Arc::default(),
            parts: Arc::default(),
            part: None,
            is_settled: false,
            busy: 0,
            parts: Arc::default(),
            part: None,
            at: START + at,
        }
    }

    #[test]
    fn each_second_comes_once_with_its_last_state_and_the_end_is_said_once() {
        let mut newest = NewestSecond::default();
        let mut written = String::new();
        for (ms, state) in [
            (100, State::Running),
            (900, State::Running),
            (2_500, State::Running),
            (2_700, State::Stopped),
            (4_000, State::Stopped),
            (5_000, State::Stopped),
        ] {
            let snapshot = snapshot(Duration::from_millis(ms));
            written += &newest.take(&snapshot, state, || format!("{ms} "));
        }
        written += &newest.finish();
        assert_eq!(written, "900 2700 ");
    }
}
