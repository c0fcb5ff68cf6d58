//! The queue on SQS: its contract on the emulator, and how it meets what SQS refuses.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::SqsQueue;
use aws::message::decode;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use serde_json::json;
use testing::contract::queue::{self as contract, QueueUnderTest};
use traffic::clock::{Clock, Slot, Slots};
use traffic::ports::{PlannedWakeUp, Queue, QueueError, WakeUp};
use traffic::record::Block;
use traffic::run::RunId;

use crate::answers::{self, Request};
use crate::emulator::{self, ministack, unique};

/// The earliest a message is aimed at before its slot, and a tenth of a second for two clocks.
const EARLIEST: Duration = Duration::from_millis(1_300);

/// The emulator looks for what is due every tenth of a second; the rest is for a busy machine.
const LATEST: Duration = Duration::from_millis(1_500);

struct Harness {
    queue: SqsQueue,
    clock: Clock,
    client: Client,
    url: String,
    received: VecDeque<WakeUp>,
}

impl Harness {
    async fn open() -> Self {
        let sdk = ministack().sdk().await;
        let client = Client::new(&sdk);
        let name = unique("wake-ups");
        let created = client.create_queue().queue_name(name).send().await.unwrap();
        let url = created.queue_url.unwrap();
        let clock = Clock::system();
        Self {
            queue: SqsQueue::new(&sdk, &url, 10, clock.clone()),
            clock,
            client,
            url,
            received: VecDeque::new(),
        }
    }

    /// The bodies of up to ten messages, which are taken from the queue.
    async fn take(&self) -> Vec<String> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let receive = receive.max_number_of_messages(10).wait_time_seconds(1);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() {
            return Vec::new();
        }
        let mut delete = self.client.delete_message_batch().queue_url(&self.url);
        for (id, message) in messages.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(id.to_string())
                .receipt_handle(message.receipt_handle().unwrap());
            delete = delete.entries(entry.build().unwrap());
        }
        assert_eq!(delete.send().await.unwrap().failed, []);
        messages
            .into_iter()
            .filter_map(|message| message.body)
            .collect()
    }
}

impl QueueUnderTest for Harness {
    type Queue = SqsQueue;

    fn queue(&self) -> &SqsQueue {
        &self.queue
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    async fn receive(&mut self) -> WakeUp {
        loop {
            if let Some(wake_up) = self.received.pop_front() {
                return wake_up;
            }
            for body in self.take().await {
                self.received.extend(decode(&body).unwrap());
            }
        }
    }

    fn punctuality(&self) -> (Duration, Duration) {
        (EARLIEST, LATEST)
    }
}

fn wake_up(block: u32, slot: Slot) -> WakeUp {
    WakeUp {
        run: RunId("run".into()),
        class: "ModelAUser".into(),
        block: Block(block),
        slot,
    }
}

/// Of ticks that have little to do.
fn late(blocks: u32) -> Vec<PlannedWakeUp> {
    (0..blocks)
        .map(|block| PlannedWakeUp {
            wake_up: wake_up(block, Slot(1_700_000_000)),
            users: 1,
        })
        .collect()
}

/// The error, with what is beneath it, as one line.
fn line(error: &QueueError) -> String {
    format!("{error}: {}", error.source)
}

#[tokio::test]
async fn the_queue_keeps_the_contract() {
    contract::all(Harness::open).await;
}

#[tokio::test]
async fn a_message_has_ten_wake_ups_of_its_slot() {
    let harness = Harness::open().await;
    harness
        .queue
        .send(Slots::FULL_SECONDS, late(25))
        .await
        .unwrap();
    let mut ticks = Vec::new();
    while ticks.iter().sum::<usize>() < 25 {
        let bodies = harness.take().await;
        ticks.extend(bodies.iter().map(|body| decode(body).unwrap().len()));
    }
    ticks.sort_unstable();
    assert_eq!(ticks, [5, 10, 10]);
}

#[tokio::test]
async fn what_has_time_comes_closer_to_its_slot_than_a_second() {
    let mut harness = Harness::open().await;
    let slot = harness.clock.now().full_second().plus(6);
    harness
        .queue
        .send(Slots::FULL_SECONDS, vec![wake_up(0, slot).into()])
        .await
        .unwrap();
    harness.receive().await;
    let early = slot.full_second().since(harness.clock.now());
    assert!(early <= Duration::from_millis(500), "{early:?}");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_one_line_that_says_what_to_do() {
    let sdk = ministack().sdk().await;
    let url = format!("{}/000000000000/{}", ministack().url(), unique("missing"));
    let queue = SqsQueue::new(&sdk, &url, 10, Clock::system());
    let error = queue.send(Slots::FULL_SECONDS, late(7)).await.unwrap_err();
    assert_eq!(error.undelivered, 7);
    let line = line(&error);
    assert!(
        line.contains(&url) && line.contains("set CICADA_QUEUE_URL"),
        "{line}"
    );
}

#[tokio::test]
async fn an_sqs_that_cannot_be_reached_is_one_line_that_says_what_to_do() {
    let sdk = emulator::sdk(&format!("http://{}", emulator::free_address())).await;
    let queue = SqsQueue::new(&sdk, "http://sqs/queue", 10, Clock::system());
    let line = line(&queue.send(Slots::FULL_SECONDS, late(1)).await.unwrap_err());
    assert!(
        line.contains("cannot be reached") && line.contains("AWS_REGION"),
        "{line}"
    );
}

/// Has no credentials.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = CredentialsError::not_loaded("there is nobody");
        future::ProvideCredentials::ready(Err(error))
    }
}

#[tokio::test]
async fn without_credentials_the_line_says_so() {
    let sdk = emulator::sdk("http://127.0.0.1:1").await;
    let nobody = SharedCredentialsProvider::new(Nobody);
    let sdk = sdk.into_builder().credentials_provider(nobody).build();
    let queue = SqsQueue::new(&sdk, "http://sqs/queue", 10, Clock::system());
    let line = line(&queue.send(Slots::FULL_SECONDS, late(1)).await.unwrap_err());
    assert!(line.contains("there are no AWS credentials"), "{line}");
}

#[tokio::test]
async fn a_wake_up_more_than_a_quarter_of_an_hour_ahead_is_refused_before_any_is_sent() {
    let sdk = answers::sdk(|request| panic!("nothing is sent, but {request:?}")).await;
    let clock = Clock::system();
    let now = clock.now().full_second();
    let queue = SqsQueue::new(&sdk, "http://sqs/queue", 10, clock);
    let sent = [wake_up(0, now.plus(1)), wake_up(0, now.plus(903))];
    let sent = sent.map(Into::into).into();
    let error = queue.send(Slots::FULL_SECONDS, sent).await.unwrap_err();
    assert_eq!(error.undelivered, 2);
    assert!(line(&error).contains("15 minutes"), "{}", line(&error));
}

/// How often each message was sent.
type Tries = Arc<Mutex<BTreeMap<String, u32>>>;

/// A queue on an SQS that takes a message, by its body and how often it was sent, or says why not:
/// a code, and whether that is the sender's fault.
async fn picky(
    tries: &Tries,
    refuses: impl Fn(&str, u32) -> Option<(&'static str, bool)> + Clone + Send + Sync + 'static,
) -> SqsQueue {
    let tries = Arc::clone(tries);
    let answer = move |request: Request| {
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        let entries = request.body["Entries"].as_array().unwrap();
        assert!((1..=10).contains(&entries.len()));
        for entry in entries {
            let (id, body) = (&entry["Id"], entry["MessageBody"].as_str().unwrap());
            let mut tries = tries.lock().unwrap();
            let tried = tries.entry(body.to_owned()).or_default();
            *tried += 1;
            match refuses(body, *tried) {
                None => successful.push(json!({
                    "Id": id, "MessageId": "m", "MD5OfMessageBody": "unchecked",
                })),
                Some((code, fault)) => failed.push(json!({
                    "Id": id, "Code": code, "SenderFault": fault, "Message": "not now",
                })),
            }
        }
        (200, json!({"Successful": successful, "Failed": failed}))
    };
    let sdk = answers::sdk(answer).await;
    SqsQueue::new(&sdk, "http://sqs/queue", 1, Clock::system())
}

/// Whether it is the message of an odd block, where each message has one.
fn is_odd(body: &str) -> bool {
    decode(body).unwrap()[0].block.0 % 2 == 1
}

#[tokio::test(start_paused = true)]
async fn what_sqs_does_not_take_at_first_is_sent_again_alone() {
    let busy = Some(("InternalError", false));
    let tries = Tries::default();
    let queue = picky(&tries, move |body, tried| {
        busy.filter(|_| is_odd(body) && tried < 3)
    })
    .await;
    queue.send(Slots::FULL_SECONDS, late(35)).await.unwrap();
    let tries = tries.lock().unwrap();
    assert_eq!(tries.len(), 35);
    for (body, tried) in &*tries {
        assert_eq!(*tried, if is_odd(body) { 3 } else { 1 }, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_sqs_never_takes_is_counted() {
    let busy = Some(("InternalError", false));
    let tries = Tries::default();
    let queue = picky(&tries, move |body, _| busy.filter(|_| is_odd(body))).await;
    let error = queue.send(Slots::FULL_SECONDS, late(9)).await.unwrap_err();
    assert_eq!(error.undelivered, 4);
    assert!(
        line(&error).contains("InternalError: not now"),
        "{}",
        line(&error)
    );
}

#[tokio::test]
async fn what_sqs_refuses_is_not_sent_again() {
    let refused = Some(("InvalidMessageContents", true));
    let tries = Tries::default();
    let queue = picky(&tries, move |body, _| refused.filter(|_| is_odd(body))).await;
    let error = queue.send(Slots::FULL_SECONDS, late(10)).await.unwrap_err();
    assert_eq!(error.undelivered, 5);
    assert!(line(&error).contains("SQS refuses"), "{}", line(&error));
    assert!(tries.lock().unwrap().values().all(|tried| *tried == 1));
}

#[tokio::test]
async fn a_role_that_may_not_send_is_told_what_to_allow() {
    let denied = json!({
        "__type": "com.amazonaws.sqs#AccessDeniedException", "message": "User: x is not authorized",
    });
    let sdk = answers::sdk(move |_| (403, denied.clone())).await;
    let queue = SqsQueue::new(&sdk, "http://sqs/queue", 10, Clock::system());
    let line = line(&queue.send(Slots::FULL_SECONDS, late(1)).await.unwrap_err());
    assert!(line.contains("allow sqs:SendMessage"), "{line}");
}
