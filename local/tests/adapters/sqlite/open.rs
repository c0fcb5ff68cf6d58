//! Files that cannot be opened: each says in one line what is wrong with it and what to do.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use local::store::SqliteStore;
use rusqlite::Connection;
use traffic::clock::Clock;
use traffic::ports::{RecordStore as _, StoreError};

use super::{open, record, records, run};
use crate::child::{child, lines_after, unprivileged_child, variable};

const FILE: &str = "CICADA_TEST_FILE";

/// Opens the file that the parent names, and says what came of it.
#[test]
#[ignore = "run in a process of its own by other tests"]
fn opens_and_says_what_came_of_it() {
    println!("opened: {}", opening(Path::new(&variable(FILE))));
}

/// What the user is told, or "ok".
fn opening(file: &Path) -> String {
    match SqliteStore::open(file, Clock::system()) {
        Ok(_) => "ok".into(),
        Err(error) => error.to_string(),
    }
}

fn opening_in(mut child: std::process::Command, file: &Path) -> String {
    child.env(FILE, file);
    let began = tokio::time::Instant::now();
    let output = loop {
        match child.output() {
            // another test's child has the copy open for writing until it is itself
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                assert!(
                    began.elapsed() < std::time::Duration::from_secs(60),
                    "{error}"
                );
                std::thread::yield_now();
            }
            output => break output.unwrap(),
        }
    };
    let said = lines_after("opened: ", &output.stdout);
    assert_eq!(said.len(), 1, "{output:?}");
    said[0].clone()
}

const OPENS: &str = "sqlite::open::opens_and_says_what_came_of_it";

#[test]
fn a_database_in_use_by_another_process_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let first = open(&file);
    let said = opening_in(child(OPENS), &file);
    let expected = format!(
        "another cicada is using {}: stop it or choose another --db",
        file.display()
    );
    assert_eq!(said, expected);
    // and in the same process
    assert_eq!(opening(&file), expected);
    drop(first);
    assert_eq!(opening_in(child(OPENS), &file), "ok");
}

#[test]
fn what_is_not_a_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    for content in ["just some notes\n".repeat(500), "x".into()] {
        std::fs::write(&file, &content).unwrap();
        let expected = "is not a database: choose another --db";
        assert_eq!(opening(&file), format!("{} {expected}", file.display()));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    std::fs::write(&file, "").unwrap();
    assert_eq!(opening(&file), "ok");
    assert_eq!(opening(&file), "ok");
}

#[test]
fn a_database_of_another_program_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mark = "PRAGMA application_id = 7";
    for (name, sql) in [("a", "CREATE TABLE songs (title)"), ("b", mark)] {
        let file = folder.path().join(name);
        let other = Connection::open(&file).unwrap();
        other.execute_batch(sql).unwrap();
        other.close().unwrap();
        let content = std::fs::read(&file).unwrap();
        let expected = "is a database, but not one of cicada's: choose another --db";
        assert_eq!(opening(&file), format!("{} {expected}", file.display()));
        assert_eq!(std::fs::read(&file).unwrap(), content);
    }
}

#[tokio::test]
async fn a_truncated_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let store = open(&file);
    store.put_record(record(1, 0, 100_000)).await.unwrap();
    drop(store);
    let length = std::fs::metadata(&file).unwrap().len();
    let handle = std::fs::OpenOptions::new().write(true).open(&file);
    handle.unwrap().set_len(length / 2).unwrap();
    let expected = "is damaged: move it away and start afresh, or choose another --db";
    assert_eq!(opening(&file), format!("{} {expected}", file.display()));
}

#[tokio::test]
async fn damage_that_is_met_later_is_told_with_the_files_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let store = open(&file);
    for sequence in 0..300 {
        store.put_record(record(1, sequence, 3_000)).await.unwrap();
    }
    drop(store);
    // all but the pages that say what tables there are
    let mut content = std::fs::read(&file).unwrap();
    content[20 * 4_096..].fill(0xa5);
    std::fs::write(&file, content).unwrap();

    let store = open(&file);
    let read = store
        .records(&run(), 1, super::BUCKET, None)
        .await
        .unwrap_err();
    is_corrupt(&read, &file);
    let written = store.put_record(record(2, 0, 3_000)).await.unwrap_err();
    is_corrupt(&written, &file);
}

#[track_caller]
fn is_corrupt(error: &StoreError, file: &Path) {
    let StoreError::Corrupt(source) = error else {
        panic!("not corrupt, but {error:?}");
    };
    let said = source.to_string();
    assert!(said.starts_with(&format!("{}: ", file.display())), "{said}");
}

#[test]
fn a_folder_that_is_missing_or_is_the_file_itself_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let expected = "does not exist: create it or choose another --db";
    assert_eq!(
        opening(&missing.join("cicada.db")),
        format!("the folder {} {expected}", missing.display())
    );
    let expected = "is a folder: name a file in it with --db";
    assert_eq!(
        opening(folder.path()),
        format!("{} {expected}", folder.path().display())
    );
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let said = opening(&file.join("cicada.db"));
    assert_eq!(
        said,
        format!("{} is not a folder: choose another --db", file.display())
    );
}

#[test]
fn an_empty_name_is_no_file() {
    let expected = "no file is named: give one with --db";
    assert_eq!(opening(Path::new("")), expected);
}

#[test]
fn names_that_mean_something_to_sqlite_are_names_of_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:x.db?mode=memory", "ä ö.db"] {
        let mut command = child(OPENS);
        command.current_dir(folder.path());
        assert_eq!(opening_in(command, Path::new(name)), "ok");
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn a_file_that_may_not_be_written_or_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    drop(open(&file));
    for mode in [0o444, 0o000] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = opening_in(unprivileged_child(OPENS, folder.path()), &file);
        let expected = "cannot be written: make it writable or choose another --db";
        assert_eq!(said, format!("{} {expected}", file.display()), "{mode:o}");
    }
}

#[test]
fn a_folder_that_may_not_be_written_says_so() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("closed");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("cicada.db");
    let expect = |mode| {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = opening_in(unprivileged_child(OPENS, outer.path()), &file);
        let expected = "make the folder writable or choose another --db";
        assert_eq!(
            said,
            format!("no file can be created in {}: {expected}", folder.display())
        );
    };
    expect(0o555);
    // a file that is writable itself does not help: the write-ahead log lies beside it
    drop(open(&file));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    expect(0o555);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_file_that_is_taken_away_in_use_is_missed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let elsewhere = folder.path().join("elsewhere.db");
    let store = open(&file);
    store.put_record(record(1, 0, 10)).await.unwrap();
    std::fs::rename(&file, &elsewhere).unwrap();
    let error = store.put_record(record(1, 1, 10)).await.unwrap_err();
    let StoreError::Unavailable(source) = error else {
        panic!("{error:?}");
    };
    let said = source.to_string();
    let file_name = file.display().to_string();
    assert!(
        said.starts_with(&file_name) && said.contains("put it back"),
        "{said}"
    );
    std::fs::rename(&elsewhere, &file).unwrap();
    store.put_record(record(1, 1, 10)).await.unwrap();
    assert_eq!(records(&store).await.len(), 2);
}
