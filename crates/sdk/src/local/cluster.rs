//! All that the cluster would keep, and what a response does to it.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message as _;

use super::mailboxes::{Mailboxes, Pending};
use super::states::States;
use super::timers::Timers;
use super::{Emitted, EmittedRecord, Violation};
use crate::protocol::reqreply::from_function::{InvocationResponse, Response};
use crate::protocol::reqreply::{self, FromFunction, ToFunction, to_function};
use crate::{Address, Registry, TypeName};

/// All that the cluster would keep.
#[derive(Clone, Default)]
pub(super) struct Cluster {
    pub(super) functions: BTreeSet<String>,
    pub(super) egresses: BTreeSet<TypeName>,
    pub(super) mailboxes: Mailboxes,
    pub(super) states: States,
    pub(super) timers: Timers,
    pub(super) emitted: Vec<Emitted>,
}

pub(super) enum Applied {
    Everything,
    /// States were made known; the same messages are to be sent again with them.
    Registration,
}

impl Cluster {
    /// One that knows the function types and egresses that `registry` declares.
    pub(super) fn of(registry: &Registry) -> Self {
        let mut cluster = Self::default();
        cluster.knows(registry);
        cluster
    }

    /// Makes the function types and egresses known that `registry` declares.
    pub(super) fn knows(&mut self, registry: &Registry) {
        for function in registry.functions() {
            self.functions.insert(function.type_name().to_string());
            self.egresses.extend(function.egresses().map(|egress| egress.id().clone()));
        }
    }

    /// The request for what is in flight to `target`.
    pub(super) fn request(&mut self, target: &Address) -> Bytes {
        let batch = to_function::InvocationBatchRequest {
            target: Some(target.clone().into_wire()),
            state: self.states.read(target, self.timers.now()),
            invocations: self.mailboxes.in_flight(target),
        };
        ToFunction { request: Some(to_function::Request::Invocation(batch)) }.encode_to_vec().into()
    }

    /// Applies a response, or nothing of it.
    pub(super) fn apply(&mut self, target: &Address, request: &Bytes, response: &Bytes) -> Result<Applied, Violation> {
        let response =
            FromFunction::decode(response.clone()).map_err(|error| Violation::Undecodable(error.to_string()))?;
        match response.response {
            Some(Response::IncompleteInvocationContext(missing)) => {
                let request = ToFunction::decode(request.clone()).unwrap_or_default().request;
                let sent = request.map(|to_function::Request::Invocation(batch)| batch.state).unwrap_or_default();
                self.states.register(target, &sent, missing.missing_values)?;
                Ok(Applied::Registration)
            }
            Some(Response::InvocationResult(result)) => {
                self.apply_result(target, result)?;
                self.mailboxes.done(target);
                Ok(Applied::Everything)
            }
            // To the runtime a response without content has no effects.
            None => {
                self.mailboxes.done(target);
                Ok(Applied::Everything)
            }
        }
    }

    /// Checks everything before anything is applied.
    fn apply_result(&mut self, sender: &Address, result: InvocationResponse) -> Result<(), Violation> {
        let mut messages = Vec::with_capacity(result.outgoing_messages.len());
        for message in result.outgoing_messages {
            messages.push((self.known_target(message.target)?, message.argument));
        }
        self.timers.check(sender, &result.delayed_invocations)?;
        let mut delayed = Vec::with_capacity(result.delayed_invocations.len());
        for mut message in result.delayed_invocations {
            let target = match message.is_cancellation_request {
                true => None,
                false => Some(self.known_target(message.target.take())?),
            };
            delayed.push((target, message));
        }
        let mut emitted = Vec::with_capacity(result.outgoing_egresses.len());
        for message in result.outgoing_egresses {
            let id = [&*message.egress_namespace, &*message.egress_type].map(String::from_utf8_lossy).join("/");
            let egress = self.egresses.iter().find(|egress| egress.as_str() == id).cloned();
            let Some(egress) = egress else { return Err(Violation::UnknownEgress(id)) };
            let record = EmittedRecord::from_wire(message.argument.unwrap_or_default())
                .map_err(|reason| Violation::BrokenRecord { egress: id, reason })?;
            emitted.push(Emitted { egress, record });
        }
        self.states.check(sender, &result.state_mutations)?;

        for (target, argument) in messages {
            self.mailboxes.push(target, Pending { caller: Some(sender.clone()), argument });
        }
        for (target, message) in delayed {
            match target {
                Some(target) => self.timers.set(sender, target, message),
                None => self.timers.cancel(sender, message.cancellation_token),
            }
        }
        self.emitted.append(&mut emitted);
        self.states.apply(sender, result.state_mutations, self.timers.now());
        Ok(())
    }

    fn known_target(&self, target: Option<reqreply::Address>) -> Result<Address, Violation> {
        let target = target.unwrap_or_default();
        let target = Address::from_wire(target).ok_or_else(|| Violation::UnknownTarget("not UTF-8".to_owned()))?;
        self.check_target(&target)?;
        Ok(target)
    }

    pub(super) fn check_target(&self, target: &Address) -> Result<(), Violation> {
        let name = format!("{}/{}", target.namespace(), target.name());
        if self.functions.contains(&name) { Ok(()) } else { Err(Violation::UnknownTarget(name)) }
    }
}
