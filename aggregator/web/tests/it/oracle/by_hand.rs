//! Logs for what random ones would rarely meet.

use super::log::{Log, START};

pub(crate) fn logs() -> Vec<Log> {
    let mut logs = vec![
        Log::new("no request").ask_often(300, 1_000, 25),
        Log::new("no request, then a reset")
            .ask(5_000)
            .reset(7_000)
            .ask_often(7_000, 999, 25),
        Log::new("one request")
            .get(900, "/", 12_345)
            .ask_often(900, 777, 30),
        Log::new("one request that takes no time")
            .get(900, "/", 0)
            .ask(950),
        Log::new("one failure")
            .failed(900, "/", 12_345, "no")
            .ask_often(900, 777, 30),
        Log::new("only failures")
            .failed(1_000, "/", 1_000, "no")
            .failed(2_000, "/", 2_000, "no")
            .failed(15_000, "/a", 3_000, "never")
            .ask_often(15_000, 3_000, 8),
        Log::new("the first request at the very start")
            .starting_at(START)
            .get(0, "/", 5_000)
            .ask(0)
            .get(1_000, "/", 7_000)
            .ask_often(1_000, 1_000, 20),
        Log::new("the same error on several rows, and several errors on one")
            .failed(1_000, "/b", 1_000, "no")
            .failed(1_100, "/a", 1_000, "no")
            .failed(1_200, "/a", 1_000, "never")
            .request(1_300, "POST", "/a", 1_000, Some("no"))
            .failed(1_400, "/b", 1_000, "no")
            .failed(9_000, "/a", 1_000, "no")
            .ask(9_100),
        Log::new("one name with several methods, one method with several names")
            .request(1_000, "POST", "/a", 1_000, None)
            .request(1_000, "GET", "/a", 2_000, None)
            .request(1_000, "", "/a", 3_000, None)
            .request(1_000, "GET", "/A", 4_000, None)
            .ask(2_000),
        Log::new("one fast and many very slow requests")
            .get(1_000, "/", 1)
            .get(2_000, "/", 90_000_000)
            .get(3_000, "/", 130_499_999)
            .get(3_000, "/", 130_500_000)
            .get(3_000, "/", 131_500_001)
            .get(4_000, "/", 86_400_000_000)
            .get(5_000, "/b", 31_536_000_000_500)
            .ask_often(5_000, 1_000, 15),
        Log::new("a reset with rows that stay, some of which come again")
            .get(1_000, "/gone", 1_000)
            .failed(1_500, "/again", 2_000, "no")
            .ask(2_000)
            .reset(2_500)
            .ask_often(2_500, 500, 4)
            .get(4_600, "/again", 3_000)
            .ask_often(4_700, 1_000, 20)
            .reset(30_000)
            .ask(60_000),
    ];
    logs.extend([
        ties(),
        medians(),
        gaps(),
        boundaries(),
        equal_times(),
        rates(),
    ]);
    logs.extend([many_names(), many_errors(), one_per_second()]);
    logs
}

fn ties() -> Log {
    let mut log = Log::new("response times on the borders of rounding");
    let borders = [
        500, 1_500, 2_500, 98_500, 99_499, 99_500, 99_501, 99_999, 100_000, 104_999, 105_000,
        105_001, 115_000, 125_000, 994_999, 995_000, 999_999, 1_000_000, 1_049_999, 1_050_000,
        1_050_001, 1_150_000, 9_949_999, 9_950_000, 9_999_999, 10_000_000, 10_499_999, 10_500_000,
        10_500_001, 11_500_000, 12_500_000,
    ];
    for (number, border) in borders.into_iter().enumerate() {
        // a row of its own, so that minimum, maximum and median show it
        let name = format!("/{border}");
        log = log
            .get(1_000 + number as u64, &name, border)
            .get(1_500, "/all", border);
    }
    log.ask(2_000)
}

fn medians() -> Log {
    Log::new("medians outside minimum and maximum")
        .get(1_000, "/below", 147_000)
        .get(1_000, "/above", 144_000)
        .get(1_000, "/inside", 100_000)
        .get(1_000, "/inside", 147_000)
        .get(1_000, "/inside", 200_000)
        .get(1_000, "/zero", 400)
        .ask(1_000)
}

fn gaps() -> Log {
    let mut log = Log::new("gaps longer than every window");
    for at in [
        1_000, 1_500, 22_000, 22_100, 41_000, 42_000, 59_000, 78_999, 97_000,
    ] {
        log = log.get(at, "/", at).ask_often(at, 333, 3);
    }
    log.ask_often(97_000, 999, 30)
}

fn boundaries() -> Log {
    let mut log = Log::new("seconds to the microsecond").starting_at(START + 999_999);
    for second in 1..30 {
        log = log
            .get(second * 1_000, "/start", second * 10_000)
            .get(second * 1_000 + 999, "/end", second * 20_000)
            .ask(second * 1_000 + 999);
    }
    log.ask_often(30_000, 1_000, 20)
}

fn equal_times() -> Log {
    let mut log = Log::new("everything at once");
    for number in 0..50 {
        let error = (number % 7 == 0).then_some("no");
        let name = format!("/{}", number % 3);
        log = log.request(5_000, "GET", &name, number * 1_000, error);
    }
    log.ask_often(5_000, 1_000, 20)
}

fn rates() -> Log {
    let mut log = Log::new("rates that rise and fall");
    for second in 1..60 {
        let count = if second < 30 { second } else { 60 - second };
        for number in 0..count {
            let at = second * 1_000 + number * 1_000 / count;
            let error = (number % 5 == 0).then_some("no");
            let name = format!("/{}", number % 4);
            log = log.request(at, "GET", &name, at % 700 * 1_000, error);
        }
        log = log.ask(second * 1_000 + 999);
    }
    log.ask_often(60_000, 1_000, 20)
}

fn many_names() -> Log {
    let mut log = Log::new("more names than a page shows");
    for number in 0..700 {
        let name = format!("/name/{}", number * 7_919 % 1_000);
        log = log.get(1_000 + number, &name, number * 1_000);
    }
    log.ask(2_000)
}

fn many_errors() -> Log {
    let mut log = Log::new("more errors than a page shows");
    for number in 0..700 {
        let error = format!("error {}", number * 7_919 % 1_000);
        log = log.failed(1_000 + number, "/", 1_000, &error);
    }
    log.ask(2_000)
}

fn one_per_second() -> Log {
    let mut log = Log::new("a request every second, asked all the time");
    for second in 1..45 {
        log = log
            .get(second * 1_000 + 500, "/", second * 1_000)
            .ask_often(second * 1_000 + 600, 200, 2);
    }
    log
}
