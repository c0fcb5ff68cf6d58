//! The filters `base64` and `hmac`, for headers that are signed and bodies that carry bytes.
//!
//! `hmac` is ring's, which TLS brings along anyhow.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind};
use ring::hmac::{self, Algorithm, Key};

/// The filter that signs a text.
const HMAC: &str = "hmac";

/// The filter that writes a text's bytes in letters and digits.
const BASE64: &str = "base64";

/// Adds the filters to an environment.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter(BASE64, |text: &str| BASE64_STANDARD.encode(text));
    environment.add_filter(HMAC, signed);
}

/// The signature of a text by a key: SHA-256 in hexadecimal digits, unless `algorithm` or `encoding` say otherwise.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the engine hands named arguments over by value"
)]
fn signed(text: &str, key: &str, arguments: Kwargs) -> Result<String, Error> {
    let name: Option<&str> = arguments.get("algorithm")?;
    let encoding: Option<&str> = arguments.get("encoding")?;
    arguments.assert_all_used()?;
    let algorithm = algorithm(name.unwrap_or("sha256"))?;
    let tag = hmac::sign(&Key::new(algorithm, key.as_bytes()), text.as_bytes());
    match encoding.unwrap_or("hex") {
        "hex" => Ok(hexadecimal(tag.as_ref())),
        "base64" => Ok(BASE64_STANDARD.encode(tag)),
        _ => Err(refused("`hmac` takes encoding=\"hex\" or \"base64\"")),
    }
}

fn algorithm(name: &str) -> Result<Algorithm, Error> {
    match name {
        "sha1" => Ok(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        "sha256" => Ok(hmac::HMAC_SHA256),
        "sha512" => Ok(hmac::HMAC_SHA512),
        _ => Err(refused(
            "`hmac` takes algorithm=\"sha1\", \"sha256\" or \"sha512\"",
        )),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes every write");
    }
    text
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use super::*;

    fn sign(arguments: &[(&str, &str)]) -> Result<String, Error> {
        let arguments = arguments
            .iter()
            .map(|&(name, value)| (name, Value::from(value)));
        // RFC 4231 and RFC 2202, test case 2
        signed("what do ya want for nothing?", "Jefe", arguments.collect())
    }

    #[test]
    fn signatures_are_those_of_the_rfcs() {
        let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(&[]).unwrap(), sha256);
        assert_eq!(
            sign(&[("encoding", "base64")]).unwrap(),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
        );
        assert_eq!(
            sign(&[("algorithm", "sha1")]).unwrap(),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        assert!(
            sign(&[("algorithm", "sha512")])
                .unwrap()
                .starts_with("164b7a7bfcf819e2")
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for wrong in [("algorithm", "md5"), ("encoding", "hexx"), ("algo", "sha1")] {
            assert!(sign(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
