//! Web servers from elsewhere as processes of their own, each with the demo's agent on it; see `tests/servers`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::harness::LIMIT;

/// A server, and how it treats connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Closes after each answer, and does not say so.
    UwsgiHttp,
    /// Speaks HTTP/1.0 to what it takes for a proxy, and closes after each answer.
    UwsgiHttpSocket,
    /// Closes after 2 s.
    Gunicorn,
    /// Closes after three requests, and after 1 s.
    Nginx,
    /// Closes after its usual 5 s.
    Node,
    /// Closes after 1 s.
    NodeOneSecond,
    /// Closes after each answer.
    PythonHttp10,
    /// Closes after 1 s.
    PythonHttp11,
}

/// One that serves until it is dropped.
pub(crate) struct Server {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::UwsgiHttp,
        Self::UwsgiHttpSocket,
        Self::Gunicorn,
        Self::Nginx,
        Self::Node,
        Self::NodeOneSecond,
        Self::PythonHttp10,
        Self::PythonHttp11,
    ];

    /// After how many idle seconds it closes a connection; a short time where it keeps none.
    pub(crate) fn idle_limit(self) -> f64 {
        match self {
            Self::UwsgiHttp | Self::UwsgiHttpSocket | Self::PythonHttp10 => 0.5,
            Self::Nginx | Self::NodeOneSecond | Self::PythonHttp11 => 1.0,
            Self::Gunicorn => 2.0,
            Self::Node => 5.0,
        }
    }

    fn command(self, port: u16, folder: &Path) -> Command {
        let address = format!("127.0.0.1:{port}");
        let app = scripts().join("app.py");
        let uwsgi = |protocol: &str| {
            let mut command = tool("servers", ".tools/servers/bin/uwsgi");
            command.args([protocol, &address, "--wsgi-file"]).arg(&app);
            command.args("--master --processes 2 --threads 4 --need-app".split(' '));
            command.args(["--disable-logging", "--listen", "100"]);
            command
        };
        let node = |arguments: &[&str]| {
            let mut command = Command::new("node");
            command.arg(scripts().join("node.js")).arg(port.to_string());
            command.args(arguments);
            command
        };
        let python = |protocol: &str| {
            let mut command = tool("servers", ".tools/servers/bin/python");
            command.arg(scripts().join("plain.py"));
            command.args([&port.to_string(), protocol, "1"]);
            command
        };
        match self {
            Self::UwsgiHttp => uwsgi("--http"),
            Self::UwsgiHttpSocket => uwsgi("--http-socket"),
            Self::Gunicorn => {
                let mut command = tool("servers", ".tools/servers/bin/gunicorn");
                command.args(["--bind", &address, "--keep-alive", "2"]);
                command.args("--workers 2 --threads 4 --log-level error app".split(' '));
                command.current_dir(scripts());
                command
            }
            Self::Nginx => {
                let template = std::fs::read_to_string(scripts().join("nginx.conf")).unwrap();
                let text = template
                    .replace("PORT", &port.to_string())
                    .replace("ARRIVALS", &folder.join("arrivals").display().to_string())
                    .replace("FOLDER", &folder.display().to_string());
                let file = folder.join("nginx.conf");
                std::fs::write(&file, text).unwrap();
                let mut command = tool("nginx", ".tools/nginx/nginx");
                command.arg("-c").arg(file).arg("-p").arg(folder);
                command.arg("-e").arg(folder.join("error.log"));
                command
            }
            Self::Node => node(&[]),
            Self::NodeOneSecond => node(&["1000"]),
            Self::PythonHttp10 => python("HTTP/1.0"),
            Self::PythonHttp11 => python("HTTP/1.1"),
        }
    }
}

impl Server {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(kind: Kind) -> Self {
        // the port may be taken between finding and using it
        for _ in 0..5 {
            if let Some(server) = Self::started(kind).await {
                return server;
            }
        }
        panic!("{kind:?} did not start");
    }

    async fn started(kind: Kind) -> Option<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = kind.command(port, folder.path());
        command
            .env("ARRIVALS", folder.path().join("arrivals"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{kind:?} is not installed: {error}"));
        let mut server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            folder,
        };
        let began = Instant::now();
        while !answers(port).await {
            if server.child.try_wait().unwrap().is_some() {
                eprintln!("{kind:?} ended: {}", server.log());
                return None;
            }
            assert!(began.elapsed() < LIMIT, "{kind:?}: {}", server.log());
            sleep(Duration::from_millis(50)).await;
        }
        Some(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How often each request arrived, by its `X-Request`; what has none was not sent by the traffic.
    pub(crate) fn arrivals(&self) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(self.folder.path().join("arrivals")).unwrap();
        let mut arrivals = BTreeMap::new();
        for line in text.lines() {
            let name = line.split(' ').next().unwrap();
            if name != "-" {
                *arrivals.entry(name.to_owned()).or_default() += 1;
            }
        }
        arrivals
    }

    fn log(&self) -> String {
        ["log", "error.log"]
            .map(|name| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default())
            .concat()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // its workers too, which would outlive it
        if let Some(id) = self.child.id() {
            let group = format!("-{id}");
            let _ = std::process::Command::new("kill")
                .args(["-KILL", "--", &group])
                .status();
        }
    }
}

/// The repository's file.
pub(crate) fn repository(path: &str) -> PathBuf {
    let crate_ = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_.parent().unwrap().join(path)
}

/// Where the servers' programs lie.
pub(crate) fn scripts() -> PathBuf {
    repository("tests/servers")
}

/// A program that `scripts/tools.sh` installs.
pub(crate) fn tool(name: &str, path: &str) -> Command {
    let program = repository(path);
    assert!(
        program.exists(),
        "{} is missing: run `scripts/tools.sh {name}`",
        program.display()
    );
    Command::new(program)
}

/// Whether it answers a request on a new connection.
async fn answers(port: u16) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(LIMIT, asked).await;
    matches!(answer, Ok(Ok(answer)) if answer.starts_with(b"HTTP/1."))
}
