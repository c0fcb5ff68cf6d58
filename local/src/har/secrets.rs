//! What looks like a secret in a recording: by its name, or by itself. None of it reaches a workload.

/// Parts of the names of secrets, in small letters and digits.
const PARTS: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "credential",
    "session",
    "csrf",
    "xsrf",
    "jwt",
    "signature",
    "cardnumber",
    "cvv",
    "cvc",
    "otp",
    "assertion",
    "samlresponse",
];

/// Names of secrets that are common as a part of other names.
const WHOLE: [&str; 8] = ["auth", "xauth", "pass", "pin", "sid", "ssn", "sig", "iban"];

/// The shortest value of a `key` that is taken for a secret, in bytes.
const LONG_KEY: usize = 16;

/// True if the value of this name is nobody else's business.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    PARTS.iter().any(|part| plain.contains(part))
        || WHOLE.contains(&&*plain)
        || (matches!(&*plain, "key" | "code" | "state") && value.len() >= LONG_KEY)
        || is_token(value)
}

/// True for a JSON Web Token, or what stands in `Authorization`.
pub(super) fn is_token(value: &str) -> bool {
    let value = value.trim();
    let scheme = value
        .split_once(' ')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("bearer" | "basic")) && value.len() > 16
        || value.starts_with("eyJ") && value.matches('.').count() >= 2 && value.len() > 40
}

/// True if a text that has no names holds the name of a secret.
pub(super) fn may_hold_one(text: &str) -> bool {
    let plain = text.to_ascii_lowercase();
    let plain: String = plain.chars().filter(char::is_ascii_alphanumeric).collect();
    PARTS
        .iter()
        .any(|part| part.len() > 3 && plain.contains(part))
        || text.contains("eyJ")
}

/// The expression that stands in the place of a secret.
pub(super) fn placeholder(name: &str) -> String {
    format!("{{{{ env('{}', 'change-me') }}}}", variable(name))
}

/// The name of a variable for the secret.
pub(super) fn variable(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let variable: String = words
        .join("_")
        .to_ascii_uppercase()
        .chars()
        .take(60)
        .collect();
    match variable.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => variable,
        false => format!("SECRET_{variable}"),
    }
}
