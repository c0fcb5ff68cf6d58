//! What the agent answers in a chat: text that fits the kind of the prompt.
//!
//! Owns the reading of a prompt and the answers to prompts that are no questions (empty, endless,
//! without words). What there is to say about each topic is in the table of topics.

mod terms;
mod topics;

use std::time::Duration;

use serde::Serialize;
use traffic::random::Draws;

use super::super::chaos::Weather;
use super::super::route::Model;
use terms::TERMS;
use topics::{TOPICS, Topic};

/// A longer message than this is not read to its end.
const LONGEST_MESSAGE: usize = 4_000;

/// Topics that are talked about without preamble.
const SMALL_TALK: [&str; 4] = ["greeting", "thanks", "goodbye", "joke"];

/// What the agent knows when it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) model: Model,
    pub(crate) uptime: Duration,
    pub(crate) weather: Weather,
    /// How many requests the target app answered.
    pub(crate) requests: u64,
    /// How many of them with a 5xx.
    pub(crate) failures: u64,
    pub(crate) orders: u64,
    pub(crate) revenue: f64,
    /// The medians that the target app's /health, /orders and /products are drawn with.
    pub(crate) medians_ms: [f64; 3],
    /// How many repairs there were, and how many ended without success.
    pub(crate) repairs: (u64, u64),
}

/// An answer in a chat.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    /// What kind of prompt it answers.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// The tools that a look at the system took.
    pub(crate) tools: &'static [&'static str],
}

/// The answer to `message`.
pub(crate) fn answer(message: &str, facts: &Facts, draws: &mut Draws) -> Said {
    if let Some((kind, text)) = no_question(message) {
        return Said::without_tools(kind, text);
    }
    let words = words(message);
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if let Some((_, text)) = TERMS.iter().find(|(phrases, _)| has(phrases)) {
        let text = format!("{}{text}", pick(opening(facts.model, false), draws));
        return Said::without_tools("explanation", text);
    }
    match TOPICS.iter().find(|topic| has(topic.words)) {
        Some(topic) => on_topic(topic, facts, draws),
        None => Said::without_tools("other", off_topic(message)),
    }
}

impl Said {
    fn without_tools(kind: &'static str, text: String) -> Self {
        Self {
            kind,
            text,
            tools: &[],
        }
    }
}

fn on_topic(topic: &Topic, facts: &Facts, draws: &mut Draws) -> Said {
    let opening = pick(opening(facts.model, !topic.tools.is_empty()), draws);
    let said = (topic.say)(facts);
    let closing = pick(closing(facts.model), draws);
    let text = if SMALL_TALK.contains(&topic.kind) {
        said
    } else {
        format!("{opening}{said}{closing}")
    };
    Said {
        kind: topic.kind,
        text,
        tools: topic.tools,
    }
}

/// How many tokens a text has, as models count: about four characters each.
pub(crate) fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// The answer to a message that asks nothing; `None` if it may ask something.
fn no_question(message: &str) -> Option<(&'static str, String)> {
    let length = message.chars().count();
    if message.trim().is_empty() {
        let text = "Your message is empty. Ask me about the system's status, its containers, \
                    or the target application.";
        return Some(("empty", text.to_owned()));
    }
    if length > LONGEST_MESSAGE {
        let text = format!(
            "Your message has {length} characters, and I can read {LONGEST_MESSAGE} at once. \
             Please send me the part that matters most."
        );
        return Some(("too_long", text));
    }
    if !message.chars().any(char::is_alphabetic) {
        let text = "I could not find any words in your message. Could you put your question \
                    into a sentence? \"What is the current system status?\", for example.";
        return Some(("no_words", text.to_owned()));
    }
    if message
        .chars()
        .any(|c| c.is_control() && !c.is_whitespace())
    {
        let text = "Your message contains control characters, so I have not acted on it. \
                    Please send it again as plain text.";
        return Some(("control_characters", text.to_owned()));
    }
    if looks_like_code(message) {
        let text = "That looks like code or data rather than a question. I do not run what is \
                    sent to me in a chat; tell me in words what you would like to know.";
        return Some(("code", text.to_owned()));
    }
    None
}

fn looks_like_code(message: &str) -> bool {
    let lower = message.to_lowercase();
    let signs = [
        "<script",
        "drop table",
        "${",
        "{{",
        "select * from",
        "union select",
    ];
    signs.iter().any(|sign| lower.contains(sign)) || lower.starts_with(['{', '['])
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

fn off_topic(message: &str) -> String {
    let visible = message.trim().chars().filter(|c| !changes_direction(*c));
    let mut quoted: String = visible.take(60).collect();
    if message.trim().chars().count() > 60 {
        quoted.push('…');
    }
    format!(
        "I look after the target application and its containers, so I have little to say about \
         \"{quoted}\". I can check the system's status, read logs, diagnose failures and repair them."
    )
}

/// Characters that nobody sees and that turn round the text behind them.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// How each model begins: model a comes to the point, model b says what it does.
fn opening(model: Model, with_tools: bool) -> &'static [&'static str] {
    match (model, with_tools) {
        (Model::A, true) => &["", "I checked. ", "I had a look. "],
        (Model::A, false) => &["", "", "Sure. "],
        (Model::B, true) => &[
            "I ran the checks that answer this. ",
            "Let me summarize what my tools returned. ",
        ],
        (Model::B, false) => &["", "Happy to explain. ", "Good question. "],
    }
}

fn closing(model: Model) -> &'static [&'static str] {
    match model {
        Model::A => &["", "", " Anything else?"],
        Model::B => &[
            "",
            " Let me know if you would like me to look further into any of this.",
            " I can go into more detail on request.",
        ],
    }
}

fn pick(choices: &[&'static str], draws: &mut Draws) -> &'static str {
    choices[draws.below(choices.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Said {
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
        for topic in &TOPICS {
            let question = topic.words[0].trim();
            assert!(said(question).text.len() > 20, "{question}");
        }
    }
}
