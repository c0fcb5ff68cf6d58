//! What the agent knows without looking: the terms of its trade, in a sentence or two each.

/// Phrases that ask for an explanation, in lower case and without punctuation, and the explanation.
pub(super) const TERMS: [(&[&str], &str); 14] = [
    (
        &[
            " what is a container ",
            " what are containers ",
            " explain containers ",
        ],
        "A container is a process with its own view of files, network and users, started from an \
         image. It starts in a moment and is thrown away rather than mended.",
    ),
    (
        &[
            " error and a warning ",
            " warning and an error ",
            " errors and warnings ",
        ],
        "An error means that something did not work; a warning that it worked, and may soon not. \
         Errors want a cause, warnings want watching.",
    ),
    (
        &[
            " does a health check ",
            " is a health check ",
            " do health checks ",
        ],
        "A health check is a cheap request that a service answers when it can do its work. Whoever \
         asks restarts the service, or sends traffic elsewhere, after a few failures in a row.",
    ),
    (
        &[" 503 ", " 500 ", " 502 ", " 504 ", " http status "],
        "A status of 500 and above says that the server failed, not the caller. 503 in particular \
         says that it cannot answer just now: it is overloaded, starting, or waiting for something \
         else. Trying again later is right.",
    ),
    (
        &[" percentile"],
        "The 95th percentile is the time within which 95 of 100 requests are answered. Unlike the \
         mean it shows what the slow ones feel like.",
    ),
    (
        &[" memory leak "],
        "A memory leak is memory that a program holds on to and no longer needs. It grows with \
         time, until the container reaches its limit and is killed, often with exit code 137.",
    ),
    (
        &[" when should i restart ", " when to restart "],
        "Restart a service when it no longer answers, or when it has got into a state that it does \
         not leave by itself. Save its logs first: a restart mends the symptom and hides the cause.",
    ),
    (
        &[" a b test "],
        "An A/B test sends half of the traffic to one variant and half to another, at the same \
         time, and compares what comes of it. Here the variants are two language models.",
    ),
    (
        &[" reading logs ", " read logs "],
        "First, find the earliest error, not the loudest. Second, compare with the minutes before \
         it: what changed? Third, follow one request by its id through all services.",
    ),
    (
        &[
            " metric and a trace ",
            " metrics and traces ",
            " trace and a metric ",
        ],
        "A metric is a number over time, such as requests a second: it says that something is \
         wrong. A trace follows one request through all services: it says where.",
    ),
    (
        &[" what is latency ", " what is throughput "],
        "Latency is how long one request takes; throughput is how many are answered in a second. \
         A service that nears the limit of its throughput shows it in its latency first.",
    ),
    (
        &[" what is a load test ", " load testing "],
        "A load test sends a service the traffic of many users and watches how its answers change. \
         The traffic should be paced like real users', or it tests a queue.",
    ),
    (
        &[" circuit breaker "],
        "A circuit breaker stops calls to a service that keeps failing, answers at once with an \
         error in its stead, and lets a few calls through now and then to see if it is back.",
    ),
    (
        &[" kubernetes ", " docker compose "],
        "Both start containers and keep them running. Compose does so on one machine, from one \
         file; Kubernetes on many, and it moves them when a machine fails.",
    ),
];
