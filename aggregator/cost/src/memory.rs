//! The least memory of the tick function with which it does not measure itself.
//!
//! Lambda gives CPU by memory, and an environment executes one message after the other: so what a message has due in its
//! second decides. How much response times then have of the function's own is measured, and stands in a dated file.

use serde::Deserialize;

use super::calls::Calls;

/// What `bench/quota.py` has measured.
const MEASURED: &str = include_str!("tick-memory-2026-11.toml");

/// The most that a response time may have of the tick's own at p95, in milliseconds.
pub(super) const OWN_SHARE: f64 = 2.0;

/// The sizes that were measured, smallest first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sizes {
    date: String,
    /// The ticks of a measured message.
    ticks: u64,
    /// Requests that take as much of the processor as one tick's calls to AWS.
    requests_of_a_tick: u64,
    /// Requests of a message, all in one second and evenly over it.
    requests: Vec<u64>,
    sizes: Vec<Size>,
}

/// One size: the function's own share of a response time for each of the numbers of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    memory_mb: u32,
    own_share_p95_ms: Vec<f64>,
}

impl Sizes {
    /// The sizes that ship in the binary.
    pub(super) fn built_in() -> Self {
        toml::from_str(MEASURED).expect("the built-in measurements are right")
    }

    /// The least memory in MB that suffices for such calls, or the largest if none does.
    pub(super) fn needed(&self, calls: &Calls) -> u32 {
        let memories = self.sizes.iter().map(|size| size.memory_mb);
        let mut sufficing = memories
            .clone()
            .filter(|&memory| self.own_share_ms(memory, calls) < OWN_SHARE);
        sufficing.next().or(memories.max()).unwrap_or_default()
    }

    /// The function's own share of a response time at p95 with this memory in milliseconds, for the fullest message of such
    /// calls.
    pub(super) fn own_share_ms(&self, memory_mb: u32, calls: &Calls) -> f64 {
        let more_ticks = calls.message_ticks.saturating_sub(self.ticks);
        let load = calls.message_requests + more_ticks * self.requests_of_a_tick;
        // a size that was not measured is no better than the next smaller one
        let sizes = self.sizes.iter().filter(|size| size.memory_mb <= memory_mb);
        self.own_share_of(sizes.count().max(1), load as f64)
    }

    /// The same with the largest of the first `count` sizes. A load between two that were measured has what lies on the line
    /// between them; one beyond has what a smaller size has that uses as much of its CPU.
    fn own_share_of(&self, count: usize, load: f64) -> f64 {
        let size = &self.sizes[count - 1];
        let points = (self.requests.iter()).map(|requests| *requests as f64);
        let points: Vec<(f64, f64)> = points.zip(size.own_share_p95_ms.iter().copied()).collect();
        let line = points.windows(2).find(|line| load <= line[1].0);
        let (least, most) = (points[0], points[points.len() - 1]);
        if load <= least.0 {
            return least.1;
        }
        if let Some(line) = line {
            let ((from, low), (until, high)) = (line[0], line[1]);
            return low + (load - from) / (until - from) * (high - low);
        }
        match count.checked_sub(2) {
            Some(smaller) => {
                let less = f64::from(self.sizes[smaller].memory_mb) / f64::from(size.memory_mb);
                self.own_share_of(count - 1, load * less).max(most.1)
            }
            None => most.1 * load / most.0,
        }
    }

    /// What is to be said where this memory is too little.
    pub(super) fn starved(&self, memory_mb: u32, calls: &Calls) -> Option<String> {
        let own = self.own_share_ms(memory_mb, calls);
        if own < OWN_SHARE {
            return None;
        }
        let needed = self.needed(calls);
        let remedy = if self.own_share_ms(needed, calls) < OWN_SHARE {
            format!("{needed} MB are enough")
        } else {
            "no memory is enough: take fewer --ticks-per-message".into()
        };
        Some(format!(
            "too little memory by what was measured in {}: with {memory_mb} MB and {} requests in a message's second, a response time has {own:.0} ms of \
             the tick's own at p95; {remedy}",
            self.date, calls.message_requests
        ))
    }
}

#[cfg(test)]
mod tests {
    use traffic::requests_at_once::users_per_message;

    use super::*;

    fn calls(message_ticks: u64, message_requests: u64) -> Calls {
        Calls {
            message_ticks,
            message_requests,
            ..Calls::default()
        }
    }

    fn sizes() -> Sizes {
        toml::from_str(
            "date = \"2026-11\"\nticks = 10\nrequests_of_a_tick = 40\nrequests = [100, 300, 1000]\n\
             [[sizes]]\nmemory_mb = 128\nown_share_p95_ms = [1.0, 3.0, 80.0]\n\
             [[sizes]]\nmemory_mb = 512\nown_share_p95_ms = [0.5, 1.0, 8.0]\n",
        )
        .unwrap()
    }

    #[test]
    fn memory_follows_the_fullest_message() {
        let sizes = sizes();
        for (ticks, requests, memory) in [
            (0, 0, 128),
            (10, 199, 128),
            (10, 200, 512),
            (10, 399, 512),
            // ticks beyond those that were measured count as requests
            (12, 119, 128),
            (12, 120, 512),
            // none suffices: the largest
            (10, 10_000, 512),
        ] {
            assert_eq!(
                sizes.needed(&calls(ticks, requests)),
                memory,
                "{ticks} {requests}"
            );
        }
    }

    #[test]
    fn what_was_not_measured_lies_on_the_line_between_what_was() {
        let sizes = sizes();
        for (memory, requests, own) in [
            (128, 1, 1.0),
            (128, 100, 1.0),
            (128, 150, 1.5),
            (128, 1_000, 80.0),
            (128, 2_000, 160.0),
            // as 500 with a fourth of the CPU
            (512, 2_000, 25.0),
            (300, 150, 1.5),
            (512, 650, 4.5),
            (4_096, 650, 4.5),
        ] {
            let said = sizes.own_share_ms(memory, &calls(10, requests));
            assert!((said - own).abs() < 1e-9, "{memory} {requests}: {said}");
        }
    }

    #[test]
    fn too_little_memory_is_said_with_what_is_enough() {
        let sizes = sizes();
        assert_eq!(sizes.starved(512, &calls(10, 300)), None);
        let said = sizes.starved(128, &calls(10, 300)).unwrap();
        assert!(
            said.contains("3 ms of the tick's own at p95; 512 MB are enough"),
            "{said}"
        );
        let said = sizes.starved(128, &calls(10, 1_000)).unwrap();
        assert!(
            said.contains("no memory is enough: take fewer --ticks-per-message"),
            "{said}"
        );
    }

    #[test]
    fn the_usual_message_needs_the_least_memory_and_long_ones_more() {
        let sizes = Sizes::built_in();
        for (ticks, memory) in [(10, 128), (18, 256), (31, 512), (53, 1_024), (100, 1_769)] {
            let full = calls(ticks, users_per_message(ticks as usize) as u64);
            assert_eq!(sizes.needed(&full), memory, "{ticks} ticks");
        }
    }

    #[test]
    fn what_was_measured_grows_with_the_requests_and_falls_with_the_memory() {
        let sizes = Sizes::built_in();
        assert!(sizes.sizes.is_sorted_by_key(|size| size.memory_mb));
        for size in &sizes.sizes {
            assert_eq!(size.own_share_p95_ms.len(), sizes.requests.len());
        }
        let shares = [100, 300, 1_000].map(|requests| {
            let of = |size: &Size| sizes.own_share_ms(size.memory_mb, &calls(10, requests));
            sizes.sizes.iter().map(of).collect::<Vec<_>>()
        });
        // some tenths of a millisecond are the measurement's own
        assert!(
            shares[0]
                .iter()
                .zip(&shares[2])
                .all(|(few, many)| *few <= many + 0.3)
        );
        for shares in shares {
            assert!(shares[0] + 0.3 >= shares[shares.len() - 1], "{shares:?}");
        }
    }
}
