//! A headless run on a terminal, as `script` makes one: what is on its screen, its colours, and its keys.

use std::path::Path;
use std::process::Stdio;

use testing::Recorder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::harness::LIMIT;

const ROWS: u16 = 24;

const WORKLOAD: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "SHOP_URL"
[class.Shopper]
wait = "constant_pacing(0.5)"
task.look.request = { path = "/a", name = "/a/path/that/is/much/longer/than/what/eighty/columns/leave/for/the/name/of/a/request" }
[class.Broken]
wait = "constant_pacing(0.5)"
task.look.request = "GET /broken"
"#;

/// A terminal with a program in it.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    output: ChildStdout,
    screen: vt100::Parser,
    written: String,
}

impl Terminal {
    /// Runs a line of the shell in which `cicada` stands for a headless run of the workload.
    fn start(
        line: &str,
        columns: u16,
        variables: &[(&str, &str)],
        recorder: &Recorder,
        folder: &Path,
    ) -> Self {
        let workload = folder.join("workload.toml");
        std::fs::write(&workload, WORKLOAD).unwrap();
        let cicada = format!(
            "{} --headless -f {} --seed 1",
            env!("CARGO_BIN_EXE_cicada"),
            workload.display()
        );
        let line = line.replace("cicada", &cicada);
        let line = format!("stty rows {ROWS} cols {columns}; {line}");
        let mut child = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR")
            .env_remove("CLICOLOR_FORCE")
            .env("TERM", "xterm-256color")
            .env("SHOP_URL", recorder.url())
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            keys: child.stdin.take().unwrap(),
            output: child.stdout.take().unwrap(),
            child,
            screen: vt100::Parser::new(ROWS, columns, 0),
            written: String::new(),
        }
    }

    /// Reads what is written until it is as wanted.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let mut bytes = [0; 4096];
        while !is_so(self) {
            let read = timeout(LIMIT, self.output.read(&mut bytes)).await;
            let count = read.expect("in time").unwrap_or(0);
            assert!(count > 0, "{what} never came: {}", self.written);
            self.screen.process(&bytes[..count]);
            self.written
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    async fn until_written(&mut self, text: &str) {
        self.until(text, |terminal| terminal.written.contains(text))
            .await;
    }

    fn lines(&self) -> Vec<String> {
        let screen = self.screen.screen();
        screen.rows(0, screen.size().1).collect()
    }

    async fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.unwrap();
        self.keys.flush().await.unwrap();
    }

    /// The exit code, once all is read.
    async fn ends(&mut self) -> i32 {
        let mut rest = Vec::new();
        let read = self.output.read_to_end(&mut rest);
        // a terminal that is gone is an error on some systems, and an end on others
        let _ = timeout(LIMIT, read).await.expect("in time");
        self.screen.process(&rest);
        self.written.push_str(&String::from_utf8_lossy(&rest));
        self.child.wait().await.unwrap().code().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_fit_the_terminal_and_are_drawn_in_place() {
    for columns in [80, 120, 200] {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start().await;
        let line = "cicada -u 6 -r 100 -t 4";
        let mut terminal = Terminal::start(line, columns, &[], &recorder, folder.path());
        let progress = |line: &String| line.starts_with("running  0:00:0");
        terminal
            .until("the third second", |terminal| {
                let lines = terminal.lines();
                lines
                    .iter()
                    .any(|line| line.starts_with("running  0:00:03 of 0:00:04  6 users  "))
            })
            .await;
        let lines = terminal.lines();
        let headings = lines.iter().filter(|line| line.contains("# fails"));
        assert_eq!(headings.count(), 1, "{lines:#?}");
        assert_eq!(
            lines.iter().filter(|line| progress(line)).count(),
            1,
            "{lines:#?}"
        );
        // the log is above the block
        let logged = lines
            .iter()
            .position(|line| line.contains("All users spawned"));
        let heading = lines.iter().position(|line| line.starts_with("Name  "));
        assert!(logged.unwrap() < heading.unwrap(), "{lines:#?}");
        let of_name = lines.iter().filter(|line| line.starts_with("GET /a/path"));
        assert_eq!(of_name.count(), 1, "{lines:#?}");
        let is_whole = lines[heading.unwrap()].contains("failures/s");
        assert_eq!(is_whole, columns > 80, "{lines:#?}");

        assert_eq!(terminal.ends().await, 1);
        let lines = terminal.lines();
        assert!(!lines.iter().any(progress), "{lines:#?}");
        let ledger = lines.iter().filter(|line| line.starts_with("Ledger: "));
        assert_eq!(ledger.count(), 1, "{lines:#?}");
        assert!(
            lines.iter().any(|line| line.starts_with("Error report")),
            "{lines:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_shown_unless_somebody_does_not_want_them() {
    let none: [(&str, &str); 0] = [];
    for (variables, has_colours, is_drawn_in_place) in [
        (&none[..], true, true),
        (&[("NO_COLOR", "1")], false, true),
        (&[("CLICOLOR", "0")], false, true),
        (&[("TERM", "dumb")], false, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start().await;
        let line = "cicada -u 2 -r 100 -t 3";
        let mut terminal = Terminal::start(line, 120, variables, &recorder, folder.path());
        terminal.ends().await;
        let written = &terminal.written;
        let coloured = ["\u{1b}[31m", "\u{1b}[36m"].map(|colour| written.contains(colour));
        assert_eq!(coloured, [has_colours; 2], "{variables:?}: {written}");
        // elsewhere it is Locust's table, every two seconds
        let is_locusts = written.contains("Type     Name");
        assert_eq!(is_locusts, !is_drawn_in_place, "{variables:?}: {written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_add_and_take_away_users() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::start().await;
    // the terminal is as it was when the program has ended
    let line = "trap : INT; cicada -u 2 -r 100 Shopper; stty -a";
    let mut terminal = Terminal::start(line, 120, &[], &recorder, folder.path());
    terminal.until_written("(2 total users)").await;
    for (key, users) in [("w", 3), ("W", 13), ("S", 3), ("x", 3), ("s", 2), ("S", 0)] {
        terminal.written.clear();
        terminal.press(key).await;
        if key != "x" {
            terminal
                .until_written(&format!("({users} total users)"))
                .await;
        }
    }
    terminal.press("\u{3}").await;
    terminal.until_written("Shutting down").await;
    terminal.ends().await;
    let (_, modes) = terminal.written.rsplit_once("speed").expect("modes");
    let modes: Vec<&str> = modes.split([' ', ';', '\r', '\n']).collect();
    for mode in ["icanon", "echo", "isig"] {
        assert!(modes.contains(&mode), "{mode}: {modes:?}");
    }
}
