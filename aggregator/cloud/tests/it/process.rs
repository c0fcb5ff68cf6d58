//! The binaries as they are started: what they refuse, and what they say when AWS refuses them.

use std::path::Path as FilePath;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::scene::{Event, PASSWORD};

const FUNCTION: &str = env!("CARGO_BIN_EXE_aggregator");
const SERVER: &str = env!("CARGO_BIN_EXE_aggregator-server");

/// However slow the machine is.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// A binary with a stage's variables and nothing else; no address of AWS is ever asked.
fn command(binary: &str, changed: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("CICADA_TABLE", "cicada-demo")
        .env(
            "CICADA_QUEUE_URL",
            "http://127.0.0.1:1/cicada-demo-wake-ups",
        )
        .env("CICADA_SCHEDULE_GROUP", "cicada-demo")
        .env("CICADA_WEB_HOST", "127.0.0.1")
        .env("CICADA_WEB_PORT", "0")
        .env("LOCUST_BASIC_AUTH", PASSWORD)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "hush-hush")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, value) in changed {
        if value.is_empty() {
            command.env_remove(name);
        } else {
            command.env(name, value);
        }
    }
    command
}

async fn output(mut command: Command) -> Output {
    let output = tokio::time::timeout(LONG_ENOUGH, command.output()).await;
    output.expect("it ends by itself").unwrap()
}

/// The error of the one line with which a binary refuses to start.
async fn refusal(binary: &str, changed: &[(&str, &str)]) -> String {
    let output = output(command(binary, changed)).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["fields"]["message"], "cannot start");
    line["fields"]["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_wrong_setting_is_one_line_and_exit_code_2() {
    for binary in [FUNCTION, SERVER] {
        assert_eq!(
            refusal(binary, &[("CICADA_TABLE", "")]).await,
            "CICADA_TABLE is not set: deploy with infra/deploy, or set it to the table's name"
        );
        assert_eq!(
            refusal(binary, &[("CICADA_LOG", "loud")]).await,
            "CICADA_LOG is \"loud\": write error, warn, info or debug, or levels by target such \
             as warn,aws=debug"
        );
        assert_eq!(
            refusal(binary, &[("AWS_REGION", "")]).await,
            "AWS_REGION is not set: set it to the region of the deployment, such as eu-central-1"
        );
    }
}

#[tokio::test]
async fn what_can_be_reached_from_outside_does_not_start_without_a_password() {
    let none = ("LOCUST_BASIC_AUTH", "");
    let function = refusal(FUNCTION, &[none]).await;
    assert!(function.starts_with("LOCUST_BASIC_AUTH is not set: set it to user:password, since "));
    let server = refusal(SERVER, &[none, ("CICADA_WEB_HOST", "0.0.0.0")]).await;
    assert!(server.starts_with("LOCUST_BASIC_AUTH is not set: set it to user:password (only "));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let error = refusal(SERVER, &[("CICADA_WEB_PORT", &port)]).await;
    assert!(
        error.starts_with(&format!("{address} cannot be listened on: ")),
        "{error}"
    );
}

#[tokio::test]
async fn files_that_tls_cannot_use_are_named() {
    let none = [
        ("CICADA_TLS_CERT", "/none/cert.pem"),
        ("CICADA_TLS_KEY", "/none/key.pem"),
    ];
    assert_eq!(
        refusal(SERVER, &none).await,
        "the TLS certificate /none/cert.pem cannot be read: No such file or directory (os error 2)"
    );
    let half = refusal(SERVER, &none[..1]).await;
    assert!(half.starts_with("CICADA_TLS_KEY is not set: "), "{half}");
}

/// A certificate for this machine, and its key.
fn certified(folder: &FilePath) -> [String; 2] {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let key = certified.signing_key.serialize_der();
    let files = [
        ("cert.pem", "CERTIFICATE", &certified.cert.der()[..]),
        ("key.pem", "PRIVATE KEY", &key[..]),
    ];
    files.map(|(name, title, bytes)| {
        let text = BASE64_STANDARD.encode(bytes);
        let text = format!("-----BEGIN {title}-----\n{text}\n-----END {title}-----\n");
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name).display().to_string()
    })
}

#[tokio::test]
async fn a_server_speaks_tls_under_a_path() {
    // an error only says that another test has installed it already
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = certified(folder.path());
    let server = Server::start(&[
        ("CICADA_TLS_CERT", &certificate),
        ("CICADA_TLS_KEY", &key),
        ("CICADA_WEB_BASE_PATH", "/cicada"),
    ])
    .await;
    let trusted = reqwest::Certificate::from_pem(&std::fs::read(certificate).unwrap()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build();
    let client = client.unwrap();
    for (path, status) in [
        ("/cicada/worker-count", 401),
        ("/worker-count", 404),
        // its store is away
        ("/cicada/health", 503),
        ("/health", 503),
    ] {
        let url = format!("https://{}{path}", server.address);
        assert_eq!(
            client.get(url).send().await.unwrap().status(),
            status,
            "{path}"
        );
    }
}

/// A server that was started, and the lines it logs.
struct Server {
    process: Child,
    lines: mpsc::UnboundedReceiver<Value>,
    address: String,
}

impl Server {
    async fn start(changed: &[(&str, &str)]) -> Self {
        let mut process = command(SERVER, changed).spawn().unwrap();
        let mut lines = lines_of(&mut process);
        let serving = line(&mut lines, "serving").await;
        let address = serving["fields"]["address"].as_str().unwrap().to_owned();
        Self {
            process,
            lines,
            address,
        }
    }

    /// What `/health` says is wrong.
    async fn trouble(&self) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let mut stream = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        let request = "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        body["message"].as_str().unwrap().to_owned()
    }
}

/// The lines of a process as they come.
fn lines_of(process: &mut Child) -> mpsc::UnboundedReceiver<Value> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut read = BufReader::new(process.stdout.take().unwrap()).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = read.next_line().await {
            assert!(
                !line.contains("hush-hush") && !line.contains("a pass:word"),
                "{line}"
            );
            let line = serde_json::from_str(&line).expect("lines are JSON");
            let _ = sender.send(line);
        }
    });
    receiver
}

/// The next line with this text.
async fn line(lines: &mut mpsc::UnboundedReceiver<Value>, message: &str) -> Value {
    let found = async {
        loop {
            let line = lines.recv().await.expect("the process still runs");
            if line["fields"]["message"] == message {
                return line;
            }
        }
    };
    let found = tokio::time::timeout(LONG_ENOUGH, found).await;
    found.unwrap_or_else(|_| panic!("{message:?} is not logged"))
}

/// An AWS that refuses every call in the same way; its address.
async fn aws_that_answers(code: &'static str, message: &'static str) -> String {
    let answer = move || async move {
        let body = json!({"__type": format!("com.amazonaws#{code}"), "message": message});
        (StatusCode::BAD_REQUEST, axum::Json(body))
    };
    serve(Router::new().fallback(any(answer))).await
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_server_starts_without_its_table_and_says_at_the_health_what_to_do() {
    let place = "table cicada-demo";
    for (code, message, expected) in [
        (
            "ResourceNotFoundException",
            "Requested resource not found",
            "it does not exist in this region and account; deploy the stack, or set CICADA_TABLE to \
             its table and AWS_REGION to its region",
        ),
        (
            "AccessDeniedException",
            "User: x is not authorized to perform: dynamodb:Query",
            "not allowed; allow dynamodb:Query on it, as the stack's roles do (User: x is not \
             authorized to perform: dynamodb:Query)",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "AWS does not accept the credentials; log in again, and check the machine's clock \
             (UnrecognizedClientException: The security token included in the request is invalid.)",
        ),
    ] {
        let aws = aws_that_answers(code, message).await;
        let server = Server::start(&[("AWS_ENDPOINT_URL", &aws)]).await;
        let trouble = server.trouble().await;
        assert!(trouble.starts_with("cannot "), "{trouble}");
        assert!(
            trouble.contains(place) && trouble.ends_with(expected),
            "{trouble}"
        );
    }
}

#[tokio::test]
async fn a_server_without_credentials_says_so() {
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let server = Server::start(&none).await;
    let trouble = server.trouble().await;
    let expected =
        "there are no AWS credentials; give the function a role, or log in with the AWS CLI";
    assert!(trouble.ends_with(expected), "{trouble}");
}

#[tokio::test]
async fn a_server_ends_well_when_a_container_is_stopped() {
    let mut server = Server::start(&[]).await;
    let id = server.process.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(killed.unwrap().success());
    line(&mut server.lines, "ending: what has begun is answered").await;
    let status = tokio::time::timeout(LONG_ENOUGH, server.process.wait()).await;
    assert!(status.expect("it ends at once").unwrap().success());
}

/// Lambda as the function sees it: events to take, and a place for what comes of them.
struct RuntimeApi {
    address: String,
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<(String, Value)>,
}

impl RuntimeApi {
    async fn start() -> Self {
        type Events = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>>;
        let (events, waiting) = mpsc::unbounded_channel::<Value>();
        let (sender, answers) = mpsc::unbounded_channel();
        let waiting: Events = Arc::new(tokio::sync::Mutex::new(waiting));
        let next = async |State(waiting): State<Events>| match waiting.lock().await.recv().await {
            Some(event) => {
                let deadline = "4102444800000";
                let headers = [
                    ("lambda-runtime-aws-request-id", "1"),
                    ("lambda-runtime-deadline-ms", deadline),
                ];
                (headers, event.to_string()).into_response()
            }
            None => std::future::pending().await,
        };
        let sender = Arc::new(Mutex::new(sender));
        let answer =
            async move |Path((_, kind)): Path<(String, String)>, _: HeaderMap, body: String| {
                let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
                let _ = sender.lock().unwrap().send((kind, body));
                StatusCode::ACCEPTED
            };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
            .with_state(waiting);
        Self {
            address: serve(router).await,
            events,
            answers,
        }
    }

    /// What a function does with an event: `response` or `error`, and its body.
    async fn invoke(&mut self, event: &Event) -> (String, Value) {
        self.events.send(event.0.clone()).unwrap();
        let answer = tokio::time::timeout(LONG_ENOUGH, self.answers.recv()).await;
        answer.expect("the function answers").unwrap()
    }
}

#[tokio::test]
async fn the_function_answers_lambda_even_while_its_store_is_away() {
    let mut lambda = RuntimeApi::start().await;
    let api = lambda.address.trim_start_matches("http://").to_owned();
    let mut process = command(FUNCTION, &[("AWS_LAMBDA_RUNTIME_API", &api)])
        .env("AWS_LAMBDA_FUNCTION_NAME", "cicada-demo-aggregator")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .spawn()
        .unwrap();
    let mut lines = lines_of(&mut process);
    let away = line(&mut lines, "the store cannot be read").await;
    let error = away["fields"]["error"].as_str().unwrap();
    assert!(
        error.contains("check AWS_REGION, AWS_ENDPOINT_URL and the network"),
        "{error}"
    );

    let (kind, answer) = lambda.invoke(&Event::anonymous("GET", "/health")).await;
    assert_eq!(
        (kind.as_str(), &answer["statusCode"]),
        ("response", &json!(503))
    );
    assert_eq!(answer["isBase64Encoded"], false);
    assert_eq!(answer["headers"]["content-type"], "application/json");
    let health: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(health["status"], "unavailable");

    let (_, answer) = lambda
        .invoke(&Event::anonymous("GET", "/stats/requests"))
        .await;
    assert_eq!(answer["statusCode"], 401);
    let (_, answer) = lambda.invoke(&Event::new("GET", "/worker-count")).await;
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(answer["body"], r#"{"worker_count":0}"#);
    // the page's files are compressed, and what is compressed is no text
    let picture = Event::new("GET", "/assets/cicada.svg").header("accept-encoding", "gzip");
    let (_, answer) = lambda.invoke(&picture).await;
    if answer["statusCode"] == 200 {
        assert_eq!(answer["headers"]["content-encoding"], "gzip");
        assert_eq!(answer["isBase64Encoded"], true);
        let body = BASE64_STANDARD.decode(answer["body"].as_str().unwrap());
        assert!(
            body.unwrap().starts_with(&[0x1f, 0x8b]),
            "that is how gzip begins"
        );
    } else {
        // built without the page
        assert_eq!(answer["statusCode"], 404);
    }
    let (_, answer) = lambda.invoke(&Event::new("GET", "/logs")).await;
    assert!(
        answer["body"]
            .as_str()
            .unwrap()
            .contains("the store cannot be read")
    );
}
