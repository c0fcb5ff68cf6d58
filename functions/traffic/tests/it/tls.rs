//! TLS to targets as a workload says it, at servers on OpenSSL, with certificates that the openssl command
//! has made.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use reqwest::{Method, Request};
use serde_json::{Value, json};
use tempfile::TempDir;
use traffic::clock::Clock;
use traffic::transport::{Http, HttpSettings, RequestContext, Transport as _};
use traffic::workload::{FOLDER, Workload};

/// A folder with certificates.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs commands in the folder.
    fn shell(&self, commands: &str) -> &Self {
        let done = Command::new("sh")
            .args(["-e", "-c", commands])
            .current_dir(&self.0)
            .output()
            .expect("sh");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{commands}: {said}");
        self
    }

    /// An authority `ca.pem`, what it has issued for 127.0.0.1 (`cert.pem`, `key.pem`), and for a client
    /// called me (`me.pem`, `me.key`).
    fn issued() -> Self {
        let folder = Self::new();
        folder.shell(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem
             openssl req -newkey rsa:2048 -nodes -subj /CN=server -keyout key.pem -out server.csr
             echo subjectAltName=IP:127.0.0.1 >names
             openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out cert.pem
             openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=me -keyout me.key -out me.csr
             openssl x509 -req -in me.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out me.pem",
        );
        folder
    }

    /// The certificate of the recipe in `docs/security.md`, as it stands there.
    fn of_the_guide() -> Self {
        let guide =
            std::fs::read_to_string(testing::tools::root().join("docs/security.md")).unwrap();
        let (_, recipe) = guide.split_once("\nopenssl req -x509").expect("a recipe");
        let (recipe, _) = recipe.split_once("-out cert.pem\n").expect("its end");
        let folder = Self::new();
        folder.shell(&format!("openssl req -x509{recipe}-out cert.pem"));
        folder
    }
}

/// A server in Python.
struct Server(Child, u16);

impl Server {
    fn start(folder: &Folder, options: &[&str]) -> Self {
        let mut child = testing::tools::oracle("tls_server.py")
            .args(["cert.pem", "key.pem"])
            .args(options)
            .current_dir(&folder.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut port).unwrap();
        let port = port.trim().parse().expect("a port");
        Self(child, port)
    }

    /// What it answers a class whose host has these settings, or why it does not.
    async fn answers(&self, folder: &Folder, settings: &str) -> Result<Value, String> {
        self.answers_at("127.0.0.1", folder, settings).await
    }

    async fn answers_at(
        &self,
        name: &'static str,
        folder: &Folder,
        settings: &str,
    ) -> Result<Value, String> {
        let url = format!("https://{name}:{}", self.1);
        let workload = read(&workload(&url, settings), folder);
        let workload = workload.unwrap_or_else(|error| panic!("{error}"));
        self.answers_as(&workload, &url).await
    }

    /// What it answers the first class of a workload at a base URL.
    async fn answers_as(&self, workload: &Workload, url: &str) -> Result<Value, String> {
        let tls = workload.classes()[0].host().tls(&url.parse().unwrap());
        let context = RequestContext {
            tls: tls.map(|tls| Arc::clone(tls.config())),
            keep_body: true,
            ..RequestContext::default()
        };
        let http = Http::new(Clock::system(), HttpSettings::default()).unwrap();
        let request = Request::new(Method::GET, url.parse().unwrap());
        let reply = http.send(request, &context).await?;
        Ok(serde_json::from_slice(&reply.body).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn workload(url: &str, settings: &str) -> String {
    format!(
        "[hosts.h]\nurl = '{url}'\n{settings}\n[class.A]\nwait = 'constant(1)'\ntask.t.request = '/'\n"
    )
}

/// Reads a workload whose files are in a folder; the variable `PEM` is set to the text of `me.key`, and
/// `PEM_FILE` to its name.
fn read(source: &str, folder: &Folder) -> Result<Workload, String> {
    let variable = |name: &str| match name {
        FOLDER => Some(folder.0.path().display().to_string()),
        "PEM" => Some(folder.text("me.key").replace('\n', "\\n")),
        "PEM_FILE" => Some("me.key".into()),
        _ => None,
    };
    Workload::parse(source, "w.toml", &variable).map_err(|errors| errors.to_string())
}

#[tokio::test]
async fn the_recipe_of_the_guide_makes_a_certificate_that_is_accepted_where_it_is_trusted() {
    let folder = Folder::of_the_guide();
    let server = Server::start(&folder, &[]);
    for name in ["127.0.0.1", "localhost"] {
        let answer = server.answers_at(name, &folder, "ca = 'cert.pem'").await;
        assert_eq!(answer.unwrap()["tls"], "TLSv1.3");
    }
    let absolute = format!("ca = '{}'", folder.path("cert.pem").display());
    server.answers(&folder, &absolute).await.unwrap();
    let inline = format!("ca = '''\n{}'''", folder.text("cert.pem"));
    server.answers(&folder, &inline).await.unwrap();
    server.answers(&folder, "insecure = true").await.unwrap();
    let other = Folder::of_the_guide();
    assert_eq!(
        server.answers(&other, "ca = 'cert.pem'").await,
        Err(
            "cannot connect: self-signed certificate: trust it with `ca`, or set `insecure`".into()
        )
    );
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken() {
    let folder = Folder::issued();
    for (version, spoken) in [("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")] {
        let server = Server::start(&folder, &["--only", version]);
        for settings in [
            "ca = 'ca.pem'",
            "insecure = true",
            "insecure = false\nca = 'ca.pem'",
        ] {
            let answer = server.answers(&folder, settings).await;
            assert_eq!(
                answer,
                Ok(json!({ "tls": spoken, "client": null })),
                "{settings}"
            );
        }
    }
}

#[tokio::test]
async fn a_target_that_wants_a_client_certificate_gets_it() {
    let folder = Folder::issued();
    folder
        .shell("cat me.pem me.key >both.pem; openssl pkcs8 -topk8 -nocrypt -in me.key -out me.p8");
    for version in ["1.2", "1.3"] {
        let server = Server::start(&folder, &["--clients", "ca.pem", "--only", version]);
        let client = |settings: &str| format!("ca = 'ca.pem'\n{settings}");
        for settings in [
            "client_cert = 'me.pem'\nclient_key = 'me.key'",
            "client_cert = 'me.pem'\nclient_key = 'me.p8'",
            "client_cert = 'both.pem'\nclient_key = 'both.pem'",
            "client_cert = 'me.pem'\nclient_key = { env = 'PEM' }",
            "client_cert = 'me.pem'\nclient_key.env = 'PEM_FILE'",
            &format!(
                "client_cert = '''{}'''\nclient_key = 'me.key'",
                folder.text("me.pem")
            ),
        ] {
            let answer = server.answers(&folder, &client(settings)).await;
            assert_eq!(answer.expect(settings)["client"], "me", "{settings}");
        }
        let insecure = "insecure = true\nclient_cert = 'me.pem'\nclient_key = 'me.key'";
        let answer = server.answers(&folder, insecure).await;
        assert_eq!(answer.unwrap()["client"], "me");
        let without = server.answers(&folder, "ca = 'ca.pem'").await.unwrap_err();
        let wanted = match version {
            "1.2" => {
                "cannot connect: the target refuses the TLS handshake: it wants a client certificate (`client_cert`), or another cipher"
            }
            _ => "the target wants a client certificate: set `client_cert` and `client_key`",
        };
        assert_eq!(without, wanted);
        let stranger = Folder::issued();
        let unknown = format!(
            "insecure = true\nclient_cert = '{}'\nclient_key = '{}'",
            stranger.path("me.pem").display(),
            stranger.path("me.key").display()
        );
        let refused = server.answers(&folder, &unknown).await.unwrap_err();
        let reason = "the target refuses the client certificate: it does not trust its issuer";
        // OpenSSL says no more of an issuer that it has never heard of
        let silent = "the target refuses the client certificate: it is not accepted";
        assert!(
            refused.ends_with(reason) || refused.ends_with(silent),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn at_an_origin_that_the_workload_does_not_name_no_more_holds_than_whom_it_trusts() {
    let folder = Folder::issued();
    let server = Server::start(&folder, &["--wants", "ca.pem"]);
    let here = format!("https://127.0.0.1:{}", server.1);
    let client = "client_cert = 'me.pem'\nclient_key = 'me.key'";
    let trusting = format!("ca = 'ca.pem'\n{client}");
    let answers = async |named: &str, settings: &str| {
        let workload = read(&workload(named, settings), &folder).expect(settings);
        server.answers_as(&workload, &here).await
    };
    let named = answers(&here, &trusting).await.expect("it is trusted");
    assert_eq!(named["client"], "me");
    // another port, name or scheme of the same machine is another origin, too
    for elsewhere in [
        "https://shop.test",
        "https://127.0.0.1:1",
        &format!("https://localhost:{}", server.1),
        &format!("http://127.0.0.1:{}", server.1),
    ] {
        let answer = answers(elsewhere, &trusting).await.expect("it is trusted");
        assert_eq!(answer["client"], Value::Null, "{elsewhere}");
        for settings in [
            "insecure = true",
            &format!("insecure = true\n{client}"),
            client,
        ] {
            let refused = answers(elsewhere, settings).await.expect_err(settings);
            assert!(
                refused.contains("is not trusted") || refused.contains("unknown issuer"),
                "{refused}"
            );
        }
    }
}

/// What is said of a host with these settings.
#[track_caller]
fn mistake(folder: &Folder, settings: &str, line: usize, expected: &str) {
    let errors = read(&workload("https://h", settings), folder).expect_err(settings);
    assert_eq!(
        errors,
        format!("w.toml:{line}: host `h`{expected}"),
        "{settings}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_cannot_be_used_is_named_with_its_line() {
    let folder = Folder::issued();
    folder.shell("openssl pkcs8 -topk8 -passout pass:x -in me.key -out locked.key");
    folder.write("empty.pem", "nothing to see");
    let broken = folder.text("ca.pem").replacen("MII", "AAA", 1);
    folder.write("broken.pem", format!("{}{broken}", folder.text("cert.pem")));
    let at = |name: &str| folder.path(name).display().to_string();
    let wrong = |settings: &str, line, expected: &str| mistake(&folder, settings, line, expected);
    wrong(
        "ca = 'missing.pem'",
        3,
        &format!(
            ", `ca`: {} cannot be used: it cannot be read: No such file or directory (os error 2)",
            at("missing.pem")
        ),
    );
    let nothing = "cannot be used: there is no certificate in PEM in it: look for a line -----BEGIN CERTIFICATE-----";
    wrong(
        "ca = 'empty.pem'",
        3,
        &format!(", `ca`: {} {nothing}", at("empty.pem")),
    );
    wrong(
        "ca = 'me.key'",
        3,
        &format!(", `ca`: {} {nothing}", at("me.key")),
    );
    wrong(
        "ca = '-----BEGIN NOTHING-----'",
        3,
        ", `ca`: the text cannot be used: certificate number 1 in it is damaged: copy it again",
    );
    wrong(
        "ca = '/dev/zero'",
        3,
        ", `ca`: /dev/zero cannot be used: it is no file of up to 4 MiB",
    );
    wrong(
        "ca = 'broken.pem'",
        3,
        &format!(
            ", `ca`: {} cannot be used: certificate number 2 in it is damaged: copy it again",
            at("broken.pem")
        ),
    );
    wrong(
        "client_key = 'me.key'",
        1,
        ": it has no `client_cert`: a client certificate needs `client_cert` and `client_key`, which may be one file",
    );
    wrong(
        "client_cert = 'me.pem'",
        1,
        ": it has no `client_key`: a client certificate needs `client_cert` and `client_key`, which may be one file",
    );
    wrong(
        "client_cert = 'me.pem'\nclient_key = 'key.pem'",
        4,
        ", `client_key`: the certificate of `client_cert` is damaged, or of another key: name two that were made together",
    );
    wrong(
        "client_cert = 'cert.pem'\nclient_key = 'me.key'",
        4,
        ", `client_key`: it is not the key of `client_cert`: name two that were made together",
    );
    wrong(
        "client_cert = 'me.pem'\nclient_key = 'locked.key'",
        4,
        &format!(
            ", `client_key`: {} cannot be used: the private key in it has a passphrase: take it off with openssl pkey \
             -in OLD -out NEW",
            at("locked.key")
        ),
    );
    wrong(
        "client_cert = 'me.pem'\nclient_key = { env = 'UNSET' }",
        4,
        ", `client_key`: the environment variable UNSET is not set here",
    );
    wrong(
        "client_cert = 'me.pem'\nclient_key = { file = 'me.key', env = 'PEM' }",
        4,
        ", `client_key` has an unknown key `file`: write one of `env`",
    );
    wrong(
        "insecure = true\nca = 'ca.pem'",
        1,
        ": `insecure` takes any certificate: leave out `ca`, or `insecure`",
    );
    wrong(
        "insecure = 'yes'",
        3,
        ", `insecure` is \"yes\": write true or false",
    );
    wrong(
        "ca = 7",
        3,
        ", `ca` is 7: write the name of a PEM file, a PEM text, or { env = \"NAME\" } for a variable with either",
    );
}

#[test]
fn a_private_key_in_the_workloads_text_is_refused_and_not_repeated() {
    let folder = Folder::issued();
    let key = folder.text("me.key");
    let settings = format!("client_cert = 'me.pem'\nclient_key = '''\n{key}'''");
    mistake(
        &folder,
        &settings,
        4,
        ", `client_key` holds the key itself, which whoever may read this file or /workload would see: name a file, \
         or a variable with { env = \"NAME\" }",
    );
    // wherever else it is put, its lines are not shown either
    let secret = key.lines().nth(1).unwrap();
    for settings in [
        format!("ca = '''{key}'''"),
        format!("client_cert = '''{key}'''\nclient_key = 'me.key'"),
    ] {
        let said = read(&workload("https://h", &settings), &folder).unwrap_err();
        assert!(!said.contains(secret), "{said}");
    }
}
