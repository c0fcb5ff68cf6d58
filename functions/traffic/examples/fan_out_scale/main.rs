//! What it takes to fan a minute out: messages, requests, CPU and memory, by the number of users.
//!
//! `cargo run --release -p traffic --example fan_out_scale -- [--users N] [--spawn-rate N]
//! [--block-size N] [--ticks-per-message N]`; without `--users` for a hundred to a million.
//! `docs/scale.md` goes by it.

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this measures a thread's CPU time, which it only knows to ask of Linux");
}

#[cfg(target_os = "linux")]
mod simulation;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use anyhow::Context as _;
    use simulation::{Parameters, plan_a_minute};
    use traffic::record::BlockSize;

    let mut users = vec![100, 1_000, 10_000, 100_000, 1_000_000];
    let mut spawn_rate = 100;
    let mut block_size = BlockSize::default();
    let mut ticks_per_message = 10;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value: u32 = arguments
            .next()
            .and_then(|value| value.parse().ok())
            .with_context(|| format!("{name} needs a number"))?;
        match name.as_str() {
            "--users" => users = vec![value],
            "--spawn-rate" => spawn_rate = value.max(1),
            "--block-size" => {
                block_size = BlockSize::new(value).context("--block-size is 1 to 100")?;
            }
            "--ticks-per-message" => ticks_per_message = value.max(1) as usize,
            _ => anyhow::bail!("unknown option {name}"),
        }
    }
    println!(
        "   users     ticks  iterations/tick  messages  in a second  requests   CPU ms  peak MB"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    for users in users {
        let figures = runtime.block_on(plan_a_minute(Parameters {
            users,
            spawn_rate,
            block_size,
            ticks_per_message,
        }))?;
        println!(
            "{users:>8}  {:>8}  {:>15.1}  {:>8}  {:>11}  {:>8}  {:>7.0}  {:>7.0}",
            figures.wake_ups,
            figures.iterations_per_tick,
            figures.messages,
            figures.messages_in_a_second,
            figures.requests,
            figures.cpu.as_secs_f64() * 1e3,
            peak_megabytes()?
        );
    }
    Ok(())
}

/// The most memory that this process ever had resident.
#[cfg(target_os = "linux")]
fn peak_megabytes() -> anyhow::Result<f64> {
    use anyhow::Context as _;

    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: f64 = kilobytes.context("no VmHWM")?.parse()?;
    Ok(kilobytes / 1024.0)
}
