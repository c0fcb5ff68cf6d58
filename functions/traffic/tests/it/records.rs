//! Pools from files: which records they have, which of them an iteration gets, and what is wrong with a file.

use std::collections::BTreeSet;

use traffic::workload::{FOLDER, Workload, WorkloadErrors};

use super::iteration;

const USERS: &str = "name,pass word\nann,a1\nbob,\"b,2\"\ncleo,c3\n";

/// A workload whose folder has one file; `task` is the rest of its task.
fn parse(pool: &str, content: &[u8], task: &str) -> Result<Workload, WorkloadErrors> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), content).unwrap();
    let at = folder.path().to_str().unwrap().to_owned();
    let variables = |name: &str| (name == FOLDER).then(|| at.clone());
    let source = format!(
        "hosts.h = 'http://h'\n[pools]\nusers = {{ {pool} }}\n[class.A]\nwait = 'constant(0)'\n\
         [class.A.task.t]\ndraw = {{ account = 'users' }}\n{task}\n"
    );
    Workload::parse(&source, "w.toml", &variables)
}

fn path(workload: &Workload, user: u32, number: u64) -> String {
    iteration(&workload.classes()[0], 1, user, number).1[0]
        .path
        .clone()
}

#[test]
fn a_user_has_its_row_of_a_csv() {
    let task = "request = '/{{ account.name }}?{{ account[\"pass word\"] }}'";
    let workload = parse("csv = 'file', row = 'user'", USERS.as_bytes(), task).unwrap();
    for (user, expected) in [
        (0, "/ann?a1"),
        (1, "/bob?b,2"),
        (2, "/cleo?c3"),
        (7, "/bob?b,2"),
    ] {
        for number in 0..3 {
            assert_eq!(path(&workload, user, number), expected);
        }
    }
}

#[test]
fn records_of_json_keep_the_types_of_their_values() {
    let lines = "{\"id\": 1, \"tags\": [\"x\"]}\n\n{\"tags\": [], \"id\": 2, \"nick\": \"b\"}\n";
    let task = "request = '/{{ account.id + 1 }}/{{ account.tags | length }}/{{ account.nick | default(\"-\") }}'";
    let workload = parse("jsonl = 'file', row = 'sequential'", lines.as_bytes(), task).unwrap();
    let paths: Vec<_> = (0..3).map(|number| path(&workload, 5, number)).collect();
    assert_eq!(paths, ["/2/1/-", "/3/0/b", "/2/1/-"]);
}

#[test]
fn rows_are_drawn_unless_the_pool_says_otherwise() {
    let task = "request = '/{{ account.name }}'";
    let drawn = |pool: &str| -> Vec<String> {
        let workload = parse(pool, USERS.as_bytes(), task).unwrap();
        (0..30).map(|number| path(&workload, 0, number)).collect()
    };
    assert_eq!(drawn("csv = 'file'"), drawn("csv = 'file', row = 'random'"));
    assert_eq!(
        drawn("csv = 'file'").iter().collect::<BTreeSet<_>>().len(),
        3
    );
    for pass in drawn("csv = 'file', row = 'shuffled'").chunks(3) {
        assert_eq!(pass.iter().collect::<BTreeSet<_>>().len(), 3, "{pass:?}");
    }
}

#[test]
fn a_column_that_there_is_not_is_a_mistake() {
    for (task, problem) in [
        (
            "request = '/{{ account.nam }}'",
            "`account` has no column `nam`: did you mean `name`?",
        ),
        (
            "request = { path = '/', expect = 'json.x == account[\"password\"]' }",
            "`account` has no column `password`: did you mean `pass word`?",
        ),
    ] {
        let said = parse("csv = 'file'", USERS.as_bytes(), task)
            .unwrap_err()
            .to_string();
        assert!(said.ends_with(problem), "{said}");
    }
    let own = "request = { path = '/', body = '{% set account = {\"x\": 1} %}{{ account.x }}' }";
    assert!(parse("csv = 'file'", USERS.as_bytes(), own).is_ok());
}

#[test]
fn a_value_of_the_session_has_columns_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users.csv"), USERS).unwrap();
    let at = folder.path().to_str().unwrap().to_owned();
    let variables = |name: &str| (name == FOLDER).then(|| at.clone());
    let source = |column: &str| {
        format!(
            "hosts.h = 'http://h'\npools.users = {{ csv = 'users.csv', row = 'user' }}\n[class.A]\nwait = 'constant(0)'\n\
             start = {{ draw = {{ account = 'users' }}, request = 'POST /{{{{ account.name }}}}' }}\n\
             task.t.request = '/{{{{ account.{column} }}}}'\n"
        )
    };
    assert!(Workload::parse(&source("name"), "w.toml", &variables).is_ok());
    let said = Workload::parse(&source("email"), "w.toml", &variables).unwrap_err();
    assert!(
        said.to_string().contains("`account` has no column `email`"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    let task = "request = '/'";
    let place = "w.toml:3: pool `users`";
    for (pool, content, problem) in [
        (
            "csv = 'file'",
            "a,b\n1,2\n3\n",
            ", `csv` \"file\": line 3 has 1 in place of 2 values",
        ),
        (
            "csv = 'file'",
            "a,b\n",
            ", `csv` \"file\": it has no record",
        ),
        (
            "csv = 'file'",
            "a,\n1,2\n",
            ", `csv` \"file\": column 2 has no name in the first line",
        ),
        (
            "csv = 'file'",
            "a,a\n1,2\n",
            ", `csv` \"file\": two columns are called \"a\": rename one",
        ),
        (
            "jsonl = 'file'",
            "{\"a\": 1}\n[1]\n",
            ", `jsonl` \"file\": line 2 is no JSON object",
        ),
        (
            "jsonl = 'file'",
            "\n",
            ", `jsonl` \"file\": it has no record",
        ),
        (
            "csv = '../file'",
            "a\n1\n",
            ", `csv` is \"../file\": write the name of a file in the workload's folder, without `..`",
        ),
        (
            "csv = 'other'",
            "",
            ", `csv` \"other\": it cannot be read: No such file or directory (os error 2)",
        ),
        (
            "row = 'user'",
            "",
            ": write one of `csv` and `jsonl`, each with the name of a file",
        ),
        (
            "csv = 'file', row = 'unique'",
            "a\n1\n",
            ", `row` is \"unique\": write \"random\", \"user\" (user 7 has row 7), \"sequential\" or \"shuffled\"",
        ),
        (
            "csv = 'file', rows = 'user'",
            "a\n1\n",
            " has an unknown key `rows`: did you mean `row`?",
        ),
    ] {
        let said = parse(pool, content.as_bytes(), task)
            .unwrap_err()
            .to_string();
        assert_eq!(said, format!("{place}{problem}"));
    }
    let said = parse("csv = 'file'", b"a\n\xff\n", task)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        format!("{place}, `csv` \"file\": line 2 is not UTF-8")
    );
}

#[test]
fn a_file_of_five_megabytes_is_read() {
    let rows: Vec<String> = (0..110_000)
        .map(|row| format!("user-{row},password-of-user-{row},{row}@example.com"))
        .collect();
    let content = format!("name,password,email\n{}\n", rows.join("\n"));
    assert!(content.len() > 5_000_000, "{}", content.len());
    let task = "request = '/{{ account.name }}'";
    let workload = parse("csv = 'file', row = 'user'", content.as_bytes(), task).unwrap();
    assert_eq!(path(&workload, 109_999, 0), "/user-109999");
}
