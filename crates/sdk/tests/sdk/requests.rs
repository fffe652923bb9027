//! Requests that no runtime would send, and functions that cannot be registered.

use prost::Message as _;
use statefun_sdk::protocol::reqreply::{ToFunction, to_function};
use statefun_sdk::{
    Bytes, Context, Function, FunctionError, HandlerError, Message, Registry, RegistryError, RequestError,
    RequestReplyHandler, TypeName, ValueSpec,
};
use statefun_test_support::request::{Batch, address, effects, handler, value_of};

use super::support::unset;

async fn nothing(_: &mut Context, _: Message) -> Result<(), FunctionError> {
    Ok(())
}

/// A caller is read when it is asked for.
async fn ask(context: &mut Context, _: Message) -> Result<(), FunctionError> {
    context.caller();
    Ok(())
}

async fn refused(body: impl Into<Bytes>) -> RequestError {
    match handler(Function::new("test/function").fallback(ask)).handle(body.into()).await {
        Err(HandlerError::Request(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn encoded(batch: to_function::InvocationBatchRequest) -> Vec<u8> {
    ToFunction { request: Some(to_function::Request::Invocation(batch)) }.encode_to_vec()
}

#[tokio::test]
async fn an_empty_body_is_refused() {
    assert_eq!(refused(Bytes::new()).await, RequestError::Empty);
}

#[tokio::test]
async fn a_body_cut_short_anywhere_is_refused_or_misses_its_end() {
    let whole = Batch::to("test/function", "a").state("seen", Some(value_of(1))).message(value_of(2)).bytes();
    for length in 1..whole.len() {
        assert!(matches!(refused(whole.slice(..length)).await, RequestError::Undecodable(_)), "at {length}");
    }
}

#[tokio::test]
async fn other_bytes_are_refused_without_showing_them() {
    let error = refused("{\"secret\": 1}").await;
    assert!(matches!(error, RequestError::Undecodable(_)));
    assert!(!error.to_string().contains("secret"));
    assert!(error.to_string().contains("ToFunction"));
}

#[tokio::test]
async fn a_request_without_an_invocation_is_refused() {
    // An unknown field: a ToFunction without its request.
    assert_eq!(refused(vec![0x08, 0x01]).await, RequestError::NoInvocation);
    let batch =
        to_function::InvocationBatchRequest { target: Some(address("test/function", "a")), ..Default::default() };
    assert_eq!(refused(encoded(batch)).await, RequestError::NoInvocation);
}

#[tokio::test]
async fn a_request_without_a_target_is_refused() {
    let message = to_function::Invocation { caller: None, argument: Some(value_of(1)) };
    for target in [None, Some(Default::default())] {
        let batch = to_function::InvocationBatchRequest { target, invocations: vec![message.clone()], state: vec![] };
        assert_eq!(refused(encoded(batch)).await, RequestError::NoTarget);
    }
}

#[tokio::test]
async fn text_that_is_not_utf8_is_refused_by_name() {
    let mut bad = address("test/function", "a");
    bad.id = vec![0xff, 0xfe].into();
    let message = |caller, type_name: &[u8]| {
        let argument = statefun_sdk::protocol::reqreply::TypedValue {
            typename: type_name.to_vec().into(),
            has_value: true,
            ..Default::default()
        };
        to_function::Invocation { caller, argument: Some(argument) }
    };
    let batch = |target: &_, message| to_function::InvocationBatchRequest {
        target: Some(Clone::clone(target)),
        invocations: vec![message],
        state: vec![],
    };
    let good = address("test/function", "a");
    for (batch, what) in [
        (batch(&bad, message(None, b"a/b")), "the target's address"),
        (batch(&good, message(Some(bad.clone()), b"a/b")), "a caller's address"),
        (batch(&good, message(None, b"\xff/b")), "a message's type name"),
    ] {
        assert_eq!(refused(encoded(batch)).await, RequestError::NotUtf8(what));
    }
}

/// The Python SDK responds with a stack trace here.
#[tokio::test]
async fn an_unknown_function_is_refused_with_the_names_of_those_that_exist() {
    let registry = Registry::builder()
        .functions([Function::new("test/one").fallback(nothing), Function::new("test/two").fallback(nothing)])
        .build()
        .expect("a valid registry");
    let request = Batch::to("test/three", "a").message(value_of(1)).bytes();
    let error = RequestReplyHandler::new(registry).handle(request).await.expect_err("refused");
    assert_eq!(error.to_string(), "unknown function \"test/three\": expected one of test/one, test/two");
}

/// A record with an empty key is for the instance with the empty id.
#[tokio::test]
async fn an_empty_id_is_an_id() {
    async fn check(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        assert_eq!(context.self_address().to_string(), "test/function/");
        assert_eq!(context.self_id(), "");
        Ok(())
    }
    effects(Function::new("test/function").fallback(check), Batch::to("test/function", "").message(value_of(1))).await;
}

#[tokio::test]
async fn an_argument_may_be_absent_or_unset_and_has_a_caller_only_if_it_was_sent() {
    async fn check(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        assert!(message.is_unset() && message.value().is_empty());
        assert!(message.get::<i32>().is_err());
        assert_eq!(context.caller(), None);
        Ok(())
    }
    let unset = unset("io.statefun.types/int");
    let request =
        Batch::to("test/function", "a").message_from(None, None).message_from(Some(Default::default()), Some(unset));
    effects(Function::new("test/function").fallback(check), request).await;
}

/// Python and JavaScript let the second win.
#[test]
fn two_functions_of_one_name_are_refused() {
    let functions =
        [Function::new("test/function").fallback(nothing), Function::new("test/function").fallback(nothing)];
    let error = Registry::builder().functions(functions).build().expect_err("refused");
    assert_eq!(error, RegistryError::DuplicateFunction(TypeName::new("test/function")));
}

/// Go lets the last win.
#[test]
fn two_states_of_one_name_are_refused() {
    const INT: ValueSpec<i32> = ValueSpec::new("seen");
    const LONG: ValueSpec<i64> = ValueSpec::new("seen");
    let function = Function::new("test/function").fallback(nothing).state(&INT).state(&LONG);
    let error = Registry::builder().function(function).build().expect_err("refused");
    let function = TypeName::new("test/function");
    assert_eq!(error, RegistryError::DuplicateState { function, state: "seen" });
}

#[test]
fn names_that_the_runtime_cannot_split_are_refused() {
    for name in ["", "function", "/function", "test/", "test/function/v2", "/", "a//b"] {
        assert!(name.parse::<TypeName>().is_err(), "{name:?}");
        let error = Registry::builder().function(Function::new(name).fallback(nothing)).build().expect_err("refused");
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
}
