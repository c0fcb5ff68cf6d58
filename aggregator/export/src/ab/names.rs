//! The names that stand for the sides of a pair: those of their models, or A and B.

use traffic::workload::Model;

use super::body::Pair;

/// The names of sides without a model.
const LETTERS: [&str; 2] = ["A", "B"];

/// A model's name, if it has one that says more than the side's letter.
pub(super) fn of_model(model: &Model) -> Option<String> {
    let name = model.name();
    let is_letter = LETTERS
        .iter()
        .any(|letter| name.eq_ignore_ascii_case(letter));
    (!is_letter).then(|| name.to_owned())
}

/// The names of both sides of a pair; of two that are the same, with their letters.
pub(super) fn labels(models: [Option<&Model>; 2]) -> [String; 2] {
    let names = models.map(|model| model.and_then(of_model));
    let is_same = names[0].is_some() && names[0] == names[1];
    let [a, b] = names;
    let label = |name: Option<String>, letter: &str| match name {
        Some(name) if is_same => format!("{name} ({letter})"),
        Some(name) => name,
        None => letter.to_owned(),
    };
    [label(a, LETTERS[0]), label(b, LETTERS[1])]
}

/// The names of both sides of all pairs: the letters where pairs have different ones.
pub(super) fn of_all(pairs: &[Pair]) -> [String; 2] {
    let of = |pair: &Pair| [pair.a.label.clone(), pair.b.label.clone()];
    let first = pairs.first().map(of);
    let first = first.filter(|names| pairs.iter().all(|pair| of(pair) == *names));
    first.unwrap_or_else(|| LETTERS.map(str::to_owned))
}

/// A side's name amid a sentence: a letter is small there.
pub(super) fn spoken(label: &str) -> &str {
    match label {
        "A" => "a",
        "B" => "b",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use traffic::workload::Workload;

    use super::*;

    const CHAT: &str = "
        [hosts.t]
        url = \"http://127.0.0.1:1\"
        [class.U]
        host = \"t\"
        wait = \"constant_pacing(1)\"
        [[class.U.task.chat.request]]
        name = \"Chat (Model A)\"
        path = \"/a\"
        model = \"small\"
        [[class.U.task.chat.request]]
        name = \"Chat (Model B)\"
        path = \"/b\"
        MODEL
        [models.small]
        name = \"mistral:7b-instruct\"
        [models.b]
        NAME
    ";

    fn labels_of(model: &str, name: &str) -> [String; 2] {
        let text = CHAT.replace("MODEL", model).replace("NAME", name);
        let workload = Workload::parse(&text, "w.toml", &|_| None).expect("a valid workload");
        let model = |name, side| workload.model_of_side(name, "GET", side);
        labels([model("Chat (Model A)", "a"), model("Chat (Model B)", "b")])
    }

    #[test]
    fn a_side_is_called_by_the_model_of_its_requests_or_of_its_letter() {
        for (model, name, expected) in [
            (
                "",
                "name = \"ministral\"",
                ["mistral:7b-instruct", "ministral"],
            ),
            ("", "", ["mistral:7b-instruct", "B"]),
            ("", "name = \"b\"", ["mistral:7b-instruct", "B"]),
            (
                "model = \"small\"",
                "",
                ["mistral:7b-instruct (A)", "mistral:7b-instruct (B)"],
            ),
        ] {
            assert_eq!(labels_of(model, name), expected, "{model} {name}");
        }
        assert_eq!(labels([None, None]), ["A", "B"]);
    }
}
