//! The agent's answers in a chat: text that fits the kind of the prompt.
//!
//! Owns the reading of a prompt. The words of all answers are data: explanations of terms, topics, and
//! phrases for messages that ask nothing (empty, endless, without words).

mod facts;
mod templates;

use serde::Serialize;
use traffic::random::Draws;

pub(super) use facts::Facts;

use crate::data::{DATA, Topic, pick};

/// A longer message than this is not read to its end.
const LONGEST_MESSAGE: usize = 4_000;
/// The characters of a message that are quoted.
const LONGEST_QUOTE: usize = 60;
/// The signs of a message that is code or data, in lower case.
const CODE: [&str; 6] = [
    "<script",
    "drop table",
    "${",
    "{{",
    "select * from",
    "union select",
];

#[derive(Debug, Serialize)]
pub(crate) struct ChatAnswer {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// The tools that a look at the system took.
    pub(crate) tools: &'static [String],
}

pub(crate) fn answer(message: &str, facts: &Facts, draws: &mut Draws) -> ChatAnswer {
    if let Some(kind) = no_question(message) {
        return ChatAnswer::no_question(kind, message);
    }
    let words = words(message);
    let has = |phrases: &[String]| phrases.iter().any(|phrase| words.contains(phrase));
    if let Some(term) = DATA.terms.iter().find(|term| has(&term.phrases)) {
        let opening = pick(&DATA.opening[facts.model.letter()].without_tools, draws);
        let text = format!("{opening}{}", term.text);
        return ChatAnswer::without_tools("explanation", text);
    }
    match DATA.topics.iter().find(|topic| has(&topic.words)) {
        Some(topic) => ChatAnswer::on_topic(topic, facts, draws),
        None => ChatAnswer::no_question("other", message),
    }
}

impl ChatAnswer {
    fn without_tools(kind: &'static str, text: String) -> Self {
        Self {
            kind,
            text,
            tools: &[],
        }
    }

    fn no_question(kind: &'static str, message: &str) -> Self {
        let facts = minijinja::context! {
            length => message.chars().count(),
            longest => LONGEST_MESSAGE,
            quoted => quoted(message),
        };
        Self::without_tools(kind, templates::render(kind, facts))
    }

    fn on_topic(topic: &'static Topic, facts: &Facts, draws: &mut Draws) -> Self {
        let opening = &DATA.opening[facts.model.letter()];
        let opening = match topic.tools.is_empty() {
            true => pick(&opening.without_tools, draws),
            false => pick(&opening.with_tools, draws),
        };
        let closing = pick(&DATA.closing[facts.model.letter()], draws);
        let body = templates::render(&topic.kind, facts.context());
        let text = match topic.plain {
            true => body,
            false => format!("{opening}{body}{closing}"),
        };
        Self {
            kind: &topic.kind,
            text,
            tools: &topic.tools,
        }
    }
}

/// The number of tokens of a text, as models count: about four characters each.
pub(crate) fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// A text in pieces of a token each.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(String::from_iter).collect()
}

/// The kind of a message that asks nothing; `None` if it may ask something.
fn no_question(message: &str) -> Option<&'static str> {
    let is_odd = |c: char| c.is_control() && !c.is_whitespace();
    if message.trim().is_empty() {
        Some("empty")
    } else if message.chars().count() > LONGEST_MESSAGE {
        Some("too_long")
    } else if !message.chars().any(char::is_alphabetic) {
        Some("no_words")
    } else if message.chars().any(is_odd) {
        Some("control_characters")
    } else if looks_like_code(message) {
        Some("code")
    } else {
        None
    }
}

fn looks_like_code(message: &str) -> bool {
    let lower = message.to_lowercase();
    CODE.iter().any(|sign| lower.contains(sign)) || lower.starts_with(['{', '['])
}

/// `message` in lower case, each word between single spaces.
fn words(message: &str) -> String {
    let lower = message.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let mut joined = String::with_capacity(message.len() + 2);
    for word in words.filter(|word| !word.is_empty()) {
        joined.push(' ');
        joined.push_str(word);
    }
    joined + " "
}

/// The beginning of `message`, without characters that change the text behind them.
fn quoted(message: &str) -> String {
    let visible = message.trim().chars().filter(|c| !changes_direction(*c));
    let mut quoted: String = visible.take(LONGEST_QUOTE).collect();
    if message.trim().chars().count() > LONGEST_QUOTE {
        quoted.push('…');
    }
    quoted
}

/// True for characters that nobody sees and that turn round the text behind them.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::chaos::Weather;
    use crate::route::Model;

    fn said(message: &str) -> ChatAnswer {
        let facts = Facts {
            model: Model::A,
            uptime: Duration::from_secs(7_500),
            weather: Weather::Calm,
            requests: 1_200,
            failures: 3,
            orders: 88,
            revenue: 12_345.6,
            medians_ms: [2.0, 18.0, 12.0],
            repairs: (4, 1),
        };
        answer(message, &facts, &mut Draws::new(1, "chat", 0, 0))
    }

    #[test]
    fn a_prompt_gets_an_answer_of_its_kind() {
        for (message, kind) in [
            ("What is the current system status?", "status"),
            ("Check the current system status", "status"),
            ("How many containers are running?", "containers"),
            ("What containers are running?", "containers"),
            ("Show me docker container status", "containers"),
            ("Tell me about the target application.", "target_app"),
            ("What tools do you have access to?", "tools"),
            ("How do you diagnose failures?", "diagnosis"),
            ("Hello", "greeting"),
            ("hi!", "greeting"),
            ("What can you help me with?", "help"),
            ("Explain what you do", "identity"),
            ("Show the logs of the target app", "logs"),
            ("How much memory does the app use?", "resources"),
            ("Which model are you?", "models"),
            ("Thanks!", "thanks"),
            ("", "empty"),
            (" \n\t", "empty"),
            ("🔥🔥🔥🚀🚀", "no_words"),
            ("????!!!!", "no_words"),
            ("abc\u{0}\u{1}\u{7}", "control_characters"),
            ("\u{0}\u{1}\u{7}", "no_words"),
            ("Thank you, that was helpful", "thanks"),
            ("What is a container?", "explanation"),
            ("What does HTTP status 503 mean?", "explanation"),
            ("How much disk space is left on the host?", "disk"),
            ("Run a diagnosis of the target app", "diagnosis_run"),
            ("Restart the target app if it is not healthy", "repair"),
            ("Which container uses the most CPU right now?", "resources"),
            (
                "Compare the response times of /products and /orders",
                "latency",
            ),
            ("'; DROP TABLE orders; --", "code"),
            ("{\"message\": null}", "code"),
            ("Why is the sky blue?", "other"),
        ] {
            assert_eq!(said(message).kind, kind, "{message:?}");
        }
        assert_eq!(said(&"A".repeat(5_000)).kind, "too_long");
    }

    #[test]
    fn an_answer_holds_the_facts_of_the_moment() {
        let text = said("What is the current system status?").text;
        assert!(
            text.contains("1200 requests") && text.contains("2 hours"),
            "{text}"
        );
        let text = said("How many orders are there?").text;
        assert!(
            text.contains("88 orders") && text.contains("$12345.60"),
            "{text}"
        );
    }

    #[test]
    fn only_a_look_at_the_system_takes_tools() {
        assert!(!said("What containers are running?").tools.is_empty());
        assert!(said("Hello").tools.is_empty());
    }

    #[test]
    fn a_long_off_topic_message_is_quoted_in_part() {
        let text = said(&"pancakes ".repeat(100)).text;
        assert!(text.contains('…') && text.len() < 400, "{text}");
    }

    #[test]
    fn a_quotation_does_not_turn_the_text_round() {
        let text = said("\u{202e}txet desrever\u{202c}").text;
        assert!(text.contains("\"txet desrever\""), "{text}");
    }

    #[test]
    fn every_topic_has_something_to_say() {
        for topic in &DATA.topics {
            let question = topic.words[0].trim();
            assert!(said(question).text.len() > 20, "{question}");
        }
    }
}
