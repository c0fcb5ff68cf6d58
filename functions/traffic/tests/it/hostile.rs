//! Nothing that somebody writes into a workload file makes it panic, loop or grow without end.

use proptest::prelude::*;
use traffic::workload::Workload;

use super::{iteration, mistakes, no_variables, one_request};

/// Reads a file; if it is wrong, each line of the message has a place in the file.
fn survive(source: &str) -> Result<(), TestCaseError> {
    match Workload::parse(source, "w.toml", &no_variables) {
        Ok(workload) => {
            for class in workload.classes() {
                for number in 0..3 {
                    iteration(class, 1, 0, number);
                }
            }
        }
        Err(errors) => {
            prop_assert!(!errors.mistakes().is_empty());
            let lines = source.split('\n').count();
            for mistake in errors.mistakes() {
                prop_assert!((1..=lines).contains(&mistake.line), "{errors}");
                prop_assert!(!mistake.message.is_empty());
            }
            prop_assert!(errors.to_string().starts_with("w.toml:"));
        }
    }
    Ok(())
}

/// Pieces of workload files, right and wrong.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "[class.A]\n",
        "[class.A.task.t]\n",
        "[[class.A.task.t.request]]\n",
        "[pools]\n",
        "[hosts]\n",
        "[defaults]\n",
        "[headers]\n",
        "h = 'http://h'\n",
        "wait = 'constant(0)'\n",
        "host = 'h'\n",
        "request = 'GET /'\n",
        "path = '/{{ user }}'\n",
        "json = { a = \"{{ pick('p') }}\" }\n",
        "p = ['a', { repeat = 'b', times = 3 }]\n",
        "draw = { d = 'p' }\n",
        "capture = { c = 'json.c' }\n",
        "expect = 'status == 200'\n",
        "status = '2xx'\n",
        "weight = 3\n",
        "timeout = '1s'\n",
        "body = '{% for x in range(3) %}{{ x }}{% endfor %}'\n",
        "body = '{{ c }}'\n",
        "[shape.S]\n",
        "stages = [{ lasts = 1, users = 2, spawn_rate = 3 }]\n",
        "daily = { '12:00' = 4 }\n",
        "time_zone = 'Asia/Tokyo'\n",
        "# comment\n",
        "\"\"\"",
        "'''",
        "{{",
        "}}",
        "{%",
        "[",
        "]",
        "=",
        "\"",
        "'",
        "\n",
        "\u{0}",
        "\r\n",
        "ü",
        "🚀",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => ".{0,8}"]
}

proptest! {
    #[test]
    fn arbitrary_text_is_read_or_refused(source in any::<String>()) {
        survive(&source)?;
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn arbitrary_pieces_are_read_or_refused(pieces in prop::collection::vec(piece(), 0..40)) {
        survive(&pieces.concat())?;
    }

    #[test]
    fn a_built_in_file_that_somebody_damaged_is_read_or_refused(
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0..30_usize, piece()), 1..5),
    ) {
        let built_in = Workload::built_in(&no_variables).expect("the built-in workload is right");
        let mut source = built_in.source().to_string();
        for (place, length, piece) in damages {
            let boundary = |mut at: usize| {
                while !source.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let start = boundary(place.index(source.len() + 1));
            let end = boundary((start + length).min(source.len())).max(start);
            source.replace_range(start..end, &piece);
        }
        survive(&source)?;
    }

    #[test]
    fn arbitrary_templates_are_read_or_refused(template in "(\\{\\{|\\}\\}|\\{%|%\\}|[a-z(),.|'\"+* \\[\\]]|user|pick|json| if | for | in |endif|endfor|[0-9]){0,30}") {
        for key in ["body", "expect", "failure", "path"] {
            let quoted = serde_json::Value::from(&*template).to_string();
            let path = if key == "path" { "" } else { "path = '/'\n" };
            survive(&one_request("", &format!("{path}{key} = {quoted}")))?;
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(mistakes(&deep).contains("this is not TOML"));
    let parentheses = format!(
        "path='/'\nexpect='{}1{}'",
        "(".repeat(5_000),
        ")".repeat(5_000)
    );
    assert!(mistakes(&one_request("", &parentheses)).contains("`expect`: "));
}

#[test]
fn what_is_too_long_is_refused() {
    let long = "x".repeat(5 * 1024 * 1024);
    assert_eq!(
        mistakes(&long),
        "w.toml:1: the file is longer than 4 MiB: make it shorter"
    );
    let template = format!("path='/'\nbody='{}{{{{ user }}}}'", "x".repeat(70_000));
    assert!(mistakes(&one_request("", &template)).contains("more than 64 KiB"));
}
