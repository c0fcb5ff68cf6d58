//! The binaries as processes: what they say when they cannot start as they are set up.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::process::Command;

/// Runs a program with these variables alone; its exit code and what it says.
fn run(program: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(program);
    command.env_clear().envs(variables.iter().copied());
    let output = command.output().unwrap();
    // where Lambda takes a function's log from
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

const PROGRAMS: [&str; 2] = [
    env!("CARGO_BIN_EXE_tick"),
    env!("CARGO_BIN_EXE_tick-server"),
];

#[test]
fn without_a_table_there_is_one_line_that_says_what_to_do() {
    for program in PROGRAMS {
        let (code, said) = run(program, &[("AWS_REGION", "us-east-1")]);
        assert_eq!(code, Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("CICADA_TABLE is not set"), "{said}");
    }
}

#[test]
fn without_a_region_there_is_one_line_that_names_it() {
    for program in PROGRAMS {
        let variables = [
            ("CICADA_TABLE", "cicada-demo"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let (code, said) = run(program, &variables);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("AWS_REGION"), "{said}");
    }
}
