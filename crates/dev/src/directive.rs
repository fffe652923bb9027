//! Lines that are not for the functions, but for the program that replays a file of events.

use std::time::Duration;

use serde_json::Value;

use crate::key::Keys;

/// A test directive: a line of JSON whose type begins with `test.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directive {
    /// `test.comment`: print a comment.
    Comment(String),
    /// `test.delay`: wait once, `data` milliseconds.
    Delay(Duration),
    /// `test.delay-between-events`: wait `data` milliseconds before every later event.
    DelayBetweenEvents(Duration),
    /// `test.keys`: where the keys of later records are; the keys of demos are the functions' own.
    Keys(Keys),
}

impl Directive {
    /// Parses an event as a directive; `None` if it is not one.
    ///
    /// # Errors
    /// When the type begins with `test.` and is none of these, or the `data` is invalid; the error says what was expected.
    pub fn of(event: &Value) -> Result<Option<Self>, String> {
        let Some(event_type) = event.get("type").and_then(Value::as_str) else { return Ok(None) };
        let data = event.get("data").unwrap_or(&Value::Null);
        let millis = || {
            data.as_u64().map(Duration::from_millis).ok_or_else(|| {
                format!("{event_type} with {data} as its data; expected a number of milliseconds, such as 500")
            })
        };
        Ok(Some(match event_type {
            "test.comment" => Self::Comment(data.as_str().unwrap_or_default().to_owned()),
            "test.delay" => Self::Delay(millis()?),
            "test.delay-between-events" => Self::DelayBetweenEvents(millis()?),
            "test.keys" => Self::Keys(Keys::from_json(data)?),
            _ if event_type.starts_with("test.") => {
                return Err(format!(
                    "unknown type {event_type}; expected test.comment, test.delay, test.delay-between-events or test.keys"
                ));
            }
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn some_types_are_directives_and_others_are_not() {
        let of = |event_type: &str, data| Directive::of(&json!({"type": event_type, "data": data}));
        assert_eq!(of("test.comment", json!("a product")), Ok(Some(Directive::Comment("a product".into()))));
        assert_eq!(of("test.comment", json!(null)), Ok(Some(Directive::Comment(String::new()))));
        assert_eq!(of("test.delay", json!(20)), Ok(Some(Directive::Delay(Duration::from_millis(20)))));
        assert_eq!(of("test.delay-between-events", json!(0)), Ok(Some(Directive::DelayBetweenEvents(Duration::ZERO))));
        for (data, keys) in [
            (json!("/user"), Keys::Pointer("/user".parse().expect("a pointer"))),
            (json!(["a=/b"]), Keys::Rules(vec!["a=/b".parse().expect("a rule")])),
        ] {
            assert_eq!(of("test.keys", data), Ok(Some(Directive::Keys(keys))));
        }
        assert!(of("test.delays", json!(20)).expect_err("unknown").starts_with("unknown type test.delays; expected "));
        assert_eq!(of("tests.delay", json!(20)), Ok(None));
        assert_eq!(of("example.product", json!({"id": "test.comment"})), Ok(None));
        assert_eq!(Directive::of(&json!(["test.comment"])), Ok(None));
    }

    #[test]
    fn a_delay_without_milliseconds_is_an_error() {
        for data in [json!("500"), json!(-1), json!(1.5), json!(null), json!({"ms": 5})] {
            let error = Directive::of(&json!({"type": "test.delay", "data": data})).expect_err("no milliseconds");
            assert!(error.starts_with("test.delay with "), "{error}");
            assert!(error.contains("expected a number of milliseconds"), "{error}");
        }
    }

    #[test]
    fn keys_that_are_neither_a_pointer_nor_rules_are_an_error() {
        for data in [json!("user"), json!(["user"]), json!([1]), json!([]), json!(null), json!({"pointer": "/user"})] {
            let error = Directive::of(&json!({"type": "test.keys", "data": data})).expect_err("no keys");
            assert!(error.contains("expected a pointer such as \"/user\", or rules such as"), "{error}");
        }
    }
}
