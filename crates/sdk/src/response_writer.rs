//! The response to a batch, encoded as it comes about.
//!
//! An effect is encoded as soon as the function asks for it, behind those before it: encoded messages that follow one
//! another are one message with the lists of all (protobuf, "Last One Wins"). So the effects of a batch are one buffer,
//! and rolling back an invocation is truncating it.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use prost::encoding::{WireType, encode_key, encode_varint, message};

use crate::address::Address;
use crate::encode::{Buffers, Head};
use crate::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use crate::typename::TypeName;
use crate::wire::{self, Slice, whole_millis};

fn value<'a>(head: &'a Head, buffers: &'a Buffers) -> Option<wire::TypedValue<'a>> {
    Some(wire::TypedValue {
        typename: Slice::of(&head.type_name),
        has_value: head.has_value,
        value: Slice::of(&buffers.value),
    })
}

/// How long a response was when an invocation began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    tokens: usize,
}

/// A response that is being written.
pub(crate) struct ResponseWriter {
    /// Room for the head of the response, then an `InvocationResponse`.
    bytes: Vec<u8>,
    pub(crate) buffers: Buffers,
    /// The tokens of this batch, each time one was used.
    tokens: Vec<TokenUse>,
    /// Tokens of messages that this batch delays and has not cancelled since.
    pending: HashSet<ByteString>,
}

struct TokenUse {
    token: ByteString,
    cancels: bool,
}

/// The field of `FromFunction` that holds an `InvocationResponse`, and how long its key and length are at most.
const INVOCATION_RESULT: u32 = 100;
const LONGEST_HEAD: usize = 2 + 10;

/// In milliseconds; 146 million years. The runtime adds a delay to the time of day without a look at the sum, and what is
/// over `i64::MAX` by that is due at once (runtime: `DelaySink`).
const LONGEST_DELAY: i64 = i64::MAX / 2;

// The fields of an `InvocationResponse`.
const STATE_MUTATIONS: u32 = 1;
const OUTGOING_MESSAGES: u32 = 2;
const DELAYED_INVOCATIONS: u32 = 3;
const OUTGOING_EGRESSES: u32 = 4;

impl ResponseWriter {
    /// `request` is the length of the request, in bytes: responses tend to be as long, or somewhat longer.
    pub(crate) fn new(request: usize) -> Self {
        let mut bytes = Vec::with_capacity((2 * request).clamp(512, 64 * 1024));
        bytes.resize(LONGEST_HEAD, 0);
        Self { bytes, buffers: Buffers::with_room(), tokens: Vec::new(), pending: HashSet::new() }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), tokens: self.tokens.len() }
    }

    /// Drops what was written after `mark`.
    pub(crate) fn rollback(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        if self.tokens.len() > mark.tokens {
            self.tokens.truncate(mark.tokens);
            self.pending.clear();
            for TokenUse { token, cancels } in &self.tokens {
                if *cancels {
                    self.pending.remove(token);
                } else {
                    self.pending.insert(token.clone());
                }
            }
        }
    }

    /// A message with the value in the buffer.
    pub(crate) fn send(&mut self, target: &Address, head: &Head) {
        let message = wire::Invocation { target: Some(target.into()), argument: value(head, &self.buffers) };
        message::encode(OUTGOING_MESSAGES, &message, &mut self.bytes);
    }

    /// A delayed message with the value in the buffer. Says whether its token, if any, was free.
    pub(crate) fn delay(&mut self, delay: Duration, target: &Address, head: &Head, token: Option<&ByteString>) -> bool {
        if let Some(token) = token {
            if !self.pending.insert(token.clone()) {
                return false;
            }
            self.tokens.push(TokenUse { token: token.clone(), cancels: false });
        }
        let delayed = wire::DelayedInvocation {
            delay_in_ms: whole_millis(delay).min(LONGEST_DELAY),
            target: Some(target.into()),
            argument: value(head, &self.buffers),
            is_cancellation_request: false,
            cancellation_token: token.and_then(Slice::of),
        };
        message::encode(DELAYED_INVOCATIONS, &delayed, &mut self.bytes);
        true
    }

    pub(crate) fn cancel(&mut self, token: &ByteString) {
        self.pending.remove(token);
        self.tokens.push(TokenUse { token: token.clone(), cancels: true });
        let cancellation = wire::DelayedInvocation {
            is_cancellation_request: true,
            cancellation_token: Slice::of(token),
            ..wire::DelayedInvocation::default()
        };
        message::encode(DELAYED_INVOCATIONS, &cancellation, &mut self.bytes);
    }

    /// A record with the value in the buffer.
    pub(crate) fn emit(&mut self, egress: &TypeName, head: &Head) {
        let message = wire::EgressMessage {
            egress_namespace: Slice::of(egress.namespace()),
            egress_type: Slice::of(egress.name()),
            argument: value(head, &self.buffers),
        };
        message::encode(OUTGOING_EGRESSES, &message, &mut self.bytes);
    }

    /// A state whose value is in the buffer.
    pub(crate) fn modify(&mut self, state: &str, type_name: ByteString) {
        self.mutate(MutationType::Modify, state, Some(&Head::of(type_name)));
    }

    /// A state that is removed.
    pub(crate) fn delete(&mut self, state: &str) {
        self.mutate(MutationType::Delete, state, None);
    }

    fn mutate(&mut self, mutation: MutationType, state: &str, head: Option<&Head>) {
        let mutation = wire::PersistedValueMutation {
            mutation_type: mutation.into(),
            state_name: Slice::of(state),
            state_value: head.and_then(|head| value(head, &self.buffers)),
        };
        message::encode(STATE_MUTATIONS, &mutation, &mut self.bytes);
    }

    /// The encoded `FromFunction`.
    pub(crate) fn finish(mut self) -> Bytes {
        let mut head = [0; LONGEST_HEAD];
        let mut room = &mut head[..];
        encode_key(INVOCATION_RESULT, WireType::LengthDelimited, &mut room);
        encode_varint((self.bytes.len() - LONGEST_HEAD) as u64, &mut room);
        let length = LONGEST_HEAD - room.len();
        let begin = LONGEST_HEAD - length;
        self.bytes[begin..LONGEST_HEAD].copy_from_slice(&head[..length]);
        Bytes::from(self.bytes).split_off(begin)
    }
}
