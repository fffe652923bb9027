//! What a function sends and emits, over the protocol.

use std::time::Duration;

use prost::Message as _;
use statefun_sdk::protocol::egress::{KafkaProducerRecord, KinesisEgressRecord};
use statefun_sdk::protocol::reqreply::from_function::{DelayedInvocation, EgressMessage, Invocation};
use statefun_sdk::{
    Address, Bytes, CancellationToken, Context, Function, FunctionError, Json, KafkaRecord, KinesisRecord, Message,
    MessageHandler, TypeName, TypedValue, ValueSpec,
};
use statefun_test_support::request::{Batch, address, call, effects, mutations, typed, value_of};

use super::support::{FUNCTION, OTHER, OUT, dead_letters, failure, request, unset};

fn function<F: 'static>(handler: impl for<'a> MessageHandler<'a, (), Message, F>) -> Function {
    Function::new(FUNCTION).fallback(handler).sends_to(OTHER).emits(OUT)
}

#[tokio::test]
async fn messages_are_sent_in_order_with_their_types() {
    async fn send(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        context.send(OTHER.with_id("1"), 7)?;
        context.send(OTHER.with_id("2"), "text")?;
        let owned = String::from("borrowed");
        context.send(OTHER.with_id(""), &owned)?;
        drop(owned);
        context.send(OTHER.with_id("3"), TypedValue::from_bytes("anything at all", vec![1, 2]))?;
        context.send(OTHER.with_id("4"), &message)
    }
    let result = effects(function(send), request()).await;
    let expected = [
        ("1", value_of(7)),
        ("2", value_of("text")),
        ("", value_of("borrowed")),
        ("3", typed("anything at all", vec![1, 2])),
        ("4", value_of(1)),
    ];
    let expected =
        expected.map(|(id, argument)| Invocation { target: Some(address("test/other", id)), argument: Some(argument) });
    assert_eq!(result.outgoing_messages, expected);
}

/// In the Java SDK a message of another type decoded to something else.
#[tokio::test]
async fn a_message_of_another_type_is_an_error_that_names_both() {
    async fn read(_: &mut Context, message: Message) -> Result<(), FunctionError> {
        assert!(!message.is::<i64>() && message.is::<i32>());
        let error = message.get::<i64>().expect_err("another type").to_string();
        assert_eq!(error, "a value of type io.statefun.types/int, expected io.statefun.types/long");
        assert_eq!(message.get::<i32>()?, 1);
        Ok(())
    }
    effects(function(read), request()).await;
}

#[tokio::test]
async fn a_message_without_a_value_is_passed_on_without_one() {
    async fn pass(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        context.send(OTHER.with_id("1"), &message)?;
        context.send(OTHER.with_id("1"), TypedValue::unset("test/unset"))
    }
    let request = Batch::to(FUNCTION, "a").message(unset("test/any"));
    let sent = effects(function(pass), request).await.outgoing_messages;
    let arguments: Vec<_> = sent.into_iter().map(|sent| sent.argument).collect();
    assert_eq!(arguments, [Some(unset("test/any")), Some(unset("test/unset"))]);
}

#[tokio::test]
async fn a_token_can_be_kept_in_a_state() {
    const TOKEN: ValueSpec<CancellationToken> = ValueSpec::new("token");
    async fn remember(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        let known = context.get(&TOKEN)?.cloned();
        match known {
            Some(token) => context.cancel(&token),
            None => context.set(&TOKEN, CancellationToken::new("t")?)?,
        }
        Ok(())
    }
    let function = || function(remember).state(&TOKEN);
    let result = effects(function(), request().state("token", None)).await;
    assert_eq!(mutations(&result), [("token".to_owned(), Some(value_of("t")))]);
    let result = effects(function(), request().state("token", Some(value_of("t")))).await;
    assert!(result.delayed_invocations[0].is_cancellation_request);
    // An empty one cannot be cancelled with.
    call(function(), request().state("token", Some(value_of("")))).await.expect_err("a state that cannot be read");
}

#[tokio::test]
async fn a_reply_goes_to_the_caller_whoever_it_is() {
    async fn reply(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.reply(true)
    }
    let asked = || Batch::to(FUNCTION, "a").message_from(Some(address("far/away", "x")), Some(value_of(1)));
    let result = effects(Function::new(FUNCTION).fallback(reply).replies(), asked()).await;
    assert_eq!(result.outgoing_messages[0].target, Some(address("far/away", "x")));
    assert!(failure(Function::new(FUNCTION).fallback(reply).replies(), request()).await.reason.contains("ingress"));
    let undeclared = failure(Function::new(FUNCTION).fallback(reply), asked()).await.reason;
    assert!(undeclared.contains("target far/away is not declared"), "{undeclared}");
}

#[tokio::test]
async fn targets_and_egresses_must_be_declared() {
    async fn send(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.send(OTHER.with_id("1"), 7)
    }
    async fn delay(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.send_after(Duration::ZERO, OTHER.with_id("1"), 7)
    }
    async fn emit(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.emit(OUT, KafkaRecord::topic("t").utf8("x"))
    }
    for reason in [
        failure(Function::new(FUNCTION).fallback(send), request()).await.reason,
        failure(Function::new(FUNCTION).fallback(delay), request()).await.reason,
    ] {
        assert!(reason.contains("target test/other is not declared"), "{reason}");
    }
    let reason = failure(Function::new(FUNCTION).fallback(emit), request()).await.reason;
    assert!(reason.contains("egress test/out is not declared"), "{reason}");
}

#[tokio::test]
async fn delays_are_whole_milliseconds_rounded_up_and_bounded() {
    async fn delay(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        for delay in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(2500), Duration::MAX] {
            context.send_after(delay, OTHER.with_id("1"), 7)?;
        }
        Ok(())
    }
    let result = effects(function(delay), request()).await;
    let delays: Vec<_> = result.delayed_invocations.iter().map(|delayed| delayed.delay_in_ms).collect();
    assert_eq!(delays, [0, 1, 3, i64::MAX / 2]);
}

fn token(text: &str) -> CancellationToken {
    CancellationToken::new(text.to_owned()).expect("some text")
}

#[tokio::test]
async fn a_token_may_be_used_again_once_it_was_cancelled() {
    async fn delay(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        let second = Duration::from_secs(1);
        context.send_cancellable(second, &token("t"), OTHER.with_id("1"), 7)?;
        context.cancel(&token("t"));
        context.send_cancellable(second, &token("t"), OTHER.with_id("2"), 7)
    }
    let result = effects(function(delay), request()).await;
    let sent = |id: &str| DelayedInvocation {
        delay_in_ms: 1000,
        target: Some(address("test/other", id)),
        argument: Some(value_of(7)),
        is_cancellation_request: false,
        cancellation_token: "t".into(),
    };
    let cancelled =
        DelayedInvocation { is_cancellation_request: true, cancellation_token: "t".into(), ..Default::default() };
    assert_eq!(result.delayed_invocations, [sent("1"), cancelled, sent("2")]);
}

#[tokio::test]
async fn a_token_that_is_pending_in_the_batch_is_refused() {
    async fn delay(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.send_cancellable(Duration::from_secs(1), &token("t"), OTHER.with_id("1"), 7)
    }
    let reason = failure(function(delay), request().message(value_of(2))).await.reason;
    assert!(reason.contains("\"t\" is in use"), "{reason}");
}

/// What was taken back is not pending, and what was cancelled in a failed invocation is.
#[tokio::test]
async fn a_dead_letter_takes_back_its_tokens_too() {
    async fn delay(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let number = message.get::<i32>()?;
        match number {
            3 => context.cancel(&token("t")),
            _ => context.send_cancellable(Duration::from_secs(1), &token("t"), OTHER.with_id("1"), number)?,
        }
        if number == 2 { Ok(()) } else { Err(FunctionError::poison("no")) }
    }
    let function = || function(delay).on_failure(dead_letters());
    let batch = |numbers: &[i32]| {
        let request = Batch::to(FUNCTION, "a");
        numbers.iter().fold(request, |request, &number| request.message(value_of(number)))
    };
    let result = effects(function(), batch(&[1, 2])).await;
    assert_eq!((result.delayed_invocations.len(), result.outgoing_egresses.len()), (1, 1));
    let result = effects(function(), batch(&[2, 3, 2])).await;
    assert_eq!((result.delayed_invocations.len(), result.outgoing_egresses.len()), (1, 2));
}

#[test]
fn tokens_have_text_and_random_ones_differ() {
    assert!(CancellationToken::new("").is_err());
    assert_ne!(CancellationToken::random(), CancellationToken::random());
    assert!(!CancellationToken::random().as_str().is_empty());
}

fn argument(message: &EgressMessage, type_name: &str) -> Bytes {
    assert_eq!((&message.egress_namespace[..], &message.egress_type[..]), (&b"test"[..], &b"out"[..]));
    let argument = message.argument.clone().expect("a record");
    assert_eq!((&argument.typename[..], argument.has_value), (type_name.as_bytes(), true));
    argument.value
}

#[tokio::test]
async fn kafka_records_are_what_the_egress_takes() {
    async fn emit(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.emit(OUT, KafkaRecord::topic("t").key(context.self_id().clone()).utf8("text"))?;
        context.emit(OUT, KafkaRecord::topic("t").value(vec![1, 2]))?;
        context.emit(OUT, KafkaRecord::topic("t").key("k").value_as(Json(vec![1, 2])))
    }
    let result = effects(function(emit), request()).await;
    let expected = [("a", &b"text"[..]), ("", &[1, 2]), ("k", b"[1,2]")];
    assert_eq!(result.outgoing_egresses.len(), expected.len());
    for (message, (key, value)) in result.outgoing_egresses.iter().zip(expected) {
        let bytes = argument(message, "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord");
        let record = KafkaProducerRecord::decode(bytes).expect("a record");
        assert_eq!((&record.key[..], &record.value_bytes[..], &record.topic[..]), (key.as_bytes(), value, &b"t"[..]));
    }
}

#[tokio::test]
async fn kinesis_records_are_what_the_egress_takes() {
    async fn emit(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.emit(OUT, KinesisRecord::stream("s").partition_key("p").explicit_hash_key("12").utf8("text"))
    }
    let result = effects(function(emit), request()).await;
    let bytes =
        argument(&result.outgoing_egresses[0], "type.googleapis.com/io.statefun.sdk.egress.KinesisEgressRecord");
    let record = KinesisEgressRecord::decode(bytes).expect("a record");
    let expected = KinesisEgressRecord {
        partition_key: "p".into(),
        value_bytes: "text".into(),
        stream: "s".into(),
        explicit_hash_key: "12".into(),
    };
    assert_eq!(record, expected);
}

#[tokio::test]
async fn records_that_an_egress_would_refuse_are_poison() {
    async fn keyless(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.emit(OUT, KinesisRecord::stream("s").utf8("x"))
    }
    async fn nowhere(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.emit(OUT, KafkaRecord::topic("").utf8("x"))
    }
    assert!(failure(function(keyless), request()).await.reason.contains("0 characters, expected 1 to 256"));
    assert!(failure(function(nowhere), request()).await.reason.contains("without a topic"));
}

/// What the function makes of a record for Kinesis: with this partition key, hash key and number of bytes.
fn emit_to_kinesis(key: String, hash_key: &'static str, size: usize) -> Function {
    type Record = (String, &'static str, usize);
    let emit = async |(key, hash_key, size): &Record, context: &mut Context, _: Message| {
        let record = KinesisRecord::stream("s").partition_key(&**key).explicit_hash_key(*hash_key);
        context.emit(OUT, record.value(vec![0; *size]))
    };
    Function::new(FUNCTION).fallback(emit).with((key, hash_key, size)).emits(OUT)
}

/// The producer of the egress counts a key in UTF-16 units, and would throw at these: the job would restart for ever.
#[tokio::test]
async fn what_the_kinesis_egress_takes_is_known_to_the_last_byte() {
    const MIB: usize = 1024 * 1024;
    for (key, hash_key, size) in [
        ("é".repeat(256), "", MIB - 512),
        ("🛒".repeat(128), "0", MIB - 512),
        ("k".to_owned(), "340282366920938463463374607431768211455", MIB - 1),
    ] {
        effects(emit_to_kinesis(key, hash_key, size), request()).await;
    }
    for (key, hash_key, size, reason) in [
        ("é".repeat(257), "", 1, "257 characters, expected 1 to 256"),
        ("🛒".repeat(129), "", 1, "258 characters, expected 1 to 256"),
        ("k".to_owned(), "340282366920938463463374607431768211456", 1, "no number from 0 to 2^128 - 1"),
        ("k".to_owned(), "-1", 1, "no number from 0 to 2^128 - 1"),
        ("k".to_owned(), "+1", 1, "no number from 0 to 2^128 - 1"),
        ("k".to_owned(), "01", 1, "no number from 0 to 2^128 - 1"),
        ("k".to_owned(), "abc", 1, "no number from 0 to 2^128 - 1"),
        ("k".to_owned(), "", MIB, "1048577 bytes with its partition key, expected 1048576 at most"),
    ] {
        let told = failure(emit_to_kinesis(key, hash_key, size), request()).await.reason;
        assert!(told.contains(reason), "{told}");
    }
}

#[tokio::test]
async fn another_egress_takes_any_typed_value() {
    async fn emit(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.emit(OUT, TypedValue::new("text")?)
    }
    let result = effects(function(emit), request()).await;
    assert_eq!(result.outgoing_egresses[0].argument, Some(value_of("text")));
}

/// Async functions, closures, and structs with dependencies are all functions.
#[tokio::test]
async fn functions_come_in_every_shape() {
    struct Adder {
        by: i32,
    }
    impl Adder {
        async fn add(&self, context: &mut Context, number: i32) -> Result<(), FunctionError> {
            context.send(OTHER.with_id("1"), number + self.by)
        }
    }
    let closure = async |context: &mut Context, message: Message| {
        tokio::task::yield_now().await;
        context.send(OTHER.with_id("1"), message.get::<i32>()? + 10)
    };
    let with = Function::new(FUNCTION)
        .fallback(async |by: &i32, context: &mut Context, message: Message| {
            tokio::task::yield_now().await;
            context.send(OTHER.with_id("1"), message.get::<i32>()? + by)
        })
        .with(10);
    let method = Function::new(FUNCTION).on(Adder::add).with(Adder { by: 10 });
    for function in [method.sends_to(OTHER), function(closure), with.sends_to(OTHER)] {
        let result = effects(function, request()).await;
        assert_eq!(result.outgoing_messages[0].argument, Some(value_of(11)));
    }
}

#[tokio::test]
async fn a_function_knows_itself_and_its_caller_of_each_message() {
    async fn check(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let expected = match message.get::<i32>()? {
            1 => None,
            _ => Some(Address::new(&OTHER, "x")),
        };
        assert_eq!(context.caller(), expected.as_ref());
        assert_eq!(context.self_address().to_string(), "test/function/a");
        assert!(context.self_address().is(&TypeName::new(FUNCTION)));
        Ok(())
    }
    let other = || Some(address("test/other", "x"));
    let request = request().message_from(other(), Some(value_of(2))).message(value_of(1));
    effects(function(check), request).await;
}
