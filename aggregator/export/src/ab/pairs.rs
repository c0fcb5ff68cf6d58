//! The pairs of rows that are compared: the workload's own pairs, and those that its names show.
//!
//! Two requests are a pair when their names differ only in "model a" and "model b", or when they are sent at the same
//! place of two user classes whose names differ so. A request is in one pair at most; the workload's own pairs go first.

use std::collections::BTreeSet;

use traffic::workload::{Step, UserClass, Workload};

/// Words after which a lone a or b tells the two sides apart.
const WORDS: [&str; 2] = ["model", "variant"];

/// The place of a or b in the common part of two names.
const EITHER: char = '\u{1}';

/// Two rows to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) a: String,
    pub(super) b: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    A,
    B,
}

/// All pairs of a workload, in the order of its classes and tasks; its own ones first.
pub(super) fn of(workload: &Workload) -> Vec<Pair> {
    let mut found = Found::default();
    for pair in workload.pairs() {
        found.add(&pair.name, &pair.method, [&pair.a, &pair.b]);
    }
    let steps: Vec<&Step> = workload
        .classes()
        .iter()
        .flat_map(|class| steps(class))
        .collect();
    for a in &steps {
        if let Some((Side::A, common)) = side_of(&a.name) {
            let b = steps.iter().find(|b| {
                b.method == a.method && side_of(&b.name) == Some((Side::B, common.clone()))
            });
            if let Some(b) = b {
                found.add(
                    &title(&common, &a.name),
                    a.method.as_str(),
                    [&a.name, &b.name],
                );
            }
        }
    }
    for class in workload.classes() {
        if let Some((Side::A, common)) = side_of(class.name()) {
            let is_other = |other: &&std::sync::Arc<UserClass>| {
                side_of(other.name()) == Some((Side::B, common.clone()))
            };
            if let Some(other) = workload.classes().iter().find(is_other) {
                found.add_classes(class, other);
            }
        }
    }
    found.pairs
}

/// The pairs found so far, and their rows.
#[derive(Default)]
struct Found {
    pairs: Vec<Pair>,
    rows: BTreeSet<(String, String)>,
}

impl Found {
    fn add(&mut self, name: &str, method: &str, [a, b]: [&str; 2]) {
        let rows = [a, b].map(|row| (row.to_owned(), method.to_owned()));
        if a == b || rows.iter().any(|row| self.rows.contains(row)) {
            return;
        }
        self.rows.extend(rows);
        self.pairs.push(Pair {
            name: name.to_owned(),
            method: method.to_owned(),
            a: a.to_owned(),
            b: b.to_owned(),
        });
    }

    /// Adds the requests of two classes in tasks of the same name, request by request.
    fn add_classes(&mut self, a: &UserClass, b: &UserClass) {
        for task in a.tasks() {
            let same = |name: &str| name == &**task.name() || same_but_for_side(name, task.name());
            let Some(other) = b.tasks().iter().find(|other| same(other.name())) else {
                continue;
            };
            for (a, b) in task.steps().iter().zip(other.steps()) {
                if a.method == b.method {
                    let name = format!("{} / {}", a.name, b.name);
                    self.add(&name, a.method.as_str(), [&a.name, &b.name]);
                }
            }
        }
    }
}

fn steps(class: &UserClass) -> impl Iterator<Item = &Step> {
    class.tasks().iter().flat_map(|task| task.steps())
}

fn same_but_for_side(one: &str, other: &str) -> bool {
    match (side_of(one), side_of(other)) {
        (Some((_, one)), Some((_, other))) => one == other,
        _ => false,
    }
}

/// The side that a name is on, and the name with [`EITHER`] in the place of its letters. `None` if it has neither
/// side, or both.
fn side_of(name: &str) -> Option<(Side, String)> {
    let mut side = None;
    let mut common = String::with_capacity(name.len());
    let mut copied = 0;
    for (at, letter) in letters(name) {
        let this = match letter {
            'a' | 'A' => Side::A,
            _ => Side::B,
        };
        if side.replace(this).is_some_and(|before| before != this) {
            return None;
        }
        common.push_str(&name[copied..at]);
        common.push(EITHER);
        copied = at + 1;
    }
    common.push_str(&name[copied..]);
    Some((side?, common))
}

/// The lone letters a or b after one of the words, with their places: `Model A`, `model=a`, `ChatModelAUser`.
fn letters(name: &str) -> Vec<(usize, char)> {
    let lower = name.to_ascii_lowercase();
    let mut found: Vec<(usize, char)> = Vec::new();
    for word in WORDS {
        for (start, _) in lower.match_indices(word) {
            let begins = name[..start].chars().next_back();
            let camel = name[start..].starts_with(|c: char| c.is_ascii_uppercase());
            let is_word = begins.is_none_or(|before| {
                !before.is_alphanumeric() || (camel && !before.is_uppercase())
            });
            let after = start + word.len();
            let rest = name[after..].trim_start_matches([' ', '_', '-', '=', ':', '/', '.']);
            let at = name.len() - rest.len();
            let mut chars = rest.chars();
            let Some(letter) = chars.next().filter(|c| "aAbB".contains(*c)) else {
                continue;
            };
            let is_lone = chars.next().is_none_or(|next| {
                !next.is_alphanumeric() || (letter.is_uppercase() && next.is_uppercase())
            });
            if is_word && is_lone && at - after <= 3 {
                found.push((at, letter));
            }
        }
    }
    found.sort_unstable();
    found
}

/// The common part of two names, without the word before the letter.
fn title(common: &str, name: &str) -> String {
    let mut title = String::new();
    for part in common.split_inclusive(EITHER) {
        let Some(before) = part.strip_suffix(EITHER) else {
            title.push_str(part);
            continue;
        };
        let lower = before.to_ascii_lowercase();
        let word = WORDS.iter().filter_map(|word| lower.rfind(word)).max();
        title.push_str(&before[..word.unwrap_or(before.len())]);
    }
    let mut title = title.replace("()", "").replace("[]", "").replace("{}", "");
    while title.contains("  ") {
        title = title.replace("  ", " ");
    }
    let title = title.trim_matches(|c: char| c.is_whitespace() || "-_:/,?&".contains(c));
    if title.is_empty() {
        return name.to_owned();
    }
    title.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_said_in_many_ways() {
        for (name, expected) in [
            ("Chat (Model A)", Some((Side::A, "Chat (Model \u{1})"))),
            ("chat [model-b]", Some((Side::B, "chat [model-\u{1}]"))),
            (
                "POST /repair?model=a",
                Some((Side::A, "POST /repair?model=\u{1}")),
            ),
            (
                "/chat?model=b&x=1",
                Some((Side::B, "/chat?model=\u{1}&x=1")),
            ),
            ("ChatModelAUser", Some((Side::A, "ChatModel\u{1}User"))),
            ("ModelB", Some((Side::B, "Model\u{1}"))),
            ("model_a", Some((Side::A, "model_\u{1}"))),
            ("MODEL A", Some((Side::A, "MODEL \u{1}"))),
            ("Variant B of it", Some((Side::B, "Variant \u{1} of it"))),
            (
                "Überlegung: Model A",
                Some((Side::A, "Überlegung: Model \u{1}")),
            ),
            // neither, both, or something else
            ("Chat", None),
            ("Model", None),
            ("Model C", None),
            ("model answer", None),
            ("ModelAgent", None),
            ("remodel a", None),
            ("modelauser", None),
            ("Model A beside Model B", None),
            ("Model      A", None),
        ] {
            let expected = expected.map(|(side, common)| (side, common.to_owned()));
            assert_eq!(side_of(name), expected, "{name}");
        }
    }

    #[test]
    fn a_title_has_what_both_are_about() {
        for (name, expected) in [
            ("Chat (Model A)", "Chat"),
            ("[model-a] repair", "repair"),
            ("POST /repair?model=a", "POST /repair"),
            ("Model A", "Model A"),
            ("Model A: tools", "tools"),
        ] {
            let (_, common) = side_of(name).expect("it says its side");
            assert_eq!(title(&common, name), expected, "{name}");
        }
    }
}
