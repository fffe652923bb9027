//! The key of a record: the id of the function that the ingress hands it to.
//!
//! The runtime keeps the order of records of one key only, so the key is the entity that an event is about.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// Where the keys of records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// The same key for all.
    Constant(String),
    /// The value at the same place of every event.
    Pointer(Pointer),
    /// The value at a place that depends on the event's type; the first rule that matches decides.
    Rules(Vec<KeyRule>),
}

impl Keys {
    /// The key of an event; `None` stands for a line that is not JSON.
    ///
    /// # Errors
    /// When there is none. A key is never empty, unless it is a constant.
    pub fn of(&self, event: Option<&Value>) -> Result<String, NoKey> {
        let json = || event.ok_or_else(|| NoKey("not JSON, so there is no key in it".to_owned()));
        match self {
            Self::Constant(key) => Ok(key.clone()),
            Self::Pointer(pointer) => pointer.key(json()?),
            Self::Rules(rules) => {
                let event = json()?;
                let Some(event_type) = event.get("type").and_then(Value::as_str) else {
                    return Err(NoKey("no event with a type, so no key rule applies".to_owned()));
                };
                match rules.iter().find(|rule| rule.matches(event_type)) {
                    Some(rule) => rule.pointer.key(event),
                    None => Err(NoKey(format!("no key rule for the type {event_type:?}"))),
                }
            }
        }
    }
}

/// `TYPE=POINTER`: in events of this type, the key is there. A `*` at the end of the type stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRule {
    event_type: String,
    prefix: bool,
    pointer: Pointer,
}

impl KeyRule {
    /// The rules for the events of products and carts, as the command line takes them.
    pub const PRODUCT_CART: [&str; 2] = ["example.product=/data/id", "example.cart-*=/data/cartId"];

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

/// A place in an event: a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    fn key(&self, event: &Value) -> Result<String, NoKey> {
        let found = match event.pointer(&self.0) {
            Some(Value::String(text)) if !text.is_empty() => return Ok(text.clone()),
            Some(Value::Number(number)) => return Ok(number.to_string()),
            Some(Value::String(_)) => "an empty text",
            Some(Value::Bool(_)) => "true or false",
            Some(Value::Array(_)) => "an array",
            Some(Value::Object(_)) => "an object",
            Some(Value::Null) => "null",
            None => "nothing",
        };
        Err(NoKey(format!("{found} at {}, where its key should be; expected a text or a number", self.0)))
    }
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("{text:?} is no JSON pointer; expected one such as /data/cartId"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Why a line has no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKey(String);

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
    fn what_is_no_key_is_told() {
        let keys = rules(&KeyRule::PRODUCT_CART);
        assert_eq!(keys.of(None).expect_err("no key").to_string(), "not JSON, so there is no key in it");
        assert_eq!(no_key(&keys, json!({"type": "other"})), "no key rule for the type \"other\"");
        assert_eq!(no_key(&keys, json!({"id": 1})), "no event with a type, so no key rule applies");
        for (id, found) in [
            (json!(""), "an empty text"),
            (json!(null), "null"),
            (json!(["p"]), "an array"),
            (json!({}), "an object"),
            (json!(true), "true or false"),
        ] {
            let told = no_key(&keys, json!({"type": "example.product", "data": {"id": id}}));
            assert!(told.starts_with(&format!("{found} at /data/id, ")), "{told}");
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
    fn a_rule_or_pointer_in_another_form_is_refused_with_an_example() {
        for text in ["example.product", "=/data/id", ""] {
            assert!(text.parse::<KeyRule>().expect_err(text).contains("such as example.cart-*=/data/cartId"));
        }
        for text in ["data/id", "$.data.id", ""] {
            assert!(text.parse::<Pointer>().expect_err(text).contains("such as /data/cartId"));
            assert!(format!("example.product={text}").parse::<KeyRule>().is_err());
        }
    }
}
