//! What a function reads and writes, over the protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use statefun_sdk::protocol::reqreply::from_function::Response;
use statefun_sdk::protocol::reqreply::from_function::expiration_spec::ExpireMode;
use statefun_sdk::{
    Bytes, Context, Decode, Encode, FailureKind, Function, FunctionError, Json, Message, RecentIds, ResponseKind,
    TypeError, TypeName, Typed, ValueSpec,
};
use statefun_test_support::request::{Batch, call, decoded, effects, mutations, typed, value_of};

use super::support::{FUNCTION, SEEN, failure, request, unset};

const NAME: ValueSpec<String> = ValueSpec::new("name");

async fn count(context: &mut Context, _: Message) -> Result<(), FunctionError> {
    context.update(&SEEN, |seen| *seen += 1)
}

#[tokio::test]
async fn states_that_were_not_sent_are_asked_for_in_the_order_of_their_declaration() {
    const HOUR: Duration = Duration::from_secs(3600);
    const Z: ValueSpec<i64> = ValueSpec::<i64>::new("z").expire_after_write(HOUR);
    const M: ValueSpec<bool> = ValueSpec::<bool>::new("m").expire_after_call(Duration::from_micros(1500));
    let function = || Function::new(FUNCTION).fallback(count).state(&Z).state(&SEEN).state(&M);
    let reply = call(function(), request().state("seen", None)).await.expect("an answer");
    assert_eq!(reply.kind, ResponseKind::MissingStates);
    let Response::IncompleteInvocationContext(missing) = decoded(&reply) else { panic!("expected missing states") };
    let missing: Vec<_> = missing.missing_values.iter().collect();
    assert_eq!(missing.len(), 2);
    assert_eq!(
        (&missing[0].state_name[..], &missing[0].type_typename[..]),
        (&b"z"[..], &b"io.statefun.types/long"[..])
    );
    let expiration = missing[0].expiration_spec.expect("an expiration");
    assert_eq!((expiration.mode(), expiration.expire_after_millis), (ExpireMode::AfterWrite, 3_600_000));
    assert_eq!(
        (&missing[1].state_name[..], &missing[1].type_typename[..]),
        (&b"m"[..], &b"io.statefun.types/bool"[..])
    );
    // Part of a millisecond counts as one: the protocol has no finer unit, and zero would be another thing.
    let expiration = missing[1].expiration_spec.expect("an expiration");
    assert_eq!((expiration.mode(), expiration.expire_after_millis), (ExpireMode::AfterInvoke, 2));
}

#[tokio::test]
async fn a_single_state_that_was_not_sent_is_asked_for_too() {
    let function = Function::new(FUNCTION).fallback(count).state(&NAME).state(&SEEN);
    let reply = call(function, request().state("name", None)).await.expect("an answer");
    let Response::IncompleteInvocationContext(missing) = decoded(&reply) else { panic!("expected missing states") };
    let names: Vec<_> = missing.missing_values.into_iter().map(|spec| spec.state_name).collect();
    assert_eq!(names, ["seen"]);
}

#[tokio::test]
async fn states_of_another_release_are_ignored() {
    let request = request().state("of_another_release", Some(value_of(7))).state("seen", Some(value_of(4)));
    let result = effects(Function::new(FUNCTION).fallback(count).state(&SEEN), request).await;
    assert_eq!(mutations(&result), [("seen".to_owned(), Some(value_of(5)))]);
}

#[tokio::test]
async fn a_state_without_a_value_reads_as_none_however_the_runtime_says_so() {
    async fn read(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        assert_eq!(context.get(&SEEN)?, None);
        assert_eq!(context.get_mut(&SEEN)?, None);
        Ok(())
    }
    for value in [None, Some(unset("io.statefun.types/int"))] {
        let result = effects(Function::new(FUNCTION).fallback(read).state(&SEEN), request().state("seen", value)).await;
        assert_eq!(mutations(&result), []);
    }
}

#[tokio::test]
async fn a_state_that_was_only_read_sends_nothing() {
    async fn read(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        assert_eq!(context.get(&SEEN)?, Some(&4));
        Ok(())
    }
    let result =
        effects(Function::new(FUNCTION).fallback(read).state(&SEEN), request().state("seen", Some(value_of(4)))).await;
    assert_eq!(mutations(&result), []);
}

#[tokio::test]
async fn a_write_of_the_same_value_is_a_write() {
    async fn renew(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.set(&SEEN, 4)
    }
    let result =
        effects(Function::new(FUNCTION).fallback(renew).state(&SEEN), request().state("seen", Some(value_of(4)))).await;
    assert_eq!(mutations(&result), [("seen".to_owned(), Some(value_of(4)))]);
}

#[tokio::test]
async fn a_value_given_out_for_changing_counts_as_written() {
    async fn touch(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        if let Some(name) = context.get_mut(&NAME)? {
            name.push('!');
        }
        Ok(())
    }
    let request = request().state("name", Some(value_of("ann")));
    let result = effects(Function::new(FUNCTION).fallback(touch).state(&NAME), request).await;
    assert_eq!(mutations(&result), [("name".to_owned(), Some(value_of("ann!")))]);
}

#[tokio::test]
async fn removing_is_told_only_where_there_was_a_value() {
    async fn remove(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.remove(&SEEN)?;
        assert_eq!(context.get(&SEEN)?, None);
        Ok(())
    }
    let function = || Function::new(FUNCTION).fallback(remove).state(&SEEN);
    let result = effects(function(), request().state("seen", Some(value_of(4)))).await;
    assert_eq!(mutations(&result), [("seen".to_owned(), None)]);
    let result = effects(function(), request().state("seen", None)).await;
    assert_eq!(mutations(&result), []);
}

#[tokio::test]
async fn a_batch_ends_in_one_change_per_state() {
    async fn toggle(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        match message.get::<i32>()? {
            0 => context.remove(&SEEN),
            value => context.set(&SEEN, value),
        }
    }
    let function = || Function::new(FUNCTION).fallback(toggle).state(&SEEN);
    let batch = |values: &[i32]| {
        let request = Batch::to(FUNCTION, "a").state("seen", Some(value_of(9)));
        values.iter().fold(request, |request, &value| request.message(value_of(value)))
    };
    assert_eq!(mutations(&effects(function(), batch(&[1, 2, 3])).await), [("seen".to_owned(), Some(value_of(3)))]);
    assert_eq!(mutations(&effects(function(), batch(&[1, 0])).await), [("seen".to_owned(), None)]);
    assert_eq!(mutations(&effects(function(), batch(&[0, 5])).await), [("seen".to_owned(), Some(value_of(5)))]);
}

/// Go's G3: a value whose encoding is empty is a value.
#[tokio::test]
async fn default_values_are_written_as_no_bytes_with_a_value() {
    const FLAG: ValueSpec<bool> = ValueSpec::new("flag");
    const LONG: ValueSpec<i64> = ValueSpec::new("long");
    const DOUBLE: ValueSpec<f64> = ValueSpec::new("double");
    const FLOAT: ValueSpec<f32> = ValueSpec::new("float");
    async fn zero(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.set(&SEEN, 0)?;
        context.set(&NAME, String::new())?;
        context.set(&FLAG, false)?;
        context.set(&LONG, 0)?;
        context.set(&DOUBLE, 0.0)?;
        context.set(&FLOAT, 0.0)
    }
    let function = Function::new(FUNCTION).fallback(zero).state(&SEEN).state(&NAME).state(&FLAG).state(&LONG);
    let states = ["seen", "name", "flag", "long", "double", "float"];
    let request = states.iter().fold(request(), |request, name| request.state(name, None));
    let result = effects(function.state(&DOUBLE).state(&FLOAT), request).await;
    let types = ["int", "string", "bool", "long", "double", "float"];
    let expected: Vec<_> = std::iter::zip(states, types)
        .map(|(name, r#type)| (name.to_owned(), Some(typed(&format!("io.statefun.types/{type}"), ""))))
        .collect();
    assert_eq!(mutations(&result), expected);
}

/// JavaScript's JS4 and JS5: names that are special elsewhere, and names with digits.
#[tokio::test]
async fn any_name_that_the_other_sdks_take_is_a_name() {
    const PROTO: ValueSpec<i32> = ValueSpec::new("__proto__");
    const DIGITS: ValueSpec<i32> = ValueSpec::new("Step2");
    async fn write(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.set(&PROTO, 1)?;
        context.set(&DIGITS, 2)
    }
    let request = request().state("__proto__", None).state("Step2", None);
    let result = effects(Function::new(FUNCTION).fallback(write).state(&PROTO).state(&DIGITS), request).await;
    let expected = [("__proto__".to_owned(), Some(value_of(1))), ("Step2".to_owned(), Some(value_of(2)))];
    assert_eq!(mutations(&result), expected);
}

/// Java's J1, and names that only Java takes.
#[test]
fn names_that_another_sdk_refuses_are_refused() {
    for name in ["", "1st", "a-b", "größe", "a b", "a/b", "a."] {
        let spec = std::panic::catch_unwind(|| ValueSpec::<i32>::new(name));
        assert!(spec.is_err(), "{name:?} was taken");
    }
}

#[test]
fn a_state_that_expires_at_once_is_refused() {
    assert!(std::panic::catch_unwind(|| ValueSpec::<i32>::new("a").expire_after_write(Duration::ZERO)).is_err());
    assert!(std::panic::catch_unwind(|| ValueSpec::<i32>::new("a").expire_after_call(Duration::ZERO)).is_err());
}

/// Counts how often it is read and written.
#[derive(Default)]
struct Counted(Vec<u8>);

static DECODED: AtomicUsize = AtomicUsize::new(0);
static ENCODED: AtomicUsize = AtomicUsize::new(0);

impl Typed for Counted {
    const TYPE_NAME: TypeName = TypeName::new("test/counted");
}

impl Encode for Counted {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        ENCODED.fetch_add(1, SeqCst);
        out.extend_from_slice(&self.0);
        Ok(())
    }
}

impl Decode for Counted {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        DECODED.fetch_add(1, SeqCst);
        Ok(Self(bytes.to_vec()))
    }
}

#[tokio::test]
async fn a_state_is_decoded_once_and_encoded_once_in_a_batch() {
    const LOG: ValueSpec<Counted> = ValueSpec::new("log");
    const UNTOUCHED: ValueSpec<Counted> = ValueSpec::new("untouched");
    async fn append(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let byte = message.get::<i32>()?.to_le_bytes()[0];
        let before = context.get(&LOG)?.map_or(0, |log| log.0.len());
        let after = context.update(&LOG, |log| {
            log.0.push(byte);
            log.0.len()
        })?;
        assert_eq!(after, before + 1);
        Ok(())
    }
    let request = Batch::to(FUNCTION, "a")
        .state("log", Some(typed("test/counted", "x")))
        .state("untouched", Some(typed("test/counted", "y")));
    let request = (0..100).fold(request, |request, n| request.message(value_of(n)));
    let result = effects(Function::new(FUNCTION).fallback(append).state(&LOG).state(&UNTOUCHED), request).await;
    assert_eq!((DECODED.load(SeqCst), ENCODED.load(SeqCst)), (1, 1));
    let expected: Vec<u8> = std::iter::once(b'x').chain(0..100).collect();
    assert_eq!(mutations(&result), [("log".to_owned(), Some(typed("test/counted", expected)))]);
}

#[tokio::test]
async fn raw_bytes_are_slices_of_the_request() {
    const RAW: ValueSpec<Bytes> = ValueSpec::with_type("raw", TypeName::new("test/raw"));
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let function = Function::new(FUNCTION)
        .fallback(async |seen: &Arc<std::sync::Mutex<Vec<usize>>>, context: &mut Context, message: Message| {
            let state = context.get(&RAW)?.map_or(0, |raw| raw.as_ptr() as usize);
            seen.lock().expect("unpoisoned").extend([state, message.value().as_ptr() as usize]);
            Ok(())
        })
        .with(seen.clone());
    let body = Batch::to(FUNCTION, "a")
        .state("raw", Some(typed("test/raw", vec![1; 5000])))
        .message(typed("test/raw", vec![2; 5000]))
        .bytes();
    let range = body.as_ptr() as usize..body.as_ptr() as usize + body.len();
    statefun_test_support::request::handler(function.state(&RAW)).handle(body.clone()).await.expect("an answer");
    let seen = seen.lock().expect("unpoisoned");
    assert_eq!(seen.len(), 2, "the function was called once");
    for pointer in seen.iter() {
        assert!(range.contains(pointer), "a payload was copied");
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_read_fails_the_batch_and_says_which() {
    for value in [typed("io.statefun.types/int", vec![0xff; 3]), typed("io.statefun.types/long", "")] {
        let failure =
            failure(Function::new(FUNCTION).fallback(count).state(&SEEN), request().state("seen", Some(value))).await;
        assert_eq!(failure.kind, FailureKind::State);
        assert!(failure.reason.contains("\"seen\""), "{}", failure.reason);
    }
}

#[tokio::test]
async fn an_undeclared_state_is_a_bug_that_names_it() {
    let failure = failure(Function::new(FUNCTION).fallback(count), request()).await;
    assert_eq!(failure.kind, FailureKind::Bug);
    assert!(failure.reason.contains("\"seen\" is not declared"), "{}", failure.reason);
}

#[tokio::test]
async fn a_state_of_another_rust_type_than_declared_is_a_bug() {
    const OTHER: ValueSpec<Json<i32>> = ValueSpec::with_type("seen", TypeName::new("io.statefun.types/int"));
    let failure = failure(Function::new(FUNCTION).fallback(count).state(&OTHER), request().state("seen", None)).await;
    assert_eq!(failure.kind, FailureKind::Bug);
    assert!(failure.reason.contains("another Rust type"), "{}", failure.reason);
}

#[tokio::test]
async fn a_message_that_comes_again_is_told_from_a_new_one() {
    const HANDLED: ValueSpec<Json<RecentIds<2>>> = ValueSpec::new("handled");
    async fn once(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let id = message.get::<String>()?;
        if context.update(&HANDLED, |handled| handled.insert(&id))? {
            context.send(TypeName::new(FUNCTION).with_id(id), true)?;
        }
        Ok(())
    }
    let function = Function::new(FUNCTION).fallback(once).state(&HANDLED).sends_to(TypeName::new(FUNCTION));
    let ids = ["a", "b", "a", "b", "c", "c", "b", "a"];
    let request = Batch::to(FUNCTION, "a").state("handled", None);
    let result = effects(function, ids.iter().fold(request, |request, &id| request.message(value_of(id)))).await;
    let new: Vec<_> = result.outgoing_messages.iter().map(|sent| sent.target.clone().expect("a target").id).collect();
    assert_eq!(new, ["a", "b", "c", "a"]);
    let expected = typed("statefun-sdk/recent-ids", r#"["c","a"]"#);
    assert_eq!(mutations(&result), [("handled".to_owned(), Some(expected))]);
}

#[test]
fn whatever_is_encoded_and_decoded_can_be_a_state() {
    fn is_type<T: Encode + Decode + Send + Sync + 'static>() {}
    is_type::<bool>();
    is_type::<i32>();
    is_type::<i64>();
    is_type::<f32>();
    is_type::<f64>();
    is_type::<String>();
    is_type::<Bytes>();
    is_type::<Json<Vec<String>>>();
    is_type::<statefun_sdk::Proto<statefun_sdk::protocol::reqreply::Address>>();
    is_type::<Counted>();
}
