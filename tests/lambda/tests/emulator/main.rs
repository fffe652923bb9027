//! The programs under the emulator of Lambda.
//!
//! Ignored by default: they need the emulator and the program as it is deployed, which `tests/lambda/run` fetches and builds.
//! The environment variables `LAMBDA_EMULATOR` and `LAMBDA_PROGRAM` name both.

mod bad_events;
mod limits;
mod log;
mod requests;

use std::path::PathBuf;

use statefun_sdk::Bytes;
use statefun_sdk::protocol::reqreply::{Address, ToFunction, TypedValue, to_function};

use statefun_lambda_tests::emulator::Emulator;

/// `bootstrap` as it is deployed.
fn product() -> Emulator {
    Emulator::start(&PathBuf::from(std::env::var_os("LAMBDA_PROGRAM").expect("LAMBDA_PROGRAM, the program")), &[])
}

/// The functions of the tests' own.
fn test_functions(environment: &[(&str, &str)]) -> Emulator {
    Emulator::start(&PathBuf::from(env!("CARGO_BIN_EXE_lambda-test-functions")), environment)
}

/// A request with one message of so many bytes to a function of the tests' own.
fn request(function: &'static str, id: String, message: usize) -> Bytes {
    use prost::Message as _;

    let target = Address { namespace: "lambda.tests".into(), r#type: function.into(), id: id.into() };
    let argument = TypedValue { typename: "any/type".into(), has_value: true, value: vec![b'x'; message].into() };
    let batch = to_function::InvocationBatchRequest {
        target: Some(target),
        invocations: vec![to_function::Invocation { caller: None, argument: Some(argument) }],
        ..Default::default()
    };
    ToFunction { request: Some(to_function::Request::Invocation(batch)) }.encode_to_vec().into()
}
