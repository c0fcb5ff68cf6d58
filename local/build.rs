//! Sets `CICADA_VERSION`, which `cicada -V` prints: the version, and the commit that it was built from.
//!
//! The commit is `CICADA_COMMIT` if that is set, as it is for container images. Otherwise it is the one that
//! `cargo package` noted beside the sources, or a release build asks git; a debug build has none: it would be
//! compiled anew after every commit.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CICADA_COMMIT");
    let given = std::env::var("CICADA_COMMIT").ok();
    let commit = given.map(|commit| commit.trim().to_owned());
    let commit = commit.filter(|commit| !commit.is_empty());
    let commit = commit.or_else(commit_of_the_package).or_else(|| {
        let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
        is_release.then(commit_of_the_sources).flatten()
    });
    let version = env!("CARGO_PKG_VERSION");
    match commit {
        Some(commit) => println!("cargo:rustc-env=CICADA_VERSION={version} ({commit})"),
        None => println!("cargo:rustc-env=CICADA_VERSION={version}"),
    }
}

/// The commit that `cargo package` noted; `None` for sources that are no package.
fn commit_of_the_package() -> Option<String> {
    let note = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cargo_vcs_info.json");
    let note = std::fs::read_to_string(note).ok()?;
    let (_, commit) = note.split_once(r#""sha1": ""#)?;
    commit.get(..10).map(str::to_owned)
}

/// The commit that is checked out; `None` without git, and for sources that are only unpacked.
fn commit_of_the_sources() -> Option<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let top = git(&["rev-parse", "--show-toplevel"])?;
    // sources that lie in somebody else's repository
    if Path::new(&top).canonicalize().ok()? != workspace.canonicalize().ok()? {
        return None;
    }
    // git writes a line into this file with each commit and each checkout
    let log = git(&[
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "logs/HEAD",
    ])?;
    // cargo runs the script each time where the file is missing
    if Path::new(&log).exists() {
        println!("cargo:rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=10", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned())
}
