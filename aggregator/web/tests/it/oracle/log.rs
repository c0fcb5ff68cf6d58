//! A request log with the questions that are asked about it.

use serde_json::{Value, json};
use traffic::random::Draws;

use crate::records::Request;

/// What happens, in order of time.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A request is completed.
    Request(Request),
    /// The statistics are reset at this instant.
    Reset(u64),
    /// What do the statistics say now, with names in a column of this width?
    Ask { now: u64, name_width: usize },
    /// What would Locust add to its history now?
    History(u64),
}

/// A log; times in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) title: String,
    pub(crate) start: u64,
    pub(crate) steps: Vec<Step>,
}

/// 2025-01-01, as good a start as any.
pub(crate) const START: u64 = 1_735_689_600_000_000;

impl Log {
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            start: START + 300_000,
            steps: Vec::new(),
        }
    }

    pub(crate) fn starting_at(mut self, start: u64) -> Self {
        self.start = start;
        self
    }

    /// A successful `GET` of `name`, completed `at_ms` after [`START`].
    pub(crate) fn get(self, at_ms: u64, name: &str, response_us: u64) -> Self {
        self.request(at_ms, "GET", name, response_us, None)
    }

    pub(crate) fn failed(self, at_ms: u64, name: &str, response_us: u64, error: &str) -> Self {
        self.request(at_ms, "GET", name, response_us, Some(error))
    }

    pub(crate) fn request(
        mut self,
        at_ms: u64,
        method: &str,
        name: &str,
        response_us: u64,
        error: Option<&str>,
    ) -> Self {
        self.steps.push(Step::Request(Request {
            at: START + at_ms * 1_000,
            method: method.to_owned(),
            name: name.to_owned(),
            response_us,
            content_length: response_us % 977,
            error: error.map(str::to_owned),
        }));
        self
    }

    pub(crate) fn reset(mut self, at_ms: u64) -> Self {
        self.steps.push(Step::Reset(START + at_ms * 1_000));
        self
    }

    pub(crate) fn ask(mut self, at_ms: u64) -> Self {
        self.steps.push(Step::Ask {
            now: START + at_ms * 1_000,
            name_width: 80,
        });
        self
    }

    /// Asks every `every_ms`, `count` times.
    pub(crate) fn ask_often(mut self, from_ms: u64, every_ms: u64, count: u64) -> Self {
        for number in 0..count {
            self = self.ask(from_ms + number * every_ms);
        }
        self
    }

    /// The log as a line for `tests/oracle/request_stats.py`.
    pub(crate) fn line(&self) -> String {
        let step = |step: &Step| -> Value {
            match step {
                Step::Request(it) => json!([
                    "request",
                    it.at,
                    it.method,
                    it.name,
                    it.response_us,
                    it.content_length,
                    it.error
                ]),
                Step::Reset(at) => json!(["reset", at]),
                Step::Ask { now, name_width } => json!(["ask", now, name_width]),
                Step::History(now) => json!(["history", now]),
            }
        };
        let steps: Vec<Value> = self.steps.iter().map(step).collect();
        json!({ "start": self.start, "steps": steps }).to_string()
    }
}

const NAMES: [&str; 14] = [
    "/health",
    "/orders",
    "GET /products/:id",
    "Agent Status (Model A)",
    "Repair Workflow (Model B)",
    "Größe",
    "注文",
    "🚀 launch",
    "",
    "with \"quotes\" and \\",
    "a\nline",
    "\u{1}control\u{7f}",
    "Aggregated",
    "a name that is longer than the column which Locust keeps for it, whatever the terminal's width",
];

const METHODS: [&str; 5] = ["GET", "POST", "", "WEBSOCKET-LIKE", "get"];

const ERRORS: [&str; 8] = [
    "HTTPError('500 Server Error')",
    "CatchResponseError('status 503, expected 200')",
    "CatchResponseError(",
    "timed out after 60 s",
    "",
    "ärger: 失敗 🚨",
    "<Reply object at 0x7f3a0c> closed by <Reply object at 0x7f3a0c>",
    "object at 0x7f3a0c without an end",
];

/// A random log; the same number gives the same log.
pub(crate) fn random(number: u64) -> Log {
    let mut draws = Draws::new(0x0c1c_ada0, "log", 0, number);
    let mut log = Log::new(&format!("random log {number}"));
    log.start = START + draws.below(3_000_000);
    let shape = Shape::new(&mut draws);
    let mut now = log.start;
    for _ in 0..shape.requests {
        now += shape.pause(&mut draws);
        let mut request = shape.request(now, &mut draws);
        if number.is_multiple_of(3) {
            // eighths of a millisecond: sums of them are exact, in whatever order
            request.response_us -= request.response_us % 125;
        }
        log.steps.push(Step::Request(request));
        if draws.chance(shape.asks) {
            let later = now + draws.below(1_500_000);
            log.steps.push(ask(later, &mut draws));
            now = later;
        }
        if draws.chance(shape.resets) {
            now += 1 + draws.below(2_000_000);
            log.steps.push(Step::Reset(now));
        }
    }
    for _ in 0..6 {
        now += draws.below(6_000_000);
        log.steps.push(ask(now, &mut draws));
    }
    log
}

fn ask(now: u64, draws: &mut Draws) -> Step {
    let name_width = [0, 4, 33, 80][draws.below(4) as usize];
    Step::Ask { now, name_width }
}

/// What the requests of one random log have in common.
struct Shape {
    requests: u64,
    names: u64,
    failures: f64,
    asks: f64,
    resets: f64,
    pauses: u64,
    slowness: u64,
}

impl Shape {
    fn new(draws: &mut Draws) -> Self {
        let of = |draws: &mut Draws, choices: &[f64]| {
            choices[draws.below(choices.len() as u64) as usize]
        };
        let most = [2, 20, 200, 600][draws.below(4) as usize];
        Self {
            requests: draws.below(most),
            names: 1 + draws.below(NAMES.len() as u64),
            failures: of(draws, &[0.0, 0.05, 0.5, 1.0]),
            asks: of(draws, &[0.0, 0.02, 0.06]),
            resets: of(draws, &[0.0, 0.0, 0.01, 0.05]),
            pauses: draws.below(5),
            slowness: draws.below(4),
        }
    }

    fn pause(&self, draws: &mut Draws) -> u64 {
        match self.pauses {
            // bursts with equal times
            0 if draws.chance(0.8) => 0,
            0 => draws.below(2_000_000),
            1 => draws.below(50_000),
            2 => draws.below(1_000_000),
            // whole seconds, to meet every boundary
            3 => 1_000_000 * draws.below(3) + [0, 1, 999_999][draws.below(3) as usize],
            // gaps that are longer than every window
            _ if draws.chance(0.1) => draws.below(40_000_000),
            _ => draws.below(200_000),
        }
    }

    fn request(&self, at: u64, draws: &mut Draws) -> Request {
        let error = draws.chance(self.failures);
        Request {
            at,
            method: pick(&METHODS, METHODS.len() as u64, draws),
            name: pick(&NAMES, self.names, draws),
            response_us: self.response(draws),
            content_length: draws.below(3) * draws.below(1 << 40),
            error: error.then(|| pick(&ERRORS, ERRORS.len() as u64, draws)),
        }
    }

    fn response(&self, draws: &mut Draws) -> u64 {
        match self.slowness {
            0 => draws.below(3_000),
            // halves, where rounding decides
            1 => {
                let (unit, most) = [(500, 200), (5_000, 200), (50_000, 200), (500_000, 300)]
                    [draws.below(4) as usize];
                (unit * draws.below(most) + draws.below(3)).saturating_sub(1)
            }
            // from a microsecond to some hours, evenly by magnitude
            2 => {
                let bits = draws.below(34);
                draws.below(1 << bits)
            }
            _ => 20_000 + draws.below(1_000) * draws.below(1_000),
        }
    }
}

fn pick(choices: &[&str], among: u64, draws: &mut Draws) -> String {
    choices[draws.below(among) as usize].to_owned()
}
