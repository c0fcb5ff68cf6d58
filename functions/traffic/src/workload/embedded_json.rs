//! The filter `fromjson`: the value of a text that is JSON, such as the arguments of a tool that a model calls.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};

use super::json;
use super::values::MemoryShare;

/// The filter's name.
const FROMJSON: &str = "fromjson";

/// The longest text in bytes: values take up to eighty times as much.
const LONGEST: usize = 256 * 1024;

/// The bytes of JSON that cost a unit of fuel.
const BYTES: u64 = 8;

/// Adds the filter to an environment.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter(FROMJSON, |state: &State, text: &str| {
        state.consume_fuel(text.len() as u64 / BYTES)?;
        value(text)
    });
}

fn value(text: &str) -> Result<Value, Error> {
    let refused = |message: String| Error::new(ErrorKind::InvalidOperation, message);
    if text.len() > LONGEST {
        let message = format!("`{FROMJSON}` takes texts of up to {} KiB", LONGEST >> 10);
        return Err(refused(message));
    }
    json::read(text, &MemoryShare::default())
        .map_err(|_| refused("the text is not JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_json_becomes_its_value() {
        let arguments = value(r#"{"city": "Wien", "days": [1, 2]}"#).unwrap();
        assert_eq!(arguments.get_attr("city").unwrap().to_string(), "Wien");
        assert_eq!(arguments.get_attr("days").unwrap().len(), Some(2));
        for wrong in ["", "{", "Wien", &"[".repeat(LONGEST + 1)] {
            assert!(value(wrong).is_err());
        }
    }
}
