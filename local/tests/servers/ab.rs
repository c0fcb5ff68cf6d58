//! The same server behind both models: `/ab` calls a difference at most as often as its 95 % say.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::installed::{Kind, Server};
use crate::traffic::{TURNS, Traffic};

/// How many calls of a difference there may be of one pair in so many runs, and of the six pairs of all runs. More come
/// once in 5,000 times when each is chance with a probability of 5 %, as the binomial distribution says.
const RUNS_AND_CALLS: [(usize, usize, usize); 2] = [(4, 3, 7), (10, 4, 11)];

/// The two models of the built-in workload, whose users come again when their connections have been closed.
fn models(pacing: f64) -> String {
    let mut workload = include_str!("../../../functions/traffic/workloads/default.toml").to_owned();
    for seconds in ["30", "45", "18"] {
        let wait = format!("constant_pacing({seconds})");
        assert!(workload.contains(&wait), "{wait}");
        workload = workload.replace(&wait, &format!("constant_pacing({pacing})"));
    }
    // so that there are soon enough of the seldom ones
    for (seldom, often) in [
        ("probability = 0.2", "probability = 0.8"),
        ("error_prompt]\nweight = 1\n", "error_prompt]\nweight = 5\n"),
    ] {
        assert!(workload.contains(seldom), "{seldom}");
        workload = workload.replace(seldom, often);
    }
    // the servers are no shop
    let shop = workload.find("[class.TargetAppUser]").unwrap();
    let agent = workload.find("[[class.ModelAUser").unwrap();
    let agent = workload[..agent].rfind("[class.ModelAUser]").unwrap();
    workload.replace_range(shop..agent, "");
    workload
}

/// What is said of each pair.
async fn verdicts(kind: Kind) -> BTreeMap<String, String> {
    let _turn = TURNS.acquire().await.unwrap();
    let server = Server::start(kind).await;
    let pacing = 1.5 * kind.idle_limit();
    let traffic = Traffic {
        users: (100.0 * pacing) as u32,
        low: pacing,
        high: pacing,
        iterations: 60,
    };
    let seen = traffic
        .run_with(&models(pacing), server.url(), |rows| {
            let seldom = ["Error Prompt (Model A)", "Error Prompt (Model B)"];
            let counts = seldom.map(|name| rows.get(name).map_or(0, |row| row.0));
            counts.into_iter().min().unwrap_or_default()
        })
        .await;
    assert_eq!(seen.rows["Aggregated"].1, 0, "{kind:?}: {:#?}", seen.errors);
    let pairs = seen.ab["pairs"].as_array().unwrap().iter();
    let text = |pair: &serde_json::Value, key: &str| pair[key].as_str().unwrap().to_owned();
    pairs
        .map(|pair| {
            let verdict = text(pair, "verdict");
            if verdict != "no difference shown" {
                println!("{kind:?}: {}: {}", pair["name"], pair["explanation"]);
            }
            (text(pair, "name"), verdict)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_one_server_each_call_no_more_differences_than_chance_may() {
    let kinds = [
        Kind::UwsgiHttp,
        Kind::Gunicorn,
        Kind::Nginx,
        Kind::PythonHttp11,
    ];
    call_only_by_chance(kinds.to_vec()).await;
}

mod soak {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "minutes: make soak"]
    async fn ten_runs_at_one_server_each_call_no_more_differences_than_chance_may() {
        let kinds = Kind::ALL.into_iter().chain([Kind::Node, Kind::Nginx]);
        call_only_by_chance(kinds.collect()).await;
    }
}

async fn call_only_by_chance(kinds: Vec<Kind>) {
    let number = kinds.len();
    let runs = join_all(kinds.into_iter().map(verdicts)).await;
    let mut calls = BTreeMap::<_, usize>::new();
    for (name, verdict) in runs.iter().flatten() {
        assert_ne!(verdict, "too few requests", "{name}");
        *calls.entry(name).or_default() += usize::from(verdict != "no difference shown");
    }
    let all: usize = calls.values().sum();
    println!(
        "{all} of {} pairs are called different: {calls:?}",
        6 * number
    );
    let known = RUNS_AND_CALLS
        .into_iter()
        .find(|(runs, ..)| *runs == number);
    let (_, of_one, of_all) = known.expect("a number of runs that has its bounds");
    assert_eq!(calls.len(), 6);
    assert!(calls.values().all(|calls| *calls <= of_one), "{calls:?}");
    assert!(all <= of_all, "{calls:?}");
}
