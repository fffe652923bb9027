//! What an answer must say, by a plain interpreter of the same commands.

use prost::Message as _;
use statefun_sdk::local::Exchange;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{
    DelayedInvocation, EgressMessage, Invocation, InvocationResponse, PersistedValueMutation, Response,
};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, TypedValue, to_function};
use statefun_sdk::protocol::types::{LongWrapper, StringWrapper};

use statefun_test_support::smoke::function::{Commands, Kind, SourceCommand, VerificationResult};

/// Checks every effect of an answer, in its order.
pub(crate) fn check(exchange: &Exchange<'_>) {
    let request = ToFunction::decode(exchange.request.clone()).expect("a request").request;
    let Some(to_function::Request::Invocation(batch)) = request else { panic!("expected a batch") };
    let reply = FromFunction::decode(exchange.response.clone()).expect("an answer").response;
    assert_eq!(reply, Some(Response::InvocationResult(Interpreter::of(batch))));
}

struct Interpreter {
    target: Address,
    state: Option<i64>,
    effects: InvocationResponse,
}

impl Interpreter {
    fn of(batch: to_function::InvocationBatchRequest) -> InvocationResponse {
        let before = batch.state[0].state_value.as_ref();
        let before = before.map(|value| LongWrapper::decode(value.value.clone()).expect("a long").value);
        let target = batch.target.expect("a target");
        let mut interpreter = Self { target, state: before, effects: InvocationResponse::default() };
        for argument in batch.invocations.into_iter().filter_map(|invocation| invocation.argument) {
            interpreter.run(match &argument.typename[..] {
                b"statefun.smoke.e2e/commands" => Commands::decode(argument.value).expect("commands"),
                _ => SourceCommand::decode(argument.value).expect("a command").commands.expect("commands"),
            });
        }
        if let Some(state) = interpreter.state.filter(|_| interpreter.state != before) {
            interpreter.effects.state_mutations.push(PersistedValueMutation {
                mutation_type: MutationType::Modify.into(),
                state_name: "state".into(),
                state_value: Some(value("io.statefun.types/long", &LongWrapper { value: state })),
            });
        }
        interpreter.effects
    }

    fn run(&mut self, commands: Commands) {
        for kind in commands.command.into_iter().filter_map(|command| command.kind) {
            match kind {
                Kind::Increment(_) => self.state = Some(self.state.unwrap_or(0) + 1),
                Kind::Send(send) => self.effects.outgoing_messages.push(Invocation {
                    target: Some(self.other(send.target)),
                    argument: Some(commands_value(send.commands)),
                }),
                Kind::SendAfter(send) => self.effects.delayed_invocations.push(DelayedInvocation {
                    delay_in_ms: 1,
                    target: Some(self.other(send.target)),
                    argument: Some(commands_value(send.commands)),
                    is_cancellation_request: false,
                    cancellation_token: send.cancellation_token.into(),
                }),
                Kind::CancelSendAfter(cancel) => self.effects.delayed_invocations.push(DelayedInvocation {
                    is_cancellation_request: true,
                    cancellation_token: cancel.cancellation_token.into(),
                    ..DelayedInvocation::default()
                }),
                Kind::SendEgress(_) => {
                    let text = StringWrapper { value: "discarded-message".to_owned() };
                    self.emit("discard-sink", value("io.statefun.types/string", &text));
                }
                Kind::Verify(verify) => {
                    let id = std::str::from_utf8(&self.target.id).expect("UTF-8").parse().expect("a number");
                    let result = VerificationResult { id, expected: verify.expected, actual: self.state.unwrap_or(0) };
                    self.emit("verification-sink", value("statefun.smoke.e2e/verification-result", &result));
                }
                Kind::AsyncOperation(operation) => self.run(operation.resolved_commands.unwrap_or_default()),
            }
        }
    }

    fn other(&self, id: i32) -> Address {
        Address { id: id.to_string().into(), ..self.target.clone() }
    }

    fn emit(&mut self, egress: &'static str, argument: TypedValue) {
        self.effects.outgoing_egresses.push(EgressMessage {
            egress_namespace: "statefun.smoke.e2e".into(),
            egress_type: egress.into(),
            argument: Some(argument),
        });
    }
}

fn commands_value(commands: Option<Commands>) -> TypedValue {
    value("statefun.smoke.e2e/commands", &commands.unwrap_or_default())
}

fn value(type_name: &'static str, message: &impl prost::Message) -> TypedValue {
    TypedValue { typename: type_name.into(), has_value: true, value: message.encode_to_vec().into() }
}
