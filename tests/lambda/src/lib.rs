//! Functions that do what those of applications must not: answer late, at length, or not at all. And the command
//! interpreter of the golden requests.

pub mod emulator;

use std::time::Duration;

use statefun_sdk::{Context, Egress, Function, FunctionError, KafkaRecord, Message, Registry, RegistryError};
use statefun_test_support::smoke::function::{self, Sinks};

const SINK: Egress = Egress::new("lambda.tests/sink");

/// All of them.
///
/// # Errors
/// When they are declared wrongly.
pub fn registry() -> Result<Registry, RegistryError> {
    Registry::builder()
        .function(function::function(Sinks::Local))
        .function(Function::new("lambda.tests/late").fallback(late))
        .function(Function::new("lambda.tests/large").fallback(large).emits(SINK))
        .function(Function::new("lambda.tests/panics").fallback(panics))
        .build()
}

/// Answers after a time that nobody waits for.
async fn late(_: &mut Context, _: Message) -> Result<(), FunctionError> {
    tokio::time::sleep(Duration::from_secs(600)).await;
    Ok(())
}

/// Answers with as many bytes as its id says, and some more.
async fn large(context: &mut Context, _: Message) -> Result<(), FunctionError> {
    let size = context.self_id().parse().map_err(FunctionError::poison)?;
    context.emit(SINK, KafkaRecord::topic("sink").key("").value(vec![b'x'; size]))
}

async fn panics(_: &mut Context, _: Message) -> Result<(), FunctionError> {
    panic!("as told")
}
