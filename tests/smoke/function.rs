//! `statefun.smoke.e2e/command-interpreter-fn`: does what its messages say. Shared with the tests on the real cluster.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use statefun_sdk::{
    CancellationToken, Context, Egress, Function, FunctionError, KafkaRecord, Message, Proto, StatefulFunction,
    TypeName, Typed, TypedValue, ValueSpec,
};

pub(crate) const INTERPRETER: TypeName = TypeName::new("statefun.smoke.e2e/command-interpreter-fn");
pub(crate) const STATE: ValueSpec<i64> = ValueSpec::new("state");
pub(crate) const DISCARD_SINK: Egress = Egress::new("statefun.smoke.e2e/discard-sink");
pub(crate) const VERIFICATION_SINK: Egress = Egress::new("statefun.smoke.e2e/verification-sink");

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SourceCommand {
    #[prost(int32, tag = "1")]
    pub(crate) target: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) commands: Option<Commands>,
}

impl Typed for SourceCommand {
    const TYPE_NAME: TypeName = TypeName::new("statefun.smoke.e2e/source-command");
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Commands {
    #[prost(message, repeated, tag = "1")]
    pub(crate) command: Vec<Command>,
}

impl Typed for Commands {
    const TYPE_NAME: TypeName = TypeName::new("statefun.smoke.e2e/commands");
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Command {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(crate) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Kind {
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
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Send {
    #[prost(int32, tag = "1")]
    pub(crate) target: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) commands: Option<Commands>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SendAfter {
    #[prost(int32, tag = "1")]
    pub(crate) target: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) commands: Option<Commands>,
    #[prost(string, tag = "3")]
    pub(crate) cancellation_token: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AsyncOperation {
    #[prost(bool, tag = "1")]
    pub(crate) failure: bool,
    #[prost(message, optional, tag = "2")]
    pub(crate) resolved_commands: Option<Commands>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Verify {
    #[prost(int64, tag = "1")]
    pub(crate) expected: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CancelSendAfter {
    #[prost(int32, tag = "1")]
    pub(crate) target: i32,
    #[prost(string, tag = "2")]
    pub(crate) cancellation_token: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct VerificationResult {
    #[prost(int32, tag = "1")]
    pub(crate) id: i32,
    #[prost(int64, tag = "2")]
    pub(crate) expected: i64,
    #[prost(int64, tag = "3")]
    pub(crate) actual: i64,
}

impl Typed for VerificationResult {
    const TYPE_NAME: TypeName = TypeName::new("statefun.smoke.e2e/verification-result");
}

/// What stands behind the two egresses.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "the local runtime takes the one, the cluster the other")]
pub(crate) enum Sinks {
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
                let record = KafkaRecord::topic(egress.id().name()).key(context.self_id().clone());
                context.emit(egress.clone(), record.value(value.value().clone()))
            }
        }
    }
}

pub(crate) fn function(sinks: Sinks) -> Function {
    Function::new(INTERPRETER, Interpreter(sinks))
        .state(&STATE)
        .accepts::<SourceCommand>()
        .accepts::<Commands>()
        .sends_to(INTERPRETER)
        .emits(DISCARD_SINK)
        .emits(VERIFICATION_SINK)
}

struct Interpreter(Sinks);

impl StatefulFunction for Interpreter {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let commands = if message.is::<SourceCommand>() {
            message.proto::<SourceCommand>()?.commands.unwrap_or_default()
        } else {
            message.proto::<Commands>()?
        };
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
                    context.send(target(send.target), Proto(send.commands.unwrap_or_default()))?;
                }
                Kind::SendAfter(send) => {
                    let commands = Proto(send.commands.unwrap_or_default());
                    let delay = Duration::from_millis(1);
                    match CancellationToken::new(send.cancellation_token) {
                        Ok(token) => context.send_cancellable(delay, &token, target(send.target), commands)?,
                        Err(_) => context.send_after(delay, target(send.target), commands)?,
                    }
                }
                Kind::SendEgress(_) => sinks.emit(context, DISCARD_SINK, TypedValue::of("discarded-message")?)?,
                Kind::AsyncOperation(operation) => {
                    tokio::task::yield_now().await;
                    run(context, sinks, operation.resolved_commands.unwrap_or_default()).await?;
                }
                Kind::Verify(verify) => {
                    let id = context.self_id().parse().map_err(FunctionError::poison)?;
                    let actual = context.get(&STATE)?.copied().unwrap_or(0);
                    let result = VerificationResult { id, expected: verify.expected, actual };
                    sinks.emit(context, VERIFICATION_SINK, TypedValue::of(Proto(result))?)?;
                }
                Kind::CancelSendAfter(cancel) => {
                    context.cancel(&CancellationToken::new(cancel.cancellation_token).map_err(FunctionError::poison)?);
                }
            }
        }
        Ok(())
    })
}

fn target(id: i32) -> statefun_sdk::Address {
    INTERPRETER.with_id(id.to_string())
}
