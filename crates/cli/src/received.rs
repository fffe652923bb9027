//! A received record, printed as a line of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use statefun_dev::escape_controls;

/// A record of a topic or a stream.
///
/// ```
/// use statefun_cli::received::{Position, Received};
///
/// let position = Position::Kafka { topic: "example-egress".into(), partition: 2, offset: 7 };
/// let received = Received { position, key: Some(b"cart-1".to_vec()), value: Some(b"{\"n\":42.10}".to_vec()) };
/// assert_eq!(
///     received.to_line().unwrap(),
///     r#"{"topic":"example-egress","partition":2,"offset":7,"key":"cart-1","value":{"n":42.10}}"#
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The record's position.
    pub position: Position,
    /// The key, if the record has one.
    pub key: Option<Vec<u8>>,
    /// The value; `None` for a Kafka tombstone.
    pub value: Option<Vec<u8>>,
}

/// The position of a record, unique for each record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Position {
    /// In a topic.
    Kafka {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
    },
    /// In a stream.
    Kinesis {
        /// The stream.
        stream: String,
        /// The shard.
        shard: String,
        /// The sequence number.
        sequence: String,
        /// The index of the record among those that the Kinesis Producer Library aggregated under one sequence number.
        #[serde(skip_serializing_if = "Option::is_none")]
        subsequence: Option<usize>,
    },
}

/// A printed line. Keys and values in another format have a field name of their own, so that lines are unambiguous.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    position: &'a Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(flatten)]
    value: Option<Value<'a>>,
}

#[derive(Serialize)]
enum Value<'a> {
    /// The original text, so that numbers keep their digits.
    #[serde(rename = "value")]
    Json(Box<RawValue>),
    #[serde(rename = "value_text")]
    Text(&'a str),
    #[serde(rename = "value_base64")]
    Base64(String),
}

impl Received {
    /// The record as one line of JSON, without a line terminator.
    ///
    /// # Errors
    /// When the record cannot be serialized.
    pub fn to_line(&self) -> serde_json::Result<String> {
        let bytes = self.key.as_deref();
        let key = bytes.and_then(|key| std::str::from_utf8(key).ok());
        let key_base64 = bytes.filter(|_| key.is_none()).map(|key| STANDARD.encode(key));
        let value = self.value.as_deref().map(Value::of);
        let line = serde_json::to_string(&Line { position: &self.position, key, key_base64, value })?;
        Ok(escape_controls(line))
    }
}

impl<'a> Value<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Base64(STANDARD.encode(bytes)) };
        // A line break in JSON can only be whitespace: inside a string it would be escaped.
        match RawValue::from_string(text.replace(['\n', '\r'], " ")) {
            Ok(json) => Self::Json(json),
            Err(_) => Self::Text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: Option<&[u8]>, value: Option<&[u8]>) -> String {
        let position = Position::Kafka { topic: "t".into(), partition: 0, offset: 1 };
        let received = Received { position, key: key.map(Into::into), value: value.map(Into::into) };
        let line = received.to_line().expect("a line");
        let rest = line.strip_prefix(r#"{"topic":"t","partition":0,"offset":1"#).expect("the position first");
        rest.to_owned()
    }

    #[test]
    fn json_is_unchanged() {
        assert_eq!(
            line(Some(b"c"), Some(br#"{"b":1.0,"a":[1e400,12345678901234567890123]}"#)),
            r#","key":"c","value":{"b":1.0,"a":[1e400,12345678901234567890123]}}"#
        );
        assert_eq!(line(Some(b"c"), Some(b"{\r\n  \"a\": \"x\\n\"\n}")), r#","key":"c","value":{    "a": "x\n" }}"#);
    }

    #[test]
    fn no_control_character_is_printed() {
        let hostile = "\x1b[31m\u{7f}\u{9b}31m\n";
        let escaped = r"\u001b[31m\u007f\u009b31m\n";
        assert_eq!(
            line(Some(hostile.as_bytes()), Some(hostile.as_bytes())),
            format!(r#","key":"{escaped}","value_text":"{escaped}"}}"#)
        );
        assert_eq!(line(None, Some("\"\u{9b}é\"".as_bytes())), r#","value":"\u009bé"}"#);
    }

    #[test]
    fn every_other_format_has_its_own_field() {
        assert_eq!(line(Some(b""), Some(b"")), r#","key":"","value_text":""}"#);
        assert_eq!(line(None, Some(b"hello\n")), r#","value_text":"hello\n"}"#);
        assert_eq!(line(Some(&[0xff]), Some(&[0, 0xff])), r#","key_base64":"/w==","value_base64":"AP8="}"#);
        assert_eq!(line(Some(b"k"), None), r#","key":"k"}"#);
        assert_eq!(line(Some(b"k"), Some(b"null")), r#","key":"k","value":null}"#);
    }

    #[test]
    fn a_kinesis_record_has_its_shard() {
        let position = Position::Kinesis {
            stream: "s".into(),
            shard: "shardId-000000000000".into(),
            sequence: "49".into(),
            subsequence: Some(1),
        };
        let received = Received { position, key: Some(b"k".into()), value: Some(b"1".into()) };
        assert_eq!(
            received.to_line().expect("a line"),
            r#"{"stream":"s","shard":"shardId-000000000000","sequence":"49","subsequence":1,"key":"k","value":1}"#
        );
    }
}
