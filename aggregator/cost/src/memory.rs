//! The least memory of the tick function that its traffic needs.
//!
//! Lambda gives CPU by memory, and an environment executes one message after the other. So the demand is that of the
//! fullest message within its second, and half of an environment's CPU stays free: what is sent waits for nothing else.

use super::calls::Calls;

/// Memory for which Lambda gives one vCPU: docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html.
const VCPU_MB: f64 = 1_769.0;

/// The sizes to choose from, in MB.
const SIZES: [u32; 6] = [128, 256, 512, 1_024, 1_769, 3_538];

/// CPU time of a request by HTTPS on a connection that is kept, with its share of a record, in seconds: measured, see
/// docs/cost.md.
const PER_REQUEST: f64 = 83e-6;

/// CPU time of a tick's calls to AWS, in seconds: an assumption.
const PER_TICK: f64 = 2e-3;

/// The share of an environment's CPU that is used.
const USED: f64 = 0.5;

/// The least memory in MB for such calls, or the largest size if none suffices.
pub(super) fn needed(calls: &Calls) -> u32 {
    let requests = calls.message_requests as f64 * PER_REQUEST;
    let seconds = requests + calls.message_ticks as f64 * PER_TICK;
    let suffices = |memory: &&u32| seconds <= USED * f64::from(**memory) / VCPU_MB;
    let least = SIZES.iter().find(suffices);
    *least.unwrap_or(&SIZES[SIZES.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_the_fullest_message() {
        for (message_ticks, message_requests, memory) in [
            (0, 0, 128),
            (10, 150, 128),
            (10, 200, 256),
            (10, 600, 256),
            (10, 650, 512),
            (100, 0, 1_024),
            (100, 100_000, 3_538),
        ] {
            let calls = Calls {
                message_ticks,
                message_requests,
                ..Calls::default()
            };
            assert_eq!(needed(&calls), memory, "{calls:?}");
        }
    }
}
