//! Results in a real PostgreSQL, as docs/results.md has it: over TLS and with a password. It is away at first, and away
//! again later.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::{Client, Config, NoTls};

use crate::door::certified;
use crate::harness::{Cicada, LIMIT, targets};

const PASSWORD: &str = "open sesame/@:?";

/// The password as it stands in a URL.
const WRITTEN: &str = "open%20sesame%2F%40%3A%3F";

/// A cluster of databases in a folder, and its server while there is one.
struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// Makes the cluster; it is not started yet.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let (certificate, key) = certified(folder.path());
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        for path in [&certificate, &key, &password] {
            give_away(path);
        }
        give_away(folder.path());
        let mut initdb = program("initdb", folder.path());
        let options = "--username me --auth scram-sha-256 --encoding UTF8 --no-locale --no-sync";
        initdb
            .args(options.split(' '))
            .arg("--pwfile")
            .arg("password");
        let made = initdb.args(["--pgdata", "data"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        Self {
            folder,
            port,
            server: None,
        }
    }

    async fn start(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut server = program("postgres", self.folder.path());
        server.args(["-D", "data", "-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "ssl=on",
            "ssl_cert_file=../cert.pem",
            "ssl_key_file=../key.pem",
        ] {
            server.args(["-c", setting]);
        }
        self.server = Some(server.stderr(log).spawn().unwrap());
        let until = Instant::now() + LIMIT;
        while let Err(error) = self.asked().await {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            assert!(Instant::now() < until, "{error}: {log:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it as its own tools do: it breaks off what is under way, and leaves nothing to repair.
    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let id = server.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status();
        assert!(told.unwrap().success());
        server.wait().unwrap();
    }

    async fn asked(&self) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user("me");
        config.password(PASSWORD).dbname("postgres");
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn number(&self, statement: &str) -> i64 {
        let client = self.asked().await.unwrap();
        let row = client.query_one(statement, &[]).await.unwrap();
        row.get(0)
    }

    /// Waits until the table has more than so many rows.
    async fn until_more_than(&self, rows: i64) -> i64 {
        let until = Instant::now() + LIMIT;
        loop {
            let client = self.asked().await.unwrap();
            let counted = client.query_one("SELECT count(*) FROM cicada_results", &[]);
            // the table may not be there yet
            let counted = counted.await.map_or(0, |row| row.get(0));
            if counted > rows {
                return counted;
            }
            assert!(Instant::now() < until, "still {counted} rows");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program of PostgreSQL's, which starts for nobody who may do everything.
fn program(name: &str, folder: &Path) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/postgresql");
    let path: PathBuf = std::fs::canonicalize(path.join(name))
        .expect("PostgreSQL is missing: run `scripts/tools.sh postgresql`");
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]);
        command.arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Gives a file to the one who runs PostgreSQL.
fn give_away(path: &Path) {
    if is_root() {
        chown(path, Some(65_534), Some(65_534)).unwrap();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn a_database_that_is_away_gets_every_row_once_when_it_is_back() {
    let mut postgres = Postgres::new();
    let shop = targets(0.0).await;
    let url = format!(
        "postgres://me:{WRITTEN}@localhost:{}/postgres?sslmode=verify-full",
        postgres.port
    );
    let certificate = postgres.folder.path().join("cert.pem");
    let cicada = Cicada::new().at(&shop).env("CICADA_RESULTS", url);
    let cicada = cicada.env("SSL_CERT_FILE", certificate.display().to_string());
    let serving = cicada.args("--autostart -u 20 -r 20").serve().await;
    serving
        .until_logged("results cannot be written to postgres://localhost:")
        .await;
    postgres.start().await;
    serving.until_logged(" again").await;
    let rows = postgres.until_more_than(0).await;
    let of_tls = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                  WHERE ssl AND application_name = 'cicada'";
    assert_eq!(postgres.number(of_tls).await, 1);
    postgres.stop();
    let sent = serving.total().await;
    serving
        .until("/stats/requests", LIMIT, |statistics| {
            crate::harness::rows(statistics)["Aggregated"].0 > sent + 30
        })
        .await;
    postgres.start().await;
    postgres.until_more_than(rows + 30).await;
    serving.settle(LIMIT).await;
    let total = serving.total().await;
    let log = serving.log();
    let began = Instant::now();
    serving.terminate().await;
    assert!(began.elapsed() < Duration::from_secs(9));
    assert!(!log.contains("sesame"), "{log}");
    let count = "SELECT count(*) FROM cicada_results";
    assert_eq!(postgres.number(count).await, i64::try_from(total).unwrap());
    let columns = "SELECT count(*) FROM cicada_results WHERE started_at > now() - interval '1 hour' \
                   AND status BETWEEN 100 AND 599 AND response_time_ms > 0 AND task <> '' \
                   AND user_index >= 0 AND iteration >= 0 AND length(trace_id) = 32";
    assert!(postgres.number(columns).await > 0);
}
