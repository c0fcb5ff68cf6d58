//! Servers close connections after an answer, after some requests, after a while; none of that fails a request, and
//! none of it is counted or executed twice.

use std::collections::BTreeMap;

use crate::installed::{Kind, Server};
use crate::raw::{Answer, Raw};
use crate::traffic::{TURNS, Traffic};

/// Iterations whose waits end when the server gives up the connection.
async fn no_request_fails_at(kind: Kind) {
    no_request_fails_in(Traffic::around_the_limit_of(kind), kind).await;
}

mod soak {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "minutes: make soak"]
    async fn nothing_fails_in_five_thousand_iterations_at_any_server() {
        for kind in Kind::ALL {
            let traffic = Traffic {
                iterations: 5_000,
                ..Traffic::around_the_limit_of(kind)
            };
            no_request_fails_in(traffic, kind).await;
        }
    }
}

async fn no_request_fails_in(traffic: Traffic, kind: Kind) {
    let _turn = TURNS.acquire().await.unwrap();
    let server = Server::start(kind).await;
    let seen = traffic.run_at(server.url()).await;
    let arrivals = server.arrivals();
    let (requests, failures) = seen.rows["Aggregated"];
    let (of_locust, failed_of_locust) = traffic.locust_at(server.url()).await;
    println!(
        "{kind:?}: {requests} requests, {failures} failed, {} arrived; Locust: {of_locust} requests, {failed_of_locust} failed",
        arrivals.values().sum::<usize>()
    );
    assert_eq!(failures, 0, "{kind:?}: {:#?}", seen.errors);
    // such a server closes before it has read a request, so none was executed twice either
    let twice: Vec<_> = arrivals.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{kind:?}: arrived twice: {twice:?}");
    assert_eq!(by_row(&arrivals), by_name(seen.rows), "{kind:?}");
}

/// How many requests arrived of each row.
fn by_row(arrivals: &BTreeMap<String, usize>) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for name in arrivals.keys() {
        let parts: Vec<&str> = name.split('/').collect();
        let model = if parts[0] == "ModelAUser" { "A" } else { "B" };
        let what = if parts[3] == "status" {
            "Agent Status"
        } else {
            "Repair Workflow"
        };
        *rows.entry(format!("{what} (Model {model})")).or_default() += 1;
    }
    rows
}

fn by_name(mut rows: BTreeMap<String, (u64, u64)>) -> BTreeMap<String, u64> {
    rows.remove("Aggregated");
    rows.into_iter().map(|(name, row)| (name, row.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_uwsgis_http_router() {
    no_request_fails_at(Kind::UwsgiHttp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_uwsgis_http_socket() {
    no_request_fails_at(Kind::UwsgiHttpSocket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_gunicorn_that_keeps_connections_for_two_seconds() {
    no_request_fails_at(Kind::Gunicorn).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_nginx_that_closes_after_three_requests_or_a_second() {
    no_request_fails_at(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_node_with_its_five_seconds() {
    no_request_fails_at(Kind::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_node_that_keeps_connections_for_a_second() {
    no_request_fails_at(Kind::NodeOneSecond).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_pythons_server_with_http_1_0() {
    no_request_fails_at(Kind::PythonHttp10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_at_pythons_server_with_http_1_1() {
    no_request_fails_at(Kind::PythonHttp11).await;
}

/// Each connection answers twice and closes on the third request without an answer: the worst that a race can be.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_reused_connection_swallows_is_sent_once_more_and_counted_once() {
    let raw = Raw::answering("127.0.0.1:0", |number| match number {
        2 => Answer::Nothing,
        _ => Answer::Kept,
    })
    .await;
    let seen = few().run_at(raw.url()).await;
    let (requests, failures) = seen.rows["Aggregated"];
    assert_eq!(failures, 0, "{:#?}", seen.errors);
    let mut arrivals = BTreeMap::<_, Vec<usize>>::new();
    for request in raw.seen() {
        let name = request.header("x-request").unwrap().to_owned();
        arrivals.entry(name).or_default().push(request.connection);
    }
    assert_eq!(requests, arrivals.len() as u64);
    let twice = arrivals.values().filter(|on| on.len() == 2).count();
    let more = arrivals.values().filter(|on| on.len() > 2).count();
    assert!(
        twice > 20 && more == 0,
        "{twice} were sent twice, {more} more often"
    );
    let same = arrivals.values().find(|on| on.len() == 2 && on[0] == on[1]);
    assert_eq!(same, None, "the second time is on another connection");
}

/// It is the target that fails then, and a second sending might be executed twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_connection_swallows_or_any_answers_in_half_is_a_failure_sent_once() {
    for ending in [Answer::Nothing, Answer::Half] {
        let raw = Raw::answering("127.0.0.1:0", move |number| match (ending, number) {
            // in half: on a connection that has answered before
            (Answer::Half, 0) => Answer::Kept,
            _ => ending,
        })
        .await;
        let seen = few().run_at(raw.url()).await;
        let (requests, failures) = seen.rows["Aggregated"];
        assert_eq!(
            requests,
            raw.count() as u64,
            "{ending:?}: each was sent once"
        );
        let expected = match ending {
            Answer::Half => requests / 2,
            _ => requests,
        };
        assert_eq!(failures, expected, "{ending:?}: {:#?}", seen.errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_closes_after_each_answer_without_a_word_fails_nothing() {
    let raw = Raw::answering("127.0.0.1:0", |_| Answer::Closed).await;
    let seen = few().run_at(raw.url()).await;
    let (requests, failures) = seen.rows["Aggregated"];
    assert_eq!(
        (requests, failures),
        (raw.count() as u64, 0),
        "{:#?}",
        seen.errors
    );
}

/// Ten users a few times a second.
fn few() -> Traffic {
    Traffic {
        users: 10,
        low: 0.2,
        high: 0.3,
        iterations: 60,
    }
}
