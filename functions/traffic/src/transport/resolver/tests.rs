//! What is asked of the system's resolver, and how often.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{AT_A_TIME, Resolver};

type Ask = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Stands for the system's resolver.
#[derive(Clone)]
pub(in crate::transport) struct Names(Arc<Ask>);

impl Names {
    pub(in crate::transport) fn new(
        ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }

    pub(super) fn ask(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        (self.0)(host)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// A system that is slow: each answer waits for a permit, and is as many as were asked before.
#[derive(Clone, Debug)]
struct Slow {
    asked: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
}

impl Slow {
    fn new() -> Self {
        Self {
            asked: Arc::default(),
            under_way: Arc::default(),
            most: Arc::default(),
            permits: Arc::new(Semaphore::new(0)),
        }
    }

    fn resolver(&self) -> Arc<Resolver> {
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let resolver = Resolver::default();
        *resolver.of_test.lock() = Some(Names::new(move |host| {
            let asked = this.asked.fetch_add(1, Ordering::SeqCst);
            let now = this.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            this.most.fetch_max(now, Ordering::SeqCst);
            let permit = runtime.block_on(this.permits.acquire()).unwrap();
            permit.forget();
            this.under_way.fetch_sub(1, Ordering::SeqCst);
            match host.starts_with("gone") {
                true => Err(io::ErrorKind::NotFound.into()),
                false => Ok(vec![Ipv4Addr::from(asked as u32).into()]),
            }
        }));
        Arc::new(resolver)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn is_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn ten_thousand_who_ask_at_once_are_one_look_up_though_the_first_of_them_give_up() {
    let slow = Slow::new();
    let names = slow.resolver();
    let ask = |names: &Arc<Resolver>| {
        let names = Arc::clone(names);
        tokio::spawn(async move { names.addresses("agent.test").await })
    };
    let all: Vec<_> = (0..10_000).map(|_| ask(&names)).collect();
    slow.is_asked(1).await;
    let (impatient, patient) = all.split_at(5_000);
    for one in impatient {
        one.abort();
    }
    let later = ask(&names);
    slow.permits.add_permits(1);
    let answer = later.await.unwrap().unwrap();
    for one in patient.iter() {
        while !one.is_finished() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(slow.asked(), 1);
    assert_eq!(*answer, [IpAddr::from([0, 0, 0, 0])]);
}

#[tokio::test]
async fn an_answer_serves_for_a_second_and_a_name_that_moves_is_followed() {
    let slow = Slow::new();
    slow.permits.add_permits(2);
    let names = slow.resolver();
    let first = names.addresses("agent.test").await.unwrap();
    let again = names.addresses("agent.test").await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    let later = names.addresses("agent.test").await.unwrap();
    assert_eq!((slow.asked(), later[0]), (2, IpAddr::from([0, 0, 0, 1])));
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_wait_and_then_asked_anew() {
    let slow = Slow::new();
    let names = slow.resolver();
    slow.permits.add_permits(1);
    let (one, other) = tokio::join!(names.addresses("gone.test"), names.addresses("gone.test"));
    assert_eq!(one.unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(other.unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(slow.asked(), 1);
    // nothing is waited for: the name may be there now
    slow.permits.add_permits(1);
    names.addresses("gone.test").await.unwrap_err();
    assert_eq!(slow.asked(), 2);
}

#[tokio::test]
async fn many_names_are_looked_up_on_few_threads() {
    let slow = Slow::new();
    let names = slow.resolver();
    let all: Vec<_> = (0..200)
        .map(|name| {
            let names = Arc::clone(&names);
            tokio::spawn(async move { names.addresses(&format!("{name}.test")).await })
        })
        .collect();
    slow.is_asked(AT_A_TIME).await;
    slow.permits.add_permits(200);
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert_eq!(slow.asked(), 200);
    assert_eq!(slow.most.load(Ordering::SeqCst), AT_A_TIME);
}

#[tokio::test]
async fn the_system_knows_this_machine_and_addresses_are_not_asked_for() {
    let names = Resolver::default();
    let here = names.addresses("localhost").await.unwrap();
    assert!(here.iter().all(IpAddr::is_loopback));
    let literal = names.addresses("[::1]").await.unwrap();
    assert_eq!(*literal, ["::1".parse::<IpAddr>().unwrap()]);
    assert!(names.known.lock().len() == 1);
}
