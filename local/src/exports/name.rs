//! The name of the report: Locust's placeholders for users, spawn rate and run time.

use std::path::PathBuf;
use std::time::Duration;

use statistics::reader::Snapshot;
use traffic::run::Segment;

/// A name with `{u}`, `{r}` and `{t}` in it.
#[derive(Clone, Debug)]
pub(super) struct HtmlName {
    name: String,
    /// In seconds; `None` if the command line has none.
    run_time: Option<u64>,
}

impl HtmlName {
    /// The name and the run time of the command line.
    pub(super) fn new(name: &str, run_time: Option<Duration>) -> Self {
        Self {
            name: name.to_owned(),
            run_time: run_time.map(|time| time.as_secs()),
        }
    }

    /// The name for the run of a snapshot; a placeholder without a value stays in it.
    pub(super) fn of(&self, snapshot: Option<&Snapshot>) -> PathBuf {
        let run = snapshot.and_then(|snapshot| snapshot.run.as_ref());
        let last = run.and_then(|run| run.plan.run().segments.last());
        self.with(last).into()
    }

    fn with(&self, last: Option<&Segment>) -> String {
        let until = last.and_then(|last| Some(last.until?.since(last.from).as_secs()));
        let values = [
            ("{u}", last.map(|last| last.user_count.to_string())),
            // a whole number has no point in it, as in Locust
            ("{r}", last.map(|last| last.spawn_rate.to_string())),
            ("{t}", self.run_time.or(until).map(|time| time.to_string())),
        ];
        let mut name = self.name.clone();
        for (term, value) in values {
            if let Some(value) = value {
                name = name.replace(term, &value);
            }
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use traffic::clock::Slot;

    use super::*;

    fn segment(spawn_rate: f64, until: Option<u64>) -> Segment {
        Segment {
            until: until.map(|until| Slot(until).full_second()),
            ..Segment::new(Slot(100).full_second(), 60, spawn_rate, Vec::new())
        }
    }

    #[test]
    fn placeholders_are_what_the_run_was_asked_for() {
        let name = |run_time: Option<u64>, last: Option<Segment>| {
            let run_time = run_time.map(Duration::from_secs);
            HtmlName::new("r_{u}_{r}_{t}_{u}.html", run_time).with(last.as_ref())
        };
        assert_eq!(name(None, None), "r_{u}_{r}_{t}_{u}.html");
        assert_eq!(
            name(Some(90), Some(segment(6.0, None))),
            "r_60_6_90_60.html"
        );
        assert_eq!(
            name(None, Some(segment(0.5, Some(130)))),
            "r_60_0.5_30_60.html"
        );
        assert_eq!(name(None, Some(segment(6.0, None))), "r_60_6_{t}_60.html");
    }
}
