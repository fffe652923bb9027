//! `statefun.smoke.e2e/command-interpreter-fn`: does what its messages say. Shared with the tests on the real cluster.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use statefun_sdk::{
    CancellationToken, Context, Egress, Function, FunctionError, KafkaRecord, ResultExt, TypeName, Typed, TypedValue,
    ValueSpec,
};

pub const INTERPRETER: TypeName = TypeName::new("statefun.smoke.e2e/command-interpreter-fn");
pub const STATE: ValueSpec<i64> = ValueSpec::new("state");
pub const DISCARD_SINK: Egress = Egress::new("statefun.smoke.e2e/discard-sink");
pub const VERIFICATION_SINK: Egress = Egress::new("statefun.smoke.e2e/verification-sink");

#[derive(Clone, PartialEq, prost::Message, Typed)]
#[typed("statefun.smoke.e2e/source-command", proto)]
pub struct SourceCommand {
    #[prost(int32, tag = "1")]
    pub target: i32,
    #[prost(message, optional, tag = "2")]
    pub commands: Option<Commands>,
}

#[derive(Clone, PartialEq, prost::Message, Typed)]
#[typed("statefun.smoke.e2e/commands", proto)]
pub struct Commands {
    #[prost(message, repeated, tag = "1")]
    pub command: Vec<Command>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Command {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Kind {
    #[prost(message, tag = "1")]
    Increment(Empty),
    #[prost(message, tag = "2")]
    Send(Send),
    #[prost(message, tag = "3")]
    SendAfter(SendAfter),
    #[prost(message, tag = "4")]
    SendEgress(Empty),
    #[prost(message, tag = "5")]
    AsyncOperation(AsyncOperation),
    #[prost(message, tag = "6")]
    Verify(Verify),
    #[prost(message, tag = "7")]
    CancelSendAfter(CancelSendAfter),
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Empty {}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Send {
    #[prost(int32, tag = "1")]
    pub target: i32,
    #[prost(message, optional, tag = "2")]
    pub commands: Option<Commands>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SendAfter {
    #[prost(int32, tag = "1")]
    pub target: i32,
    #[prost(message, optional, tag = "2")]
    pub commands: Option<Commands>,
    #[prost(string, tag = "3")]
    pub cancellation_token: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AsyncOperation {
    #[prost(bool, tag = "1")]
    pub failure: bool,
    #[prost(message, optional, tag = "2")]
    pub resolved_commands: Option<Commands>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Verify {
    #[prost(int64, tag = "1")]
    pub expected: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CancelSendAfter {
    #[prost(int32, tag = "1")]
    pub target: i32,
    #[prost(string, tag = "2")]
    pub cancellation_token: String,
}

#[derive(Clone, PartialEq, prost::Message, Typed)]
#[typed("statefun.smoke.e2e/verification-result", proto)]
pub struct VerificationResult {
    #[prost(int32, tag = "1")]
    pub id: i32,
    #[prost(int64, tag = "2")]
    pub expected: i64,
    #[prost(int64, tag = "3")]
    pub actual: i64,
}

/// What stands behind the two egresses.
#[derive(Debug, Clone, Copy)]
pub enum Sinks {
    /// Whatever takes typed values, as in the runtime's own smoke suite.
    Local,
    /// Kafka topics, named as the egresses are.
    Kafka,
}

impl Sinks {
    fn emit(self, context: &mut Context, egress: Egress, value: TypedValue) -> Result<(), FunctionError> {
        match self {
            Self::Local => context.emit(egress, value),
            Self::Kafka => {
                let record = KafkaRecord::topic(egress.id().name()).key(context.self_id());
                context.emit(egress.clone(), record.value(value.value().clone()))
            }
        }
    }
}

pub fn function(sinks: Sinks) -> Function {
    Function::new(INTERPRETER)
        .on(Interpreter::start)
        .on(Interpreter::go_on)
        .with(Interpreter(sinks))
        .state(&STATE)
        .emits(DISCARD_SINK)
        .emits(VERIFICATION_SINK)
}

struct Interpreter(Sinks);

impl Interpreter {
    async fn start(&self, context: &mut Context, source: SourceCommand) -> Result<(), FunctionError> {
        run(context, self.0, source.commands.unwrap_or_default()).await
    }

    async fn go_on(&self, context: &mut Context, commands: Commands) -> Result<(), FunctionError> {
        run(context, self.0, commands).await
    }
}

fn run(
    context: &mut Context,
    sinks: Sinks,
    commands: Commands,
) -> Pin<Box<dyn Future<Output = Result<(), FunctionError>> + std::marker::Send + '_>> {
    Box::pin(async move {
        for command in commands.command {
            let Some(kind) = command.kind else { continue };
            match kind {
                Kind::Increment(_) => context.update(&STATE, |state| *state += 1)?,
                Kind::Send(send) => {
                    context.send(target(send.target), send.commands.unwrap_or_default())?;
                }
                Kind::SendAfter(send) => {
                    let commands = send.commands.unwrap_or_default();
                    let delay = Duration::from_millis(1);
                    match CancellationToken::new(send.cancellation_token) {
                        Ok(token) => context.send_cancellable(delay, &token, target(send.target), commands)?,
                        Err(_) => context.send_after(delay, target(send.target), commands)?,
                    }
                }
                Kind::SendEgress(_) => sinks.emit(context, DISCARD_SINK, TypedValue::new("discarded-message")?)?,
                Kind::AsyncOperation(operation) => {
                    tokio::task::yield_now().await;
                    run(context, sinks, operation.resolved_commands.unwrap_or_default()).await?;
                }
                Kind::Verify(verify) => {
                    let id = context.self_id().parse().or_poison()?;
                    let actual = context.get(&STATE)?.copied().unwrap_or(0);
                    let result = VerificationResult { id, expected: verify.expected, actual };
                    sinks.emit(context, VERIFICATION_SINK, TypedValue::new(result)?)?;
                }
                Kind::CancelSendAfter(cancel) => {
                    context.cancel(&CancellationToken::new(cancel.cancellation_token)?);
                }
            }
        }
        Ok(())
    })
}

fn target(id: i32) -> statefun_sdk::Address {
    INTERPRETER.with_id(id.to_string())
}
