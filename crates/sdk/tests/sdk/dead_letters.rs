//! The record of a dead letter: where it goes, and what it tells.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use statefun_sdk::protocol::egress::KinesisEgressRecord;
use statefun_sdk::protocol::reqreply::Address;
use statefun_sdk::protocol::reqreply::from_function::EgressMessage;
use statefun_sdk::{Context, DeadLetter, Destination, FailurePolicy, Function, FunctionError, Message, ResultExt};
use statefun_test_support::request::{Batch, address, effects, typed, value_of};

use super::support::{DEAD, FUNCTION, dead_letters, kafka, record};

async fn buried(id: &str, caller: Option<Address>, payload: &[u8]) -> EgressMessage {
    async fn refuse(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        Err(FunctionError::poison("no"))
    }
    let request = Batch::to(FUNCTION, id).message_from(caller, Some(typed("test/payload", payload.to_vec())));
    let result = effects(Function::new(FUNCTION).fallback(refuse).on_failure(dead_letters()), request).await;
    result.outgoing_egresses.into_iter().next().expect("a dead letter")
}

#[tokio::test]
async fn a_dead_letter_tells_all_that_is_needed_to_find_the_cause() {
    let payload = b"not \xff what it should be";
    let message = buried("ann", Some(address("test/caller", "bob")), payload).await;
    assert_eq!((&message.egress_namespace[..], &message.egress_type[..]), (&b"test"[..], &b"dead-letter"[..]));
    assert_eq!((&kafka(&message).topic[..], &kafka(&message).key[..]), (&b"dead"[..], &b"ann"[..]));
    let digest: String = Sha256::digest(payload).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        record(&message),
        json!({
            "function": {"namespace": "test", "type": "function", "id": "ann"},
            "caller": {"namespace": "test", "type": "caller", "id": "bob"},
            "message_type": "test/payload",
            "failure": "poison",
            "error": "no",
            "payload_length": payload.len(),
            "payload_sha256": digest,
            "payload": STANDARD.encode(payload),
        })
    );
    let message = buried("", None, b"").await;
    assert_eq!(&kafka(&message).key[..], b"-");
    assert_eq!(record(&message)["caller"], Value::Null);
}

#[tokio::test]
async fn a_huge_dead_letter_is_cut_and_stays_under_its_limit() {
    let payload: Vec<u8> = (0..3_000_000).map(|n: u32| n.to_le_bytes()[0]).collect();
    // Every character of this id is escaped as six.
    let message = buried(&"\u{1}".repeat(200_000), None, &payload).await;
    let size = kafka(&message).value_bytes.len();
    assert!((800 * 1024..900 * 1024).contains(&size), "{size}");
    // A broker counts the key as well, and takes 1 MiB.
    assert!(size + kafka(&message).key.len() < 1_000_000);
    let record = record(&message);
    assert_eq!(record["payload_length"], payload.len());
    let kept = STANDARD.decode(record["payload"].as_str().expect("text")).expect("base64");
    assert_eq!(kept, payload[..kept.len()]);
}

/// A dead letter must not fail in its turn.
#[tokio::test]
async fn a_dead_letter_to_kinesis_has_a_key_that_kinesis_takes() {
    async fn refuse(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        Err(FunctionError::poison("no"))
    }
    for (id, key) in [("", "-".to_owned()), (&"é".repeat(300), "é".repeat(256)), (&"🛒".repeat(129), "🛒".repeat(128))]
    {
        let policy = FailurePolicy::DeadLetter(DeadLetter::new(DEAD, Destination::kinesis("dead")));
        let request = Batch::to(FUNCTION, id).message(value_of(1));
        let result = effects(Function::new(FUNCTION).fallback(refuse).on_failure(policy), request).await;
        let argument = result.outgoing_egresses[0].argument.clone().expect("a record");
        let record = KinesisEgressRecord::decode(argument.value).expect("a record");
        assert_eq!((&record.partition_key[..], &record.stream[..]), (key.as_bytes(), &b"dead"[..]));
    }
}

/// A custom error whose source quotes the value.
#[tokio::test]
async fn sources_are_told_without_values() {
    #[derive(Debug)]
    struct Unreadable(serde_json::Error);
    impl std::fmt::Display for Unreadable {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the price is unreadable")
        }
    }
    impl std::error::Error for Unreadable {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    async fn parse(_: &mut Context, text: String) -> Result<(), FunctionError> {
        serde_json::from_str::<i32>(&text).map(drop).map_err(Unreadable).or_poison()
    }
    let request = Batch::to(FUNCTION, "a").message(value_of("\"secret\""));
    let result = effects(Function::new(FUNCTION).on(parse).on_failure(dead_letters()), request).await;
    let error = record(&result.outgoing_egresses[0])["error"].clone();
    assert_eq!(error, "the price is unreadable: expected i32 (line 1, column 8)");
}

#[tokio::test]
async fn no_text_that_was_put_together_or_quotes_a_value_is_told() {
    async fn quote(_: &mut Context, message: Message) -> Result<(), FunctionError> {
        match message.type_name() {
            "test/unwrap" => drop(serde_json::from_slice::<i32>(message.value()).unwrap()),
            _ => drop(serde_json::from_slice::<i32>(message.value()).map_err(FunctionError::poison)?),
        }
        Ok(())
    }
    for type_name in ["test/unwrap", "test/poison"] {
        let request = Batch::to(FUNCTION, "a").message(typed(type_name, "\"secret\""));
        let result = effects(Function::new(FUNCTION).fallback(quote).on_failure(dead_letters()), request).await;
        let error = record(&result.outgoing_egresses[0])["error"].to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
