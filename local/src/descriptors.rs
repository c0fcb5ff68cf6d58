//! The shares of the files that the process may have open: for the API's connections, for the store and all
//! else that opens a file, and for the traffic.
//!
//! So a request for the statistics or for a stop is answered, whatever the traffic does.

use web::serve::Limits;

/// One file of this number is for a connection of the API; most are for the traffic.
const PER_CONNECTION: u64 = 4;

/// Files for all else: the store and its log, log files, exports, look-ups of names, the runtime.
const RESERVED: u64 = 64;

/// The number of files that the process may have open, if it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors(Option<u64>);

impl Descriptors {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self(limit)
    }

    pub(crate) fn api(self) -> Limits {
        let usual = Limits::default();
        let fair = self.0.map(|files| as_count(files / PER_CONNECTION));
        let connections = fair.unwrap_or(usual.connections);
        Limits {
            connections: connections.clamp(1, usual.connections),
            ..usual
        }
    }

    /// The number of connections that the traffic may have open at once. With stand-in targets, both ends of a
    /// connection are files of this process.
    pub(crate) fn traffic(self, has_targets: bool) -> Option<usize> {
        let files = self.0?;
        let others = self.api().connections as u64 + RESERVED;
        let left = files.saturating_sub(others).max(files / PER_CONNECTION);
        let connections = if has_targets { left / 2 } else { left };
        Some(as_count(connections).max(1))
    }
}

fn as_count(files: u64) -> usize {
    usize::try_from(files).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traffic_gets_what_the_api_and_the_store_leave() {
        for (files, api, traffic) in [
            (64, 16, 16),
            (256, 64, 128),
            (1_024, 256, 704),
            (20_000, 1_000, 18_936),
        ] {
            let descriptors = Descriptors::new(Some(files));
            assert_eq!(descriptors.api().connections, api, "{files}");
            assert_eq!(descriptors.traffic(false), Some(traffic), "{files}");
            assert_eq!(descriptors.traffic(true), Some(traffic / 2), "{files}");
        }
        assert_eq!(Descriptors::new(None).traffic(false), None);
        assert_eq!(Descriptors::new(None).api(), Limits::default());
    }
}
