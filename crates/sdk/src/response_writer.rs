//! The response to a batch, encoded as it comes about.
//!
//! An effect is encoded as soon as the function asks for it, behind those before it: encoded messages that follow one
//! another are one message with the lists of all (protobuf, "Last One Wins"). So the effects of a batch are one buffer,
//! and rolling back an invocation is truncating it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, message};

use crate::address::Address;
use crate::encode::{Buffers, Head};
use crate::error::FailureKind;
use crate::memory_budget::MemoryPermit;
use crate::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use crate::protocol::reqreply::{self, from_function};
use crate::request::Fields;
use crate::typename::TypeName;
use crate::wire::{self, Slice, whole_millis};

fn value<'a>(head: &'a Head, buffers: &'a Buffers) -> Option<wire::TypedValue<'a>> {
    Some(wire::TypedValue {
        typename: Slice::of(&head.type_name),
        has_value: head.has_value,
        value: Slice::of(&buffers.value),
    })
}

/// Of which kind an effect is, and for whom.
fn described(tag: u32, effect: &[u8]) -> String {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let function = |target: Option<reqreply::Address>| {
        let target = target.unwrap_or_default();
        format!("{}/{}", text(&target.namespace), text(&target.r#type))
    };
    match tag {
        OUTGOING_MESSAGES => {
            let message = from_function::Invocation::decode(effect).unwrap_or_default();
            format!("messages to {}", function(message.target))
        }
        DELAYED_INVOCATIONS => {
            let message = from_function::DelayedInvocation::decode(effect).unwrap_or_default();
            format!("delayed messages to {}", function(message.target))
        }
        OUTGOING_EGRESSES => {
            let record = from_function::EgressMessage::decode(effect).unwrap_or_default();
            format!("records to {}/{}", text(&record.egress_namespace), text(&record.egress_type))
        }
        _ => {
            let state = from_function::PersistedValueMutation::decode(effect).unwrap_or_default();
            format!("values of state {:?}", text(&state.state_name))
        }
    }
}

/// Nothing where the response is full.
fn write(tag: u32, message: &impl prost::Message, bytes: &mut Vec<u8>, full: Option<Full>) {
    if full.is_none() {
        message::encode(tag, message, bytes);
    }
}

/// How long a response was when an invocation began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    tokens: usize,
}

impl From<Full> for FailureKind {
    fn from(full: Full) -> Self {
        match full {
            Full::Limit => Self::ResponseTooLarge,
            Full::Memory => Self::Memory,
        }
    }
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
    /// How long it may become before the limits are looked at again.
    checked: usize,
    limit: usize,
    /// What it holds of the budget of memory, if there is one.
    permit: Option<MemoryPermit>,
    /// Why it may not become longer: nothing more is written then.
    full: Option<Full>,
}

/// Why a response may not become longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The limit of responses.
    Limit,
    /// The budget of memory.
    Memory,
}

struct TokenUse {
    token: ByteString,
    cancels: bool,
}

/// The field of `FromFunction` that holds an `InvocationResponse`, and how long its key and length are at most.
const INVOCATION_RESULT: u32 = 100;
const LONGEST_HEAD: usize = 2 + 10;

/// What a response may hold without a look at the limits, in bytes.
const SMALL: usize = 64 * 1024;

/// How many of the largest effects are named where a response is too large.
const NAMED: usize = 5;

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
    pub(crate) fn new(request: usize, limit: usize, permit: Option<MemoryPermit>) -> Self {
        let mut bytes = Vec::with_capacity((2 * request).clamp(512, SMALL));
        bytes.resize(LONGEST_HEAD, 0);
        Self {
            bytes,
            buffers: Buffers::with_room(),
            tokens: Vec::new(),
            pending: HashSet::new(),
            checked: limit.min(SMALL),
            limit,
            permit,
            full: None,
        }
    }

    /// Why it may not become longer, if so.
    pub(crate) fn full(&self) -> Option<Full> {
        self.full
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Looks at the limits where it became longer than was looked at.
    fn check(&mut self) {
        let length = self.bytes.len();
        if length <= self.checked {
            return;
        }
        if length > self.limit {
            self.full = Some(Full::Limit);
            return;
        }
        self.checked = (2 * length).min(self.limit);
        if let Some(permit) = &mut self.permit {
            // As much as the vector may take: it doubles.
            let missing = self.checked.max(self.bytes.capacity()).saturating_sub(permit.bytes());
            if !permit.try_grow(missing) {
                self.full = Some(Full::Memory);
            }
        }
    }

    /// What its largest effects are, as text.
    pub(crate) fn largest(&self) -> String {
        let mut effects = BTreeMap::<String, (usize, usize)>::new();
        let mut fields = Fields(&self.bytes[LONGEST_HEAD..]);
        // One after the other: decoded, all of them would take many times their bytes.
        while let Ok(Some((tag, Some(effect)))) = fields.next() {
            let (count, bytes) = effects.entry(described(tag, effect)).or_default();
            *count += 1;
            *bytes += effect.len();
        }
        let mut effects: Vec<_> = effects.into_iter().collect();
        effects.sort_by_key(|(_, (_, bytes))| std::cmp::Reverse(*bytes));
        effects.truncate(NAMED);
        let named = effects.iter().map(|(name, (count, bytes))| format!("{count} {name} of {bytes} bytes"));
        named.collect::<Vec<_>>().join(", ")
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
        write(OUTGOING_MESSAGES, &message, &mut self.bytes, self.full);
        self.check();
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
        write(DELAYED_INVOCATIONS, &delayed, &mut self.bytes, self.full);
        self.check();
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
        write(DELAYED_INVOCATIONS, &cancellation, &mut self.bytes, self.full);
        self.check();
    }

    /// A record with the value in the buffer.
    pub(crate) fn emit(&mut self, egress: &TypeName, head: &Head) {
        let message = wire::EgressMessage {
            egress_namespace: Slice::of(egress.namespace()),
            egress_type: Slice::of(egress.name()),
            argument: value(head, &self.buffers),
        };
        write(OUTGOING_EGRESSES, &message, &mut self.bytes, self.full);
        self.check();
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
        write(STATE_MUTATIONS, &mutation, &mut self.bytes, self.full);
        self.check();
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
        let bytes = match self.permit {
            // Whoever drops the last of the bytes frees their part of the budget.
            Some(permit) if permit.bytes() > 0 => Bytes::from_owner(Permitted { bytes: self.bytes, _permit: permit }),
            _ => Bytes::from(self.bytes),
        };
        bytes.slice(begin..)
    }
}

/// Bytes that hold a part of the budget of memory.
struct Permitted {
    bytes: Vec<u8>,
    _permit: MemoryPermit,
}

impl AsRef<[u8]> for Permitted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
