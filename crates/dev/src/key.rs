//! The key of a record: the id of the function that the ingress sends it to.
//!
//! The runtime keeps the order of records only within a key, so the key is the entity that an event is about.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// The source of record keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// The same key for all records.
    Constant(String),
    /// The value at the same JSON pointer of every event.
    Pointer(Pointer),
    /// The value at a JSON pointer that depends on the event's type; the first matching rule applies.
    Rules(Vec<KeyRule>),
}

impl Keys {
    /// Reads the `data` of a directive `test.keys`: a JSON pointer, or a list of rules.
    ///
    /// # Errors
    /// When it is neither; the error says what was expected.
    pub(crate) fn from_json(data: &Value) -> Result<Self, String> {
        const EXPECTED: &str =
            r#"expected a pointer such as "/user", or rules such as ["example.cart-*=/data/cartId"]"#;

        let with_expected = |error: String| format!("test.keys: {error}; {EXPECTED}");
        match data {
            Value::String(pointer) => pointer.parse().map(Self::Pointer).map_err(with_expected),
            Value::Array(rules) if !rules.is_empty() => {
                let rules = rules.iter().map(|rule| rule.as_str().unwrap_or_default().parse());
                rules.collect::<Result<_, _>>().map(Self::Rules).map_err(with_expected)
            }
            other => Err(format!("test.keys with {other} as its data; {EXPECTED}")),
        }
    }

    /// The key of an event; `None` is a line that is not JSON.
    ///
    /// # Errors
    /// When the event has no key. Only a constant key can be empty.
    pub fn of(&self, event: Option<&Value>) -> Result<String, NoKey> {
        let json = || event.ok_or_else(|| NoKey("not JSON, so it has no key".to_owned()));
        match self {
            Self::Constant(key) => Ok(key.clone()),
            Self::Pointer(pointer) => pointer.key(json()?),
            Self::Rules(rules) => {
                let event = json()?;
                let Some(event_type) = event.get("type").and_then(Value::as_str) else {
                    return Err(NoKey("event without a type, so no key rule applies".to_owned()));
                };
                match rules.iter().find(|rule| rule.matches(event_type)) {
                    Some(rule) => rule.pointer.key(event),
                    None => Err(NoKey(format!("no key rule for the type {event_type:?}"))),
                }
            }
        }
    }
}

/// `TYPE=POINTER`: the pointer to the key in events of this type. A `*` at the end of the type matches any suffix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRule {
    event_type: String,
    prefix: bool,
    pointer: Pointer,
}

impl KeyRule {
    fn matches(&self, event_type: &str) -> bool {
        if self.prefix { event_type.starts_with(&self.event_type) } else { event_type == self.event_type }
    }
}

impl FromStr for KeyRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (event_type, pointer) = text
            .split_once('=')
            .filter(|(event_type, _)| !event_type.is_empty())
            .ok_or("expected TYPE=POINTER, such as example.cart-*=/data/cartId")?;
        let pointer = pointer.parse()?;
        Ok(match event_type.strip_suffix('*') {
            Some(prefix) => Self { event_type: prefix.to_owned(), prefix: true, pointer },
            None => Self { event_type: event_type.to_owned(), prefix: false, pointer },
        })
    }
}

/// A JSON pointer (RFC 6901) into an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    fn key(&self, event: &Value) -> Result<String, NoKey> {
        let found = match event.pointer(&self.0) {
            Some(Value::String(text)) if !text.is_empty() => return Ok(text.clone()),
            Some(Value::Number(number)) => return Ok(number.to_string()),
            Some(Value::String(_)) => "an empty string",
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::Array(_)) => "an array",
            Some(Value::Object(_)) => "an object",
            Some(Value::Null) => "null",
            None => "nothing",
        };
        Err(NoKey(format!("{found} at {}, expected the key: a string or a number", self.0)))
    }
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("{text:?} is not a JSON pointer; expected one such as /data/cartId"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The error for a line without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKey(String);

impl NoKey {
    /// Nobody said where keys are.
    pub fn unknown() -> Self {
        Self("it is not known where its key is".to_owned())
    }
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoKey {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(rules: &[&str]) -> Keys {
        Keys::Rules(rules.iter().map(|rule| rule.parse().expect("a rule")).collect())
    }

    fn no_key(keys: &Keys, event: Value) -> String {
        keys.of(Some(&event)).expect_err("no key").to_string()
    }

    #[test]
    fn the_first_rule_that_matches_the_type_decides() {
        let keys = rules(&["example.cart-cleared=/subject", "example.cart-*=/data/cartId", "*=/id"]);
        let key = |event_type| {
            keys.of(Some(&json!({"type": event_type, "id": "e", "subject": "s", "data": {"cartId": "c"}})))
        };
        assert_eq!(key("example.cart-cleared"), Ok("s".into()));
        assert_eq!(key("example.cart-product"), Ok("c".into()));
        assert_eq!(key("example.cart-"), Ok("c".into()));
        assert_eq!(key("example.cart"), Ok("e".into()));
    }

    #[test]
    fn a_number_is_a_key_with_all_its_digits() {
        let keys = Keys::Pointer("/n".parse().expect("a pointer"));
        let event = serde_json::from_str(r#"{"n": 123456789012345678901234567890}"#).expect("JSON");
        assert_eq!(keys.of(Some(&event)), Ok("123456789012345678901234567890".into()));
    }

    #[test]
    fn a_missing_key_is_reported() {
        let keys = rules(&["example.product=/data/id"]);
        assert_eq!(keys.of(None).expect_err("no key").to_string(), "not JSON, so it has no key");
        assert_eq!(no_key(&keys, json!({"type": "other"})), "no key rule for the type \"other\"");
        assert_eq!(no_key(&keys, json!({"id": 1})), "event without a type, so no key rule applies");
        for (id, found) in [
            (json!(""), "an empty string"),
            (json!(null), "null"),
            (json!(["p"]), "an array"),
            (json!({}), "an object"),
            (json!(true), "a boolean"),
        ] {
            let error = no_key(&keys, json!({"type": "example.product", "data": {"id": id}}));
            assert!(error.starts_with(&format!("{found} at /data/id, ")), "{error}");
        }
        assert!(no_key(&keys, json!({"type": "example.product"})).starts_with("nothing at /data/id, "));
    }

    #[test]
    fn a_constant_is_the_key_of_anything() {
        let keys = Keys::Constant("k".into());
        assert_eq!(keys.of(None), Ok("k".into()));
        assert_eq!(keys.of(Some(&json!({"type": "other"}))), Ok("k".into()));
    }

    #[test]
    fn the_error_for_an_invalid_rule_or_pointer_has_an_example() {
        for text in ["example.product", "=/data/id", ""] {
            assert!(text.parse::<KeyRule>().expect_err(text).contains("such as example.cart-*=/data/cartId"));
        }
        for text in ["data/id", "$.data.id", ""] {
            assert!(text.parse::<Pointer>().expect_err(text).contains("such as /data/cartId"));
            assert!(format!("example.product={text}").parse::<KeyRule>().is_err());
        }
    }
}
