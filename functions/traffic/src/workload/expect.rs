//! The expectations of a response, and what is said when it does not meet them.
//!
//! A rule about the status alone is compared without the template engine: nearly every response is judged
//! by nothing else.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::Value;
use reqwest::StatusCode;
use toml::de::DeValue;

use super::engine::Program;
use super::errors::EvaluationError;
use super::json::NotJson;
use super::read::integer;
use super::response::Answered;
use super::text::Text;
use super::variables::Variables;

/// The longest failure text in characters; what is longer is cut.
const MAX_FAILURE: usize = 500;

/// The judgement of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as expected.
    Pass,
    /// It is not; the text says why, and statistics group by it.
    Fail(String),
}

/// The expectations of a response.
#[derive(Debug)]
pub(super) struct Expect {
    pub(super) status: StatusRule,
    pub(super) condition: Option<Program>,
    pub(super) failure: Option<Text>,
    /// What is a secret in the text that says why.
    pub(super) variables: Arc<Variables>,
}

impl Expect {
    /// Judges a response by its status alone; nothing if there is more to look at.
    pub(super) fn by_status(&self, status: StatusCode) -> Option<Verdict> {
        match self.status.allows(status) {
            true if self.condition.is_none() => Some(Verdict::Pass),
            false if self.failure.is_none() => Some(Verdict::Fail(self.status.violated(status))),
            _ => None,
        }
    }

    /// Judges a response by everything that is expected of it.
    pub(super) fn judge(
        &self,
        status: StatusCode,
        context: &Value,
    ) -> Result<Verdict, EvaluationError> {
        let reason = if self.status.allows(status) {
            match self.violated_condition(context)? {
                None => return Ok(Verdict::Pass),
                Some(reason) => reason,
            }
        } else {
            self.status.violated(status)
        };
        let text = match &self.failure {
            None => reason,
            Some(failure) => failure.render_in(context.clone()).map_err(|error| {
                error.after(&format!("{reason}, and the text for it could not be made"))
            })?,
        };
        // before it is cut, as a part of a secret is not known for one
        Ok(Verdict::Fail(cut(self.variables.mask(&text).into_owned())))
    }

    fn violated_condition(&self, context: &Value) -> Result<Option<String>, EvaluationError> {
        let Some(condition) = &self.condition else {
            return Ok(None);
        };
        if condition.evaluate(context.clone())?.is_true() {
            return Ok(None);
        }
        let expected = format!("expected {}", condition.origin.source.trim());
        Ok(Some(match Answered::lacks_json(context) {
            // that a body is no JSON at all shows at the first look
            None | Some(NotJson::Syntax) => expected,
            Some(reason) => format!("{expected} ({reason})"),
        }))
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_FAILURE) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// The statuses that a response may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRule {
    ranges: Vec<(u16, u16)>,
    text: Cow<'static, str>,
}

/// The forms of a `status`, for messages.
pub(super) const EXPECTED: &str = "a status such as 200, a rule such as \"<400\", \"2xx\", \
    \"200-204\", \"!=404\" or \"any\", or an array of them";

impl StatusRule {
    /// Below 400: what Locust takes for a success.
    pub(super) fn below_400() -> Self {
        let ranges = vec![(0, 399)];
        let text = Cow::Borrowed("<400");
        Self { ranges, text }
    }

    /// Any status at all.
    pub(super) fn any() -> Self {
        let ranges = vec![(0, u16::MAX)];
        let text = Cow::Borrowed("any");
        Self { ranges, text }
    }

    /// Reads a rule from a TOML value.
    pub(super) fn read(value: &DeValue<'_>) -> Option<Self> {
        let elements = match value {
            DeValue::Array(array) => array.iter().map(|element| element.get_ref()).collect(),
            single => vec![single],
        };
        let mut ranges = Vec::new();
        let mut texts = Vec::new();
        for element in elements {
            let text = match element {
                DeValue::String(text) => text.trim().to_owned(),
                number => integer(number)?.to_string(),
            };
            ranges.extend(parse(&text)?);
            texts.push(text);
        }
        let text = Cow::Owned(texts.join(" or "));
        (!ranges.is_empty()).then_some(Self { ranges, text })
    }

    /// True if a response may have this status.
    pub fn allows(&self, status: StatusCode) -> bool {
        let status = status.as_u16();
        self.ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&status))
    }

    fn violated(&self, status: StatusCode) -> String {
        let code = status.as_str();
        let reason = status.canonical_reason().map(|reason| format!(" {reason}"));
        format!(
            "expected status {}, got {code}{}",
            self.text,
            reason.unwrap_or_default()
        )
    }
}

fn parse(text: &str) -> Option<Vec<(u16, u16)>> {
    let range = |first: u16, last: u16| (first <= last).then(|| vec![(first, last)]);
    if text == "any" {
        return range(0, u16::MAX);
    }
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return range(class * 100, class * 100 + 99);
    }
    if let Some((first, last)) = text.split_once('-') {
        return range(code(first)?, code(last)?);
    }
    let operators = ["<=", ">=", "!=", "==", "<", ">"];
    let operator = operators
        .into_iter()
        .find(|operator| text.starts_with(operator));
    let code = code(&text[operator.map_or(0, str::len)..])?;
    match operator {
        Some("<=") => range(0, code),
        Some(">=") => range(code, u16::MAX),
        Some("!=") => Some(vec![(0, code - 1), (code + 1, u16::MAX)]),
        Some("<") => range(0, code - 1),
        Some(">") => range(code + 1, u16::MAX),
        _ => range(code, code),
    }
}

fn code(text: &str) -> Option<u16> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let code = text.parse().ok().filter(|_| digits)?;
    (100..=999).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(rule: &str) -> Vec<u16> {
        let source = format!("status = {rule}");
        let table = toml::de::DeTable::parse(&source).unwrap();
        let rule = StatusRule::read(table.get_ref()["status"].get_ref()).unwrap();
        let allows = |code: &u16| rule.allows(StatusCode::from_u16(*code).unwrap());
        [199, 200, 201, 204, 299, 300, 304, 399, 400, 404, 500, 599]
            .into_iter()
            .filter(allows)
            .collect()
    }

    #[test]
    fn statuses_are_written_as_people_write_them() {
        assert_eq!(allowed("200"), [200]);
        assert_eq!(allowed("[200, 201]"), [200, 201]);
        assert_eq!(allowed("'<400'"), [199, 200, 201, 204, 299, 300, 304, 399]);
        assert_eq!(allowed("'2xx'"), [200, 201, 204, 299]);
        assert_eq!(allowed("'200 - 204'"), [200, 201, 204]);
        assert_eq!(allowed("['2xx', 404]"), [200, 201, 204, 299, 404]);
        assert_eq!(allowed("'>= 500'"), [500, 599]);
        assert_eq!(allowed("'> 500'"), [599]);
        assert_eq!(allowed("'!=404'").len(), 11);
        assert_eq!(allowed("'any'").len(), 12);
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for rule in [
            "99",
            "1000",
            "'ok'",
            "[]",
            "'6xx'",
            "'xx'",
            "''",
            "'<'",
            "'300-200'",
            "2.5",
            "'+200'",
        ] {
            let source = format!("status = {rule}");
            let table = toml::de::DeTable::parse(&source).unwrap();
            let read = StatusRule::read(table.get_ref()["status"].get_ref());
            assert_eq!(read, None, "{rule}");
        }
    }

    #[test]
    fn a_wrong_status_is_named_with_its_reason() {
        let rule = StatusRule::below_400();
        let text = rule.violated(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "expected status <400, got 503 Service Unavailable");
        let odd = rule.violated(StatusCode::from_u16(599).unwrap());
        assert_eq!(odd, "expected status <400, got 599");
    }

    #[test]
    fn a_failure_text_is_cut_between_characters() {
        let text = cut("ü".repeat(2_000));
        assert_eq!(text.chars().count(), MAX_FAILURE + 3);
    }
}
