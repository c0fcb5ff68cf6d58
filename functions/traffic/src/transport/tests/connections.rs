//! Whose connections requests go by, how long, and what becomes of those that the target closes.

use super::*;

/// Moves the time on by more than a default connection may live, and lets the sweep come by.
async fn outlive() {
    tokio::time::pause();
    tokio::time::advance(MAX_CONNECTION_AGE).await;
    tokio::time::resume();
}

/// Gives the runtime the time to hear of what was done to its sockets.
async fn hear() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn each_user_has_a_connection_of_its_own_and_keeps_it() {
    let target = Target::ok().await;
    let http = http();
    for _ in 0..3 {
        for user in 0..4 {
            get(&http, target.url("/"), &of_user(user)).await.unwrap();
        }
    }
    assert_eq!(target.connections(), 4);
    let of_first: Vec<_> = target.got().iter().map(|got| got.connection).collect();
    assert_eq!(of_first, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
}

#[tokio::test]
async fn a_user_of_another_class_has_another_connection() {
    let target = Target::ok().await;
    let http = http();
    for class in [1, 2, 1] {
        let context = RequestContext {
            user: (class, 7),
            ..RequestContext::default()
        };
        get(&http, target.url("/"), &context).await.unwrap();
    }
    assert_eq!(target.connections(), 2);
}

#[tokio::test]
async fn shared_connections_are_those_of_all_users_and_a_class_has_the_last_word() {
    let target = Target::ok().await;
    let shared = || HttpSettings {
        connections: Connections::Shared,
        ..HttpSettings::default()
    };
    let one = with(shared());
    for user in 0..4 {
        get(&one, target.url("/"), &of_user(user)).await.unwrap();
    }
    assert_eq!(target.connections(), 1, "as the process says");
    let says = |user, connections| RequestContext {
        connections: Some(connections),
        ..of_user(user)
    };
    for user in 0..4 {
        let own = says(user, Connections::Own);
        get(&one, target.url("/"), &own).await.unwrap();
    }
    assert_eq!(target.connections(), 5, "as the class says");
    let other = http();
    for user in 0..4 {
        let shared = says(user, Connections::Shared);
        get(&other, target.url("/"), &shared).await.unwrap();
    }
    assert_eq!(target.connections(), 6, "as the class says");
}

#[tokio::test]
async fn a_connection_that_the_target_closed_or_spoke_on_is_not_used_again() {
    for rest in [true, false] {
        let target = Target::new(move |got| match got.connection {
            0 if rest => Answers(ok("here") + "HTTP/1.1 408 Too Late\r\n\r\n"),
            0 => Closes(ok("here")),
            _ => Answers(ok("there")),
        })
        .await;
        let http = http();
        get(&http, target.url("/"), &of_user(0)).await.unwrap();
        hear().await;
        let reply = get(&http, target.url("/"), &of_user(0)).await.unwrap();
        assert_eq!(reply.body, "there");
        let seen: Vec<_> = target.got().iter().map(|got| got.connection).collect();
        assert_eq!(seen, [0, 1], "nothing was sent on the first one again");
    }
}

#[tokio::test]
async fn a_request_on_a_used_connection_that_ends_without_an_answer_is_sent_once_more() {
    for resets in [true, false] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let target = Target::new(move |got| match (got.connection, got.number) {
                (0, 1) if resets => Resets,
                (0, 1) => Closes(String::new()),
                _ => Answers(ok("done")),
            })
            .await;
            let http = http();
            get(&http, target.url("/"), &of_user(0)).await.unwrap();
            let again = full(method, target.url("/again"), &[], Some("body"));
            let reply = http.send(again, &of_user(0)).await.unwrap();
            assert_eq!(reply.body, "done");
            let got = target.got();
            let seen: Vec<_> = got[1..]
                .iter()
                .map(|got| (got.connection, &*got.body))
                .collect();
            assert_eq!(seen, [(0, "body"), (1, "body")], "{method}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_at_the_last_moment_counts_as_one_without_an_answer() {
    for said in ["", "HTTP/1.1 408 Too Late\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let http = http();
        let origin = Arc::new(Origin::new(&url, None));
        let connection = http.0.dialer.dial(origin, None).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        drop(stream);
        hear().await;
        // nobody has looked at it since
        let head = Outgoing::new(request(Method::GET, url)).head(None).unwrap();
        let Err(failed) = attempt(connection, head).await else {
            panic!("there was no answer")
        };
        assert!(failed.ended_before, "{}", failed.text);
    }
}

#[tokio::test]
async fn what_was_sent_once_more_is_not_sent_a_third_time() {
    let target = Target::new(|got| match (got.connection, got.number) {
        (0, 0) => Answers(ok("")),
        _ => Closes(String::new()),
    })
    .await;
    let http = http();
    get(&http, target.url("/"), &of_user(0)).await.unwrap();
    let error = get(&http, target.url("/"), &of_user(0)).await.unwrap_err();
    assert_eq!(error, "connection closed before the response was complete");
    assert_eq!(target.got().len(), 3);
}

#[tokio::test]
async fn a_request_on_a_new_connection_is_sent_once() {
    let target = Target::new(|got| match got.connection % 2 {
        0 => Closes(String::new()),
        _ => Resets,
    })
    .await;
    let http = http();
    let first = get(&http, target.url("/"), &of_user(0)).await.unwrap_err();
    assert_eq!(first, "connection closed before the response was complete");
    let second = get(&http, target.url("/"), &of_user(0)).await.unwrap_err();
    assert_eq!(second, "connection reset by the target");
    assert_eq!(target.got().len(), 2);
}

#[tokio::test]
async fn a_request_of_whose_answer_a_byte_has_come_is_not_sent_again() {
    let target = Target::new(|got| match got.number {
        0 => Answers(ok("")),
        _ => Closes("H".to_owned()),
    })
    .await;
    let http = http();
    get(&http, target.url("/"), &of_user(0)).await.unwrap();
    let error = get(&http, target.url("/"), &of_user(0)).await.unwrap_err();
    assert_eq!(error, "connection closed before the response was complete");
    assert_eq!(target.got().len(), 2);
}

#[tokio::test]
async fn a_connection_is_used_until_it_is_as_old_as_it_may_be() {
    let target = Target::ok().await;
    let http = http();
    let context = of_user(0);
    get(&http, target.url("/"), &context).await.unwrap();
    get(&http, target.url("/"), &context).await.unwrap();
    assert_eq!(target.connections(), 1);
    outlive().await;
    get(&http, target.url("/"), &context).await.unwrap();
    assert_eq!(target.connections(), 2, "however often it was used");
    let impatient = RequestContext {
        max_connection_age: Duration::ZERO,
        ..context
    };
    get(&http, target.url("/"), &impatient).await.unwrap();
    get(&http, target.url("/"), &impatient).await.unwrap();
    assert_eq!(target.connections(), 4);
}

/// Each of ten users sends a request, and a second passes.
async fn a_second_of_ten_users(http: &Http, url: &Url) {
    for user in 0..10 {
        get(http, url.clone(), &of_user(user)).await.unwrap();
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn by_default_busy_users_follow_a_name_that_moves_after_sixty_seconds_at_most() {
    assert_eq!(MAX_CONNECTION_AGE, Duration::from_secs(60));
    if std::net::TcpListener::bind("127.0.0.2:0").is_err() {
        eprintln!("skipped: this machine has no 127.0.0.2");
        return;
    }
    let before = Target::ok().await;
    let after = Target::at(&format!("127.0.0.2:{}", before.port), |_| {
        Answers(ok("there"))
    })
    .await;
    let http = http();
    let lead_to = |address: &str| {
        let address = address.parse().unwrap();
        let names = resolver::tests::Names::new(move |_| Ok(vec![address]));
        *http.0.dialer.resolver.of_test.lock() = Some(names);
    };
    let url = format!("http://agent.test:{}/", before.port)
        .parse()
        .unwrap();
    lead_to("127.0.0.1");
    for _ in 0..30 {
        a_second_of_ten_users(&http, &url).await;
    }
    lead_to("127.0.0.2");
    // the requests themselves take time as well, on a machine that is busy some seconds
    for _ in 0..10 {
        a_second_of_ten_users(&http, &url).await;
    }
    // connections of less than a minute are good
    assert_eq!((before.got().len(), after.got().len()), (400, 0));
    assert_eq!(before.connections(), 10);
    for _ in 10..80 {
        a_second_of_ten_users(&http, &url).await;
    }
    let moved = before.got().len();
    assert!(moved <= 620, "{moved}");
    assert_eq!(after.connections(), 10);
    for _ in 0..10 {
        a_second_of_ten_users(&http, &url).await;
    }
    assert_eq!(before.got().len(), moved, "all have come over");
}

#[tokio::test]
async fn connections_of_users_who_are_gone_are_closed() {
    let target = Target::ok().await;
    let http = http();
    for user in 0..3 {
        get(&http, target.url("/"), &of_user(user)).await.unwrap();
    }
    outlive().await;
    assert_eq!(http.0.pool.sweep(), 0);
    target.ended(3).await;
}

#[tokio::test]
async fn the_idle_connections_that_have_waited_longest_make_room_for_new_ones() {
    let target = Target::ok().await;
    let http = http();
    let shared = RequestContext {
        connections: Some(Connections::Shared),
        ..of_user(0)
    };
    // the users are in tables of their own, and in the same one
    for user in [0, 1, 16, 32] {
        get(&http, target.url("/"), &of_user(user)).await.unwrap();
    }
    get(&http, target.url("/"), &shared).await.unwrap();
    // who comes again has waited least
    for user in [16, 0] {
        get(&http, target.url("/"), &of_user(user)).await.unwrap();
    }
    assert_eq!((target.connections(), http.0.pool.sweep()), (5, 5));
    assert_eq!(http.0.pool.evict(3), 3);
    target.ended(3).await;
    for user in [16, 0] {
        get(&http, target.url("/"), &of_user(user)).await.unwrap();
    }
    assert_eq!(target.connections(), 5, "theirs were kept");
    assert_eq!((http.0.pool.evict(3), http.0.pool.evict(3)), (2, 0));
    for context in [of_user(1), of_user(32), shared] {
        get(&http, target.url("/"), &context).await.unwrap();
    }
    assert_eq!(target.connections(), 8, "the others' were closed");
}

fn of_places(max_connections: usize) -> Http {
    with(HttpSettings {
        max_connections: Some(max_connections),
        ..HttpSettings::default()
    })
}

#[tokio::test]
async fn users_beyond_the_places_share_connections_and_who_comes_often_keeps_its_own() {
    let target = Target::ok().await;
    let http = of_places(4);
    for seldom in 0..20 {
        for user in [100, 101, seldom] {
            get(&http, target.url("/"), &of_user(user)).await.unwrap();
        }
    }
    let seen: Vec<_> = target.got().iter().map(|got| got.connection).collect();
    for (turn, of_turn) in seen.chunks(3).enumerate() {
        let of_seldom = 2 + turn % 2;
        assert_eq!(
            of_turn,
            [0, 1, of_seldom],
            "the one that has waited longest"
        );
    }
    assert_eq!(http.0.pool.sweep(), 4, "no more than there are places");
    outlive().await;
    get(&http, target.url("/"), &of_user(0)).await.unwrap();
    assert_eq!(
        target.connections(),
        5,
        "none that is too old is taken over"
    );
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_connections_may_be_open() {
    let http = of_places(2);
    let (one, other) = (http.place().await, http.place().await);
    assert!(one.is_some() && other.is_some());
    let mut third = std::pin::pin!(http.place());
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(one);
    assert!(third.await.is_some());
    assert!(with(HttpSettings::default()).place().await.is_none());
}

#[tokio::test]
async fn a_connection_to_elsewhere_gives_up_its_place() {
    let (here, there) = (Target::ok().await, Target::ok().await);
    let http = of_places(1);
    for target in [&here, &there, &here] {
        get(&http, target.url("/"), &of_user(0)).await.unwrap();
    }
    assert_eq!((here.connections(), there.connections()), (2, 1));
}

#[tokio::test]
async fn a_connection_that_was_taken_over_and_ends_without_an_answer_is_replaced() {
    let target = Target::new(|got| match (got.connection, got.number) {
        (0, 1) => Closes(String::new()),
        _ => Answers(ok("done")),
    })
    .await;
    let http = of_places(1);
    for user in [0, 1] {
        let reply = get(&http, target.url("/"), &of_user(user)).await.unwrap();
        assert_eq!(reply.body, "done");
    }
    let seen: Vec<_> = target.got().iter().map(|got| got.connection).collect();
    assert_eq!(seen, [0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_swept_without_anybody_asking() {
    let target = Target::ok().await;
    let http = http();
    get(&http, target.url("/"), &of_user(0)).await.unwrap();
    // the time moves on while everybody waits
    tokio::time::sleep(MAX_CONNECTION_AGE + Duration::from_secs(10)).await;
    assert_eq!(*target.counts.borrow(), (1, 1));
    get(&http, target.url("/"), &of_user(0)).await.unwrap();
    tokio::time::sleep(MAX_CONNECTION_AGE + Duration::from_secs(10)).await;
    assert_eq!(*target.counts.borrow(), (2, 2), "and those that come later");
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_its_connection_along() {
    let target = Target::new(|_| Hangs).await;
    let http = http();
    let mut hasty = request(Method::GET, target.url("/"));
    *hasty.timeout_mut() = Some(Duration::from_millis(50));
    let error = http.send(hasty, &of_user(0)).await.unwrap_err();
    assert_eq!(error, "no complete response within 0.05 s");
    assert_eq!(http.0.pool.sweep(), 0);
}

#[tokio::test]
async fn a_dead_way_to_the_target_is_noticed_after_thirty_seconds() {
    let target = Target::ok().await;
    let http = http();
    let origin = Arc::new(Origin::new(&target.url("/"), None));
    let connection = http.0.dialer.dial(origin, None).await.unwrap();
    let connection::Stream::Plain(stream) = connection.stream() else {
        panic!("it is not encrypted")
    };
    let socket = socket2::SockRef::from(stream);
    assert!(socket.keepalive().unwrap());
    #[cfg(target_os = "linux")]
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(texts::LOST_AFTER));
}

#[test]
fn an_environment_that_was_frozen_does_not_use_what_it_opened_before() {
    use connection::Moment;
    let opened = Moment {
        monotonic: tokio::time::Instant::now(),
        wall: crate::clock::Timestamp::from_micros(1_000_000),
    };
    let (long, short) = (Duration::from_secs(60), Duration::from_secs(1));
    let after = |monotonic, wall| Moment {
        monotonic: opened.monotonic + monotonic,
        wall: opened.wall + wall,
    };
    assert_eq!(opened.until(after(short, short)), short);
    assert_eq!(opened.until(after(short, long)), long, "timers stood still");
    assert_eq!(
        opened.until(after(long, short)),
        long,
        "the clock was set back"
    );
}
