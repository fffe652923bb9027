//! The answer to a batch, written as it comes about.
//!
//! An effect is encoded as soon as the function asks for it, behind those before it: encoded messages that follow one
//! another are one message with the lists of all (protobuf, "Last One Wins"). So the effects of a batch are one buffer,
//! and taking back what an invocation did is cutting it.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost::{Message, Oneof};

use crate::protocol::reqreply::Address;
use crate::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use crate::value_spec::whole_millis;

/// Buffers that are written anew for every value, so that none needs memory of its own.
#[derive(Debug, Default)]
pub struct Buffers {
    /// The bytes of a value.
    pub value: Vec<u8>,
    /// For a value that is put together from another.
    pub spare: Vec<u8>,
}

/// What the bytes in [`Buffers::value`] are.
#[derive(Debug)]
pub struct Head {
    /// The name of their type.
    pub type_name: ByteString,
    /// Whether they are a value, be it an empty one.
    pub has_value: bool,
}

impl Buffers {
    /// Writes a message around the value that was taken out.
    pub(crate) fn wrap(&mut self, message: &impl Message) {
        self.value = std::mem::take(&mut self.spare);
        self.value.clear();
        message.encode_raw(&mut self.value);
    }
}

impl Head {
    pub(crate) fn of(type_name: ByteString) -> Self {
        Self { type_name, has_value: true }
    }
}

/// How far an answer had come when an invocation began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    tokens: usize,
}

/// An answer on its way.
pub(crate) struct Answer {
    /// Room for the head of the answer, then an `InvocationResponse`.
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

/// What a buffer holds before it grows, in bytes: most values.
const SMALL: usize = 1024;

impl Answer {
    /// `request` is the length of the request, in bytes: answers tend to be as long.
    pub(crate) fn new(request: usize) -> Self {
        let mut bytes = Vec::with_capacity(request.clamp(512, 64 * 1024));
        bytes.resize(LONGEST_HEAD, 0);
        let buffers = Buffers { value: Vec::with_capacity(SMALL), spare: Vec::with_capacity(SMALL) };
        Self { bytes, buffers, tokens: Vec::new(), pending: HashSet::new() }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), tokens: self.tokens.len() }
    }

    /// Takes back what came after `mark`.
    pub(crate) fn cut_back(&mut self, mark: Mark) {
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
    pub(crate) fn send(&mut self, target: Address, head: Head) {
        let argument = self.argument(head);
        self.push(Effect::Message(Sent { target: Some(target), argument }));
    }

    /// A delayed message with the value in the buffer. Says whether its token, if any, was free.
    pub(crate) fn delay(&mut self, delay: Duration, target: Address, head: Head, token: Option<&ByteString>) -> bool {
        if let Some(token) = token {
            if !self.pending.insert(token.clone()) {
                return false;
            }
            self.tokens.push(TokenUse { token: token.clone(), cancels: false });
        }
        let argument = self.argument(head);
        self.push(Effect::Delayed(Delayed {
            delay_in_ms: whole_millis(delay),
            target: Some(target),
            argument,
            is_cancellation_request: false,
            cancellation_token: token.map(|token| token.clone().into_bytes()).unwrap_or_default(),
        }));
        true
    }

    pub(crate) fn cancel(&mut self, token: &ByteString) {
        self.pending.remove(token);
        self.tokens.push(TokenUse { token: token.clone(), cancels: true });
        self.push(Effect::Delayed(Delayed {
            is_cancellation_request: true,
            cancellation_token: token.clone().into_bytes(),
            ..Delayed::default()
        }));
    }

    /// A record with the value in the buffer.
    pub(crate) fn emit(&mut self, namespace: ByteString, name: ByteString, head: Head) {
        let argument = self.argument(head);
        self.push(Effect::Record(Emitted {
            egress_namespace: namespace.into_bytes(),
            egress_type: name.into_bytes(),
            argument,
        }));
    }

    /// A state whose value is in the buffer.
    pub(crate) fn modify(&mut self, state: &'static str, type_name: ByteString) {
        let state_value = self.argument(Head::of(type_name));
        self.push(Effect::Mutation(Mutation {
            mutation_type: MutationType::Modify.into(),
            state_name: Bytes::from_static(state.as_bytes()),
            state_value,
        }));
    }

    /// A state that is removed.
    pub(crate) fn delete(&mut self, state: &'static str) {
        self.push(Effect::Mutation(Mutation {
            mutation_type: MutationType::Delete.into(),
            state_name: Bytes::from_static(state.as_bytes()),
            state_value: None,
        }));
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

    fn argument(&mut self, head: Head) -> Option<Value> {
        Some(Value {
            typename: head.type_name.into_bytes(),
            has_value: head.has_value,
            value: std::mem::take(&mut self.buffers.value),
        })
    }

    fn push(&mut self, effect: Effect) {
        let response = InvocationResponse { effect: Some(effect) };
        response.encode_raw(&mut self.bytes);
        if let Some(Value { value, .. }) = response.effect.and_then(Effect::into_value) {
            self.buffers.value = value;
        }
    }
}

// What follows is of the same form on the wire as the generated messages of these names in `protocol::reqreply`. Only
// the value differs, which is taken out of the buffer and put back; and there is one effect of any kind in place of a list
// for each.

#[derive(Clone, PartialEq, Message)]
struct InvocationResponse {
    #[prost(oneof = "Effect", tags = "1, 2, 3, 4")]
    effect: Option<Effect>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Effect {
    #[prost(message, tag = "1")]
    Mutation(Mutation),
    #[prost(message, tag = "2")]
    Message(Sent),
    #[prost(message, tag = "3")]
    Delayed(Delayed),
    #[prost(message, tag = "4")]
    Record(Emitted),
}

impl Effect {
    fn into_value(self) -> Option<Value> {
        match self {
            Self::Mutation(Mutation { state_value, .. }) => state_value,
            Self::Message(Sent { argument, .. })
            | Self::Delayed(Delayed { argument, .. })
            | Self::Record(Emitted { argument, .. }) => argument,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(bytes = "bytes", tag = "1")]
    typename: Bytes,
    #[prost(bool, tag = "2")]
    has_value: bool,
    #[prost(bytes = "vec", tag = "3")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Mutation {
    #[prost(enumeration = "MutationType", tag = "1")]
    mutation_type: i32,
    #[prost(bytes = "bytes", tag = "2")]
    state_name: Bytes,
    #[prost(message, optional, tag = "3")]
    state_value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Sent {
    #[prost(message, optional, tag = "1")]
    target: Option<Address>,
    #[prost(message, optional, tag = "2")]
    argument: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Delayed {
    #[prost(int64, tag = "1")]
    delay_in_ms: i64,
    #[prost(message, optional, tag = "2")]
    target: Option<Address>,
    #[prost(message, optional, tag = "3")]
    argument: Option<Value>,
    #[prost(bool, tag = "10")]
    is_cancellation_request: bool,
    #[prost(bytes = "bytes", tag = "11")]
    cancellation_token: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Emitted {
    #[prost(bytes = "bytes", tag = "1")]
    egress_namespace: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    egress_type: Bytes,
    #[prost(message, optional, tag = "3")]
    argument: Option<Value>,
}
