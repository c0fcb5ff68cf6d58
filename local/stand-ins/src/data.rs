//! The words of the stand-ins, from the files in `data/`: products, reasons of failures, repairs, the
//! terms, topics and phrases of chats, and the modes of misbehaving servers.
//!
//! The files are part of the binary. They are read once, when the stand-ins start.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use traffic::random::Draws;

/// The contents of all files.
pub(crate) static DATA: LazyLock<Data> = LazyLock::new(|| {
    let files = concat!(
        include_str!("../data/catalogue.toml"),
        include_str!("../data/failures.toml"),
        include_str!("../data/repairs.toml"),
        include_str!("../data/phrases.toml"),
        include_str!("../data/terms.toml"),
        include_str!("../data/topics.toml"),
        include_str!("../data/misbehaviours.toml"),
    );
    toml::from_str(files).expect("the files of data/ fit together: a test reads them")
});

/// Reads the files, unless they have been read.
pub(crate) fn read() {
    LazyLock::force(&DATA);
}

/// One of `choices`, by one draw.
pub(crate) fn pick<'c, T>(choices: &'c [T], draws: &mut Draws) -> &'c T {
    &choices[draws.below(choices.len() as u64) as usize]
}

/// Everything that the files hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    /// The catalogue, by ascending id from 1.
    #[serde(rename = "product")]
    pub(crate) products: Vec<Product>,
    /// The reasons that failed answers give, by server.
    pub(crate) failures: BTreeMap<String, Vec<String>>,
    pub(crate) repairs: Repairs,
    /// The first and the last words of answers, by model.
    pub(crate) opening: BTreeMap<String, Opening>,
    pub(crate) closing: BTreeMap<String, Vec<String>>,
    /// The answers to messages that ask nothing, by kind.
    pub(crate) no_question: BTreeMap<String, String>,
    #[serde(rename = "term")]
    pub(crate) terms: Vec<Term>,
    #[serde(rename = "topic")]
    pub(crate) topics: Vec<Topic>,
    #[serde(rename = "mode")]
    pub(crate) modes: Vec<Mode>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Product {
    pub(crate) id: u32,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) description: String,
    pub(crate) price: f64,
    pub(crate) currency: String,
    pub(crate) stock: u32,
    pub(crate) rating: f64,
}

/// The tools of the agent, the failures that it finds, and the ends of its repairs.
#[derive(Debug, Deserialize)]
pub(crate) struct Repairs {
    pub(crate) tools: Vec<String>,
    pub(crate) healthy: Ending,
    #[serde(rename = "scenario")]
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) failed: Vec<Ending>,
}

/// A failure, and the observations of the agent.
#[derive(Debug, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) failure_type: String,
    pub(crate) container: String,
    pub(crate) health: String,
    pub(crate) state: String,
    pub(crate) logs: String,
    pub(crate) diagnosis: String,
}

/// The end of a repair, and the observation of the last probe.
#[derive(Debug, Deserialize)]
pub(crate) struct Ending {
    pub(crate) final_status: String,
    pub(crate) observation: String,
}

/// The first words of a model's answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Opening {
    pub(crate) with_tools: Vec<String>,
    pub(crate) without_tools: Vec<String>,
}

/// A term of the trade, with the phrases that ask for its explanation.
#[derive(Debug, Deserialize)]
pub(crate) struct Term {
    pub(crate) phrases: Vec<String>,
    pub(crate) text: String,
}

/// Something to talk about, with the words that call for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    pub(crate) kind: String,
    pub(crate) words: Vec<String>,
    #[serde(default)]
    pub(crate) tools: Vec<String>,
    /// True for an answer without opening and closing.
    #[serde(default)]
    pub(crate) plain: bool,
    pub(crate) text: String,
}

/// A way of breaking HTTP, once the head of a request has been read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    name: String,
    /// Texts, each with the number of times that it is sent.
    #[serde(default)]
    pub(crate) send: Vec<(String, usize)>,
    /// Texts that follow again and again.
    #[serde(default)]
    pub(crate) again: Vec<(String, usize)>,
    #[serde(default)]
    pub(crate) pause_ms: u64,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    Hang,
    Close,
    Reset,
}

impl Mode {
    pub fn all() -> &'static [Self] {
        &DATA.modes
    }

    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|mode| mode.name == name)
    }

    /// The mode's name on a command line: `redirect-circle`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of all modes, with commas between.
    pub(crate) fn names() -> String {
        let names: Vec<&str> = Self::all().iter().map(Self::name).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;
    use crate::route::{Model, Server};

    #[test]
    fn product_ids_count_up_from_one() {
        let ids: Vec<u32> = DATA.products.iter().map(|product| product.id).collect();
        assert_eq!(ids, (1..=8).collect::<Vec<_>>());
    }

    #[test]
    fn every_server_and_model_has_its_words() {
        for server in Server::VARIANTS {
            assert!(!DATA.failures[server.name()].is_empty(), "{server:?}");
        }
        for model in Model::VARIANTS {
            let opening = &DATA.opening[model.letter()];
            assert!(!opening.with_tools.is_empty(), "{model:?}");
            assert!(!opening.without_tools.is_empty(), "{model:?}");
            assert!(!DATA.closing[model.letter()].is_empty(), "{model:?}");
        }
    }

    #[test]
    fn words_and_phrases_are_written_as_prompts_are_compared() {
        let words = DATA.topics.iter().flat_map(|topic| &topic.words);
        let phrases = DATA.terms.iter().flat_map(|term| &term.phrases);
        for text in words.chain(phrases) {
            assert!(text.starts_with(' '), "{text:?}");
            let is_plain = |c: char| c == ' ' || c.is_alphanumeric() && !c.is_uppercase();
            assert!(text.chars().all(is_plain), "{text:?}");
        }
    }

    #[test]
    fn topics_use_tools_that_the_agent_has() {
        for topic in &DATA.topics {
            for tool in &topic.tools {
                assert!(DATA.repairs.tools.contains(tool), "{topic:?}");
            }
        }
    }
}
