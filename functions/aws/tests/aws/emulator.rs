//! The emulators that all tests of this binary share, each started when a test first asks for it:
//! [`ministack`] has DynamoDB, SQS, EventBridge Scheduler, Lambda and more; [`dynamodb_local`] is
//! Amazon's own DynamoDB.
//!
//! A test makes its configuration with [`Emulator::sdk`], one per test, since connections belong to
//! the test's runtime; and names its tables, queues and schedule groups with [`unique`], so that
//! tests do not meet. Emulators end with this process, however it ends.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;

/// The region that emulators are asked in.
pub(crate) const REGION: &str = "eu-central-1";

/// An emulator answers within this, or the test fails.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Somebody else may take the free port before the emulator does.
const STARTS: u32 = 3;

/// Runs a command in the folder `$0` until it ends, or until nobody holds our standard input any
/// more: that is when the test process has ended, also by a panic or a signal. Then the folder goes.
/// A command that ends by itself has failed, and its log is shown.
const KEEPER: &str = r#"
cd "$0" && exec 3<&0
"$@" 3<&- </dev/null >log 2>&1 &
child=$!
{ cat <&3; rm log; kill $child; } >/dev/null 2>&1 &
wait $child
[ ! -e log ] || cat log >&2
cd / && rm -rf "$0"
"#;

/// A running emulator.
#[derive(Debug)]
pub(crate) struct Emulator {
    url: String,
    /// Ends with the process; see [`KEEPER`].
    _keeper: Child,
}

/// MiniStack, which takes any credentials.
pub(crate) fn ministack() -> &'static Emulator {
    static MINISTACK: OnceLock<Emulator> = OnceLock::new();
    MINISTACK.get_or_init(|| start("ministack", ministack_command))
}

/// Amazon's DynamoDB Local, in memory.
pub(crate) fn dynamodb_local() -> &'static Emulator {
    static DYNAMODB: OnceLock<Emulator> = OnceLock::new();
    DYNAMODB.get_or_init(|| start("dynamodb", dynamodb_command))
}

impl Emulator {
    /// Its base URL, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A configuration that calls it, in [`REGION`].
    pub(crate) async fn sdk(&self) -> SdkConfig {
        sdk(&self.url).await
    }
}

/// A configuration like the functions', with credentials that mean nothing, that calls `url`.
pub(crate) async fn sdk(url: &str) -> SdkConfig {
    let loader = aws::config::loader()
        .endpoint_url(url)
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    loader.load().await
}

/// A name that nobody else uses, for a table, a queue or a group.
pub(crate) fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("cicada-{what}-{}-{number}", std::process::id())
}

/// An address on this machine where nobody listens.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn ministack_command(address: SocketAddr, folder: &Path) -> Command {
    let mut command = keeper(folder);
    command
        .arg(root().join(".tools/aws/bin/ministack"))
        .env("GATEWAY_PORT", address.port().to_string())
        .env("BIND_HOST", address.ip().to_string())
        .env("LAMBDA_EXECUTOR", "local")
        .env("TMPDIR", folder)
        .env("S3_DATA_DIR", folder.join("s3"));
    command
}

fn dynamodb_command(address: SocketAddr, folder: &Path) -> Command {
    let place = root().join(".tools/dynamodb");
    let library = place.join("DynamoDBLocal_lib");
    let mut command = keeper(folder);
    command
        .arg("java")
        .arg(format!("-Djava.library.path={}", library.display()))
        .arg("-jar")
        .arg(place.join("DynamoDBLocal.jar"))
        .arg("-inMemory")
        .args(["-port", &address.port().to_string()]);
    command
}

fn keeper(folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER]).arg(folder);
    command.stdin(Stdio::piped());
    command
}

/// Installs a tool and starts it.
fn start(tool: &str, command: impl Fn(SocketAddr, &Path) -> Command) -> Emulator {
    install(tool);
    for _ in 0..STARTS {
        let address = free_address();
        let folder = folder(tool, address.port());
        let mut keeper = command(address, &folder).spawn().unwrap();
        if answers(address, &mut keeper) {
            return Emulator {
                url: format!("http://{address}"),
                _keeper: keeper,
            };
        }
    }
    panic!("{tool} does not start");
}

fn install(tool: &str) {
    let script = root().join("scripts/tools.sh");
    let status = Command::new(script).arg(tool).status().unwrap();
    assert!(status.success(), "{tool} cannot be installed: see above");
}

/// Waits until a server answers; false if its process ends before it does.
fn answers(address: SocketAddr, process: &mut Child) -> bool {
    for _ in 0..STARTS_WITHIN.as_millis() / LOOK_EVERY.as_millis() {
        if speaks_http(address) {
            return true;
        }
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
    false
}

fn speaks_http(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    stream.set_read_timeout(Some(STARTS_WITHIN)).unwrap();
    let mut answer = [0; 5];
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer == *b"HTTP/"
}

/// Where an emulator leaves its files, under `target`.
fn folder(tool: &str, port: u16) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{tool}-{port}"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
