//! Values on the wire: as every other SDK writes and reads them.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use statefun_sdk::{Bytes, Decode, Encode, Json, Proto, TypeName, Typed, TypedValue};

fn wire<T: Encode + Typed>(value: T) -> (String, Vec<u8>) {
    let value = TypedValue::new(value).expect("encodes");
    (value.type_name().to_owned(), value.value().to_vec())
}

#[test]
fn primitives_are_the_wrappers_of_the_protocol() {
    let expected = |name: &str, bytes: &[u8]| (format!("io.statefun.types/{name}"), bytes.to_vec());
    assert_eq!(wire(true), expected("bool", &[0x08, 1]));
    assert_eq!(wire(-2i32), expected("int", &[0x0d, 0xfe, 0xff, 0xff, 0xff]));
    assert_eq!(wire(1i64 << 32), expected("long", &[0x09, 0, 0, 0, 0, 1, 0, 0, 0]));
    assert_eq!(wire(1.5f32), expected("float", &[0x0d, 0, 0, 0xc0, 0x3f]));
    assert_eq!(wire(1.5f64), expected("double", &[0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]));
    assert_eq!(wire("hé"), expected("string", &[0x0a, 3, b'h', 0xc3, 0xa9]));
    assert_eq!(wire("hé".to_owned()), wire("hé"));
}

/// Java reads strictly: an explicit default is an error there.
#[test]
fn defaults_are_no_bytes_at_all() {
    for (_, bytes) in [wire(false), wire(0i32), wire(0i64), wire(0f32), wire(0f64), wire("")] {
        assert!(bytes.is_empty());
    }
}

/// We read more than we write: explicit defaults, and fields of later versions.
#[test]
fn reading_is_liberal() {
    fn read<T: Decode>(bytes: &'static [u8]) -> T {
        T::decode(&Bytes::from_static(bytes)).expect("decodes")
    }
    assert!(!read::<bool>(&[0x08, 0]));
    assert_eq!(read::<i32>(&[]), 0);
    assert_eq!(read::<i32>(&[0x0d, 7, 0, 0, 0, 0x10, 1]), 7);
    assert_eq!(read::<String>(&[0x0a, 0]), "");
}

#[test]
fn bytes_of_another_type_are_an_error_that_does_not_show_them() {
    fn refused<T: Decode + std::fmt::Debug>(bytes: &'static [u8]) -> String {
        T::decode(&Bytes::from_static(bytes)).expect_err("refused").to_string()
    }
    refused::<i32>(&[0x0d, 1]);
    refused::<i64>(&[0x0d, 1, 0, 0, 0]);
    refused::<String>(&[0x0a, 2, 0xff, 0xfe]);
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Login {
        user_name: String,
        age: Option<u8>,
    }
    for (text, expected) in [
        (&br#"{"user_name": 7331}"#[..], "expected a string (line 1, column 18)"),
        (br#"{"user_name": "a", "age": "secret, expected nothing"}"#, "expected u8"),
        (br#"{"age": 1}"#, "missing field `user_name`"),
        (br#"{"user_name": "secret"#, "the text ends too early"),
        (b"secret", "not JSON"),
        (b"", "the text ends too early"),
    ] {
        let error = refused::<Json<Login>>(text);
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("secret") && !error.contains("7331"), "{error}");
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Document {
    text: String,
    numbers: Vec<i64>,
    inner: Option<Box<Document>>,
}

impl Typed for Document {
    const TYPE_NAME: TypeName = TypeName::new("test/document");
}

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(sint64, repeated, tag = "2")]
    numbers: Vec<i64>,
}

impl Typed for Record {
    const TYPE_NAME: TypeName = TypeName::new("com.googleapis/test.Record");
}

#[test]
fn documents_and_records_have_the_name_of_what_they_hold() {
    let document = Document { text: "a".to_owned(), numbers: vec![1], inner: None };
    let json = br#"{"text":"a","numbers":[1],"inner":null}"#.to_vec();
    assert_eq!(wire(Json(&document)), ("test/document".to_owned(), json));
    let record = Record { text: "a".to_owned(), numbers: vec![] };
    assert_eq!(wire(Proto(record)), ("com.googleapis/test.Record".to_owned(), vec![0x0a, 1, b'a']));
}

fn round_trip<T: Encode + Decode>(value: &T) -> T {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).expect("encodes");
    T::decode(&Bytes::from(bytes)).expect("decodes")
}

fn documents() -> impl Strategy<Value = Document> {
    let leaf = (any::<String>(), any::<Vec<i64>>());
    let leaf = leaf.prop_map(|(text, numbers)| Document { text, numbers, inner: None });
    leaf.prop_recursive(3, 8, 1, |inner| {
        (any::<String>(), inner).prop_map(|(text, inner)| Document { text, numbers: vec![], inner: Some(inner.into()) })
    })
}

proptest! {
    #[test]
    fn whole_values_come_back(a: bool, b: i32, c: i64, d: String, e: Vec<u8>) {
        prop_assert_eq!(round_trip(&a), a);
        prop_assert_eq!(round_trip(&b), b);
        prop_assert_eq!(round_trip(&c), c);
        prop_assert_eq!(round_trip(&d), d);
        let e = Bytes::from(e);
        prop_assert_eq!(round_trip(&e), e);
    }

    /// Bit by bit, but for -0.0: the protobuf libraries of the other SDKs do not agree on whether it is a default.
    #[test]
    fn floats_come_back(a in proptest::num::f32::ANY, b in proptest::num::f64::ANY) {
        prop_assert_eq!(round_trip(&a).to_bits(), if a == 0.0 { 0 } else { a.to_bits() });
        prop_assert_eq!(round_trip(&b).to_bits(), if b == 0.0 { 0 } else { b.to_bits() });
    }

    #[test]
    fn documents_come_back(document in documents(), text: String, numbers: Vec<i64>) {
        prop_assert_eq!(&round_trip(&Json(document.clone())).0, &document);
        let record = Proto(Record { text, numbers });
        prop_assert_eq!(&round_trip(&record), &record);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes: Vec<u8>) {
        let bytes = Bytes::from(bytes);
        let _ = (bool::decode(&bytes), i32::decode(&bytes), i64::decode(&bytes), f32::decode(&bytes));
        let _ = (f64::decode(&bytes), String::decode(&bytes), Json::<Document>::decode(&bytes));
        let _ = Proto::<Record>::decode(&bytes);
    }
}
