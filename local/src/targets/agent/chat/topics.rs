//! The topics that the agent can talk about, each with the words that call for it.
//!
//! A table: the first topic of which a prompt has a word is the one, so the narrower stand first.

use std::time::Duration;

use super::super::super::chaos::Weather;
use super::super::super::route::Model;
use super::super::super::shop::catalogue::CATALOGUE;
use super::super::repair::TOOLS;
use super::Facts;

/// Something to talk about.
pub(super) struct Topic {
    pub(super) kind: &'static str,
    /// Beginnings of words, each after a space; with a space behind it, a whole word.
    pub(super) words: &'static [&'static str],
    /// The tools that it takes to answer.
    pub(super) tools: &'static [&'static str],
    pub(super) say: fn(&Facts) -> String,
}

pub(super) const TOPICS: [Topic; 23] = [
    Topic {
        kind: "disk",
        words: &[" disk", " storage"],
        tools: &["system_health"],
        say: |_| {
            "The host's disk has 41 GB of 80 GB left. The model files take 14 GB of it and \
             container images 6 GB; logs are rotated at 100 MB."
                .to_owned()
        },
    },
    Topic {
        kind: "resources",
        words: &[" cpu", " memory", " resource", " load "],
        tools: &["docker_inspect"],
        say: resources,
    },
    Topic {
        kind: "diagnosis_run",
        words: &[
            " run a diagnosis",
            " diagnose the ",
            " diagnose why",
            " diagnose target",
        ],
        tools: &["system_health", "docker_ps", "docker_logs"],
        say: diagnosis,
    },
    Topic {
        kind: "containers",
        words: &[" container", " docker"],
        tools: &["docker_ps"],
        say: containers,
    },
    Topic {
        kind: "logs",
        words: &[" log ", " logs "],
        tools: &["docker_logs"],
        say: logs,
    },
    Topic {
        kind: "chaos",
        words: &[" chaos"],
        tools: &[],
        say: |_| {
            "The chaos engine breaks things on purpose: it stops containers, slows answers down \
             and returns errors, so that I have something to detect and repair."
                .to_owned()
        },
    },
    Topic {
        kind: "tools",
        words: &[" tool"],
        tools: &[],
        say: tools,
    },
    Topic {
        kind: "repair",
        words: &[" repair", " restart", " fix", " heal ", " recover"],
        tools: &["system_health"],
        say: repairs,
    },
    Topic {
        kind: "diagnosis",
        words: &[
            " diagnos",
            " failure",
            " troubleshoot",
            " root cause",
            " incident",
        ],
        tools: &[],
        say: |_| {
            "I start with the health checks, then list the containers and read the last log lines \
             of those that look wrong. From that I name a likely cause, restart or reconfigure what \
             is broken, and probe it again until it answers. If it stays broken I say so."
                .to_owned()
        },
    },
    Topic {
        kind: "latency",
        words: &[" latenc", " response time", " slow", " network", " ping "],
        tools: &["http_probe"],
        say: latency,
    },
    Topic {
        kind: "errors",
        words: &[" error", " exception", " alert"],
        tools: &["docker_logs", "system_health"],
        say: errors,
    },
    Topic {
        kind: "orders",
        words: &[" order", " product", " sales ", " revenue"],
        tools: &["http_probe"],
        say: orders,
    },
    Topic {
        kind: "models",
        words: &[" model", " llm", " mistral", " ollama"],
        tools: &[],
        say: models,
    },
    Topic {
        kind: "metrics",
        words: &[
            " metric",
            " monitor",
            " telemetry",
            " observab",
            " new relic",
            " trace",
            " tracing",
        ],
        tools: &[],
        say: |_| {
            "I count requests, successes, tokens and time for each model. GET /metrics has the \
             figures, as JSON or for Prometheus; traces show each step of a repair."
                .to_owned()
        },
    },
    Topic {
        kind: "target_app",
        words: &[" target app", " application", " target "],
        tools: &["http_probe"],
        say: target_app,
    },
    Topic {
        kind: "status",
        words: &[
            " status",
            " health",
            " uptime",
            " running",
            " state ",
            " services",
        ],
        tools: &["system_health"],
        say: status,
    },
    Topic {
        kind: "identity",
        words: &[
            " what you do",
            " who are you",
            " what are you",
            " about yourself",
            " how do you work",
            " your name",
        ],
        tools: &[],
        say: |facts| {
            format!(
                "I am an operations agent running on {}. I watch a small shop, the target \
                 application: when it breaks I find out why, repair it, and report what I did.",
                facts.model.full_name()
            )
        },
    },
    Topic {
        kind: "help",
        words: &[" help ", " can you do", " capabilit", " what can you"],
        tools: &[],
        say: |_| {
            "You can ask me for the system's status, which containers are running, what the logs \
             say, or why something failed. I can also repair the target application for you."
                .to_owned()
        },
    },
    Topic {
        kind: "joke",
        words: &[" joke", " funny"],
        tools: &[],
        say: |_| {
            "A container walks into a bar. The bartender says: \"Sorry, we are out of memory.\" \
             The container exits with 137."
                .to_owned()
        },
    },
    Topic {
        kind: "time",
        words: &[" what time", " date ", " what day"],
        tools: &[],
        say: |facts| {
            format!(
                "I keep no calendar, but I have been up for {}. Each of my answers carries a \
                 timestamp.",
                span(facts.uptime)
            )
        },
    },
    Topic {
        kind: "thanks",
        words: &[" thank", " great ", " good job"],
        tools: &[],
        say: |_| "You are welcome. I will keep an eye on things.".to_owned(),
    },
    Topic {
        kind: "goodbye",
        words: &[" bye ", " goodbye", " see you"],
        tools: &[],
        say: |_| "Goodbye. The target application stays under watch.".to_owned(),
    },
    Topic {
        kind: "greeting",
        words: &[
            " hello",
            " hi ",
            " hey ",
            " good morning",
            " good evening",
            " how are you",
            " greetings",
        ],
        tools: &[],
        say: |facts| {
            format!(
                "Hello! I am the operations agent. Just now {}. What would you like to know?",
                facts.weather.says()
            )
        },
    },
];

fn containers(facts: &Facts) -> String {
    let up = span(facts.uptime);
    let list = [
        ("aim-target-app", "target-app:latest"),
        ("aim-ai-agent", "ai-agent:latest"),
        ("aim-flask-ui", "flask-ui:latest"),
        ("aim-chaos-engine", "chaos-engine:latest"),
        ("aim-ollama-model-a", "ollama/ollama"),
        ("aim-ollama-model-b", "ollama/ollama"),
    ];
    let lines: Vec<String> = list
        .iter()
        .map(|(name, image)| format!("- {name} ({image}): up {up}"))
        .collect();
    format!(
        "{} containers are running, and none has been restarted in the last hour:\n{}",
        list.len(),
        lines.join("\n")
    )
}

fn logs(facts: &Facts) -> String {
    let found = match facts.weather {
        Weather::SlowDatabase => "several warnings about slow queries on the orders table",
        Weather::AppErrors => "repeated lines \"ERROR request failed: connection pool exhausted\"",
        _ => "only access lines and no warnings",
    };
    format!(
        "The last 200 lines of aim-target-app hold {found}. It has answered {} requests so far.",
        facts.requests
    )
}

fn resources(facts: &Facts) -> String {
    let (cpu, memory) = if facts.weather == Weather::Calm {
        (12, 184)
    } else {
        (71, 402)
    };
    format!(
        "aim-target-app uses {cpu} % of a core and {memory} MB of its 512 MB. The two model \
         servers hold most of the memory: 5.1 GB for model a and 8.9 GB for model b."
    )
}

fn tools(_: &Facts) -> String {
    let (last, others) = TOOLS.split_last().expect("the agent has tools");
    format!(
        "I have {} tools: {} and {last}. I use them to look at containers, read their logs, \
         restart them and check that they answer again.",
        TOOLS.len(),
        others.join(", ")
    )
}

fn repairs(facts: &Facts) -> String {
    let (total, failed) = facts.repairs;
    if total == 0 {
        return format!(
            "Just now {}, and I have not repaired anything since I started. POST /repair starts a \
             repair: I look for the failure, restart what is broken and check the result.",
            facts.weather.says()
        );
    }
    format!(
        "Since I started I have run {total} repairs, {} of them with success. \
         Just now {}. POST /repair starts another.",
        total - failed,
        facts.weather.says()
    )
}

fn latency(facts: &Facts) -> String {
    let [health, orders, products] = facts.medians_ms;
    format!(
        "Half of the requests to /health are answered within {health:.0} ms, to /products within \
         {products:.0} ms and to /orders within {orders:.0} ms; the slowest take several times as \
         long. Just now {}.",
        facts.weather.says()
    )
}

fn diagnosis(facts: &Facts) -> String {
    let verdict = if facts.weather == Weather::Calm {
        "I see no failure, and nothing to repair"
    } else {
        "I would start a repair if it stays so"
    };
    format!(
        "I looked at the health checks, the containers and the last log lines: {}. Of {} requests \
         {} were answered with a 5xx. {verdict}.",
        facts.weather.says(),
        facts.requests,
        facts.failures
    )
}

fn errors(facts: &Facts) -> String {
    if facts.failures == 0 {
        return format!(
            "There are none: the target application has answered {} requests without a 5xx.",
            facts.requests
        );
    }
    format!(
        "The target application has answered {} of {} requests with a 5xx, {:.1} %. \
         Just now {}.",
        facts.failures,
        facts.requests,
        share(facts),
        facts.weather.says()
    )
}

fn orders(facts: &Facts) -> String {
    let names: Vec<&str> = CATALOGUE.iter().map(|product| product.name).collect();
    format!(
        "The shop has taken {} orders worth ${:.2}. Its catalogue has {} products: {}.",
        facts.orders,
        facts.revenue,
        names.len(),
        names.join(", ")
    )
}

fn models(facts: &Facts) -> String {
    format!(
        "Two models can answer: a is {} and b is {}. You are talking to model {}. Model a is the \
         quicker one; model b takes its time and says more.",
        Model::A.full_name(),
        Model::B.full_name(),
        facts.model.letter()
    )
}

fn target_app(facts: &Facts) -> String {
    format!(
        "The target application is a small shop on port 8000 with GET /health, /orders and \
         /products. It has been up for {}, has taken {} orders, and answered {} requests, \
         {:.1} % of them with a 5xx. Just now {}.",
        span(facts.uptime),
        facts.orders,
        facts.requests,
        share(facts),
        facts.weather.says()
    )
}

fn status(facts: &Facts) -> String {
    let word = if facts.weather == Weather::Calm {
        "operational"
    } else {
        "degraded"
    };
    format!(
        "The system is {word}: {}. Everything has been up for {}; the target application has \
         answered {} requests, {} of them with a 5xx.",
        facts.weather.says(),
        span(facts.uptime),
        facts.requests,
        facts.failures
    )
}

/// Failed requests in per cent.
fn share(facts: &Facts) -> f64 {
    if facts.requests == 0 {
        return 0.0;
    }
    100.0 * facts.failures as f64 / facts.requests as f64
}

/// `duration` in its largest unit: `2 hours`.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
