//! Runs a test of this binary in a process of its own: to kill it, or to give it another user,
//! folder or file system.
//!
//! Such a test is `#[ignore]`d, and takes what it needs from environment variables.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const NOBODY: u32 = 65_534;

/// A command that runs the ignored test `name`.
pub(crate) fn child(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments(name));
    command
}

/// The same, in a shell that runs `script` first, with mounts of its own; none if the system does
/// not let us have them.
pub(crate) fn child_with_mounts(name: &str, script: &str) -> Option<Command> {
    let isolated = ["--user", "--map-root-user", "--mount"];
    let allowed = Command::new("unshare").args(isolated).arg("true").output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped in part: unshare(1) cannot make a mount namespace here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(isolated).args(["sh", "-ec"]);
    command.arg(format!("{script}; exec \"$0\" \"$@\""));
    command.arg(std::env::current_exe().unwrap());
    command.args(arguments(name));
    Some(command)
}

/// The same as [`child`], as somebody whom permissions stop: root may write everywhere.
pub(crate) fn unprivileged_child(name: &str, folder: &Path) -> Command {
    if std::fs::metadata(folder).unwrap().uid() != 0 {
        return child(name);
    }
    let copy = executable_copy(folder);
    let mut command = Command::new(copy);
    command.args(arguments(name)).uid(NOBODY).gid(NOBODY);
    command
}

/// What a child printed after `marker`, line by line.
pub(crate) fn lines_after(marker: &str, output: &[u8]) -> Vec<String> {
    let output = String::from_utf8_lossy(output);
    let lines = output.lines().filter_map(|line| {
        // the test harness may have printed the test's name before it
        line.split_once(marker).map(|(_, rest)| rest.to_owned())
    });
    lines.collect()
}

/// What the parent of a child has set.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn arguments(name: &str) -> [&str; 5] {
    [
        "--exact",
        name,
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]
}

/// The folder that this binary lies in may be closed to others.
fn executable_copy(folder: &Path) -> PathBuf {
    let copy = folder.join("adapters");
    if !copy.exists() {
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    }
    let open_to_all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, open_to_all.clone()).unwrap();
    std::fs::set_permissions(&copy, open_to_all).unwrap();
    copy
}
