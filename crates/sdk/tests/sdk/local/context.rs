//! One function by itself.

use statefun_sdk::local::{EmittedRecord, TestContext};
use statefun_sdk::{Context, Function, Message, TypedValue, ValueSpec};

use super::{FUNCTION, OTHER, OUT, SEEN, function, text};

/// An egress whose record the function has put together itself.
async fn raw_record(record: TypedValue) -> TestContext {
    let function = Function::new(FUNCTION)
        .fallback(async |record: &TypedValue, context: &mut Context, _: Message| context.emit(OUT, record.clone()))
        .with(record);
    let mut test = TestContext::new(function.emits(OUT), "ann").expect("valid");
    test.invoke(text("x")).await.expect("an answer");
    test
}

#[tokio::test]
async fn no_value_for_an_egress_is_shown_as_none() {
    let record = TypedValue::unset("test/record");
    let test = raw_record(record.clone()).await;
    assert_eq!(test.emitted()[0].record, EmittedRecord::Other(record));
}

#[tokio::test]
#[should_panic(expected = "a broken record for egress test/out")]
async fn a_test_context_does_not_hide_a_broken_record() {
    raw_record(TypedValue::from_bytes("type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord", &b"\xff"[..]))
        .await;
}

#[tokio::test]
async fn a_test_context_shows_what_a_function_did() {
    let mut test = TestContext::new(function(FUNCTION), "ann").expect("valid").with_caller(OTHER.with_id("bob"));
    test.set(&SEEN, 7).expect("encodes");
    let commands = ["fan 2", "emit x", "after 3 y", "cancellable 4 z", "cancellable 5 zz", "cancel z"];
    test.invoke_batch(commands.map(text)).await.expect("an answer");
    assert_eq!(test.get(&SEEN).expect("readable"), Some(13));
    let sent: Vec<_> = test.sent().iter().map(|sent| (sent.target.to_string(), sent.value.clone())).collect();
    let sink = "test/function/sink".to_owned();
    assert_eq!(sent, [(sink.clone(), text("emit 0")), (sink, text("emit 1"))]);
    let delayed: Vec<_> =
        test.delayed().iter().map(|delayed| (delayed.delay.as_secs(), delayed.token.as_deref())).collect();
    assert_eq!(delayed, [(3, None), (5, Some("zz"))]);
    assert_eq!(test.emitted().len(), 1);
    assert_eq!((test.emitted()[0].record.key(), &test.emitted()[0].record.value()[..]), ("ann", &b"x"[..]));
    const OTHER_STATE: ValueSpec<i32> = ValueSpec::new("sen");
    assert!(test.get(&OTHER_STATE).is_err() && test.set(&OTHER_STATE, 1).is_err());
    test.clear_effects();
    assert!(test.sent().is_empty() && test.delayed().is_empty() && test.emitted().is_empty());
    test.invoke(TypedValue::from_bytes("io.statefun.types/string", &b"\xff"[..])).await.expect_err("poison");
    assert_eq!(test.get(&SEEN).expect("readable"), Some(13));
}
