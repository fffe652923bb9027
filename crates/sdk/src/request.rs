//! A request, read as it is needed: its states and messages stay slices of the body, and one message at a time is decoded.
//!
//! Whatever the body holds, reading it takes no more memory than the body itself and what its function declares.

use bytes::Bytes;
use bytestring::ByteString;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{DecodeError, Message as _};

use crate::address::Address;
use crate::error::RequestError;
use crate::message::Message;
use crate::protocol::reqreply::{self, to_function};
use crate::value_spec::StateDeclaration;
use crate::wire;

// The fields of a `ToFunction` and of its `InvocationBatchRequest`.
const INVOCATION: u32 = 100;
const TARGET: u32 = 1;
const STATE: u32 = 2;
const INVOCATIONS: u32 = 3;

// Keys of fields with a length, as they are encoded.
const INVOCATIONS_KEY: u8 = key(INVOCATIONS);
const CALLER_KEY: u8 = key(1);
const ARGUMENT_KEY: u8 = key(2);
const TYPE_NAME_KEY: u8 = key(1);
const VALUE_KEY: u8 = key(3);
/// Of a boolean.
const HAS_VALUE_KEY: u8 = 2 << 3;

const fn key(tag: u32) -> u8 {
    (tag << 3) as u8 | WireType::LengthDelimited as u8
}

/// The most states of a request. The runtime sends those that some release of the function has declared.
const MOST_STATES: usize = 65_536;

/// A request with its target read and its messages counted.
pub(crate) struct Head {
    pub(crate) target: Address,
    pub(crate) invocations: usize,
    /// The fields of the `InvocationBatchRequest`.
    batch: Bytes,
    /// Where in `batch` the first state begins and the last one ends.
    states: std::ops::Range<usize>,
    /// Where in `batch` the first message begins.
    messages: usize,
}

/// One message to the target.
pub(crate) struct Invocation {
    pub(crate) caller: Caller,
    pub(crate) message: Message,
}

/// The sender of a message, still encoded: most functions do not ask.
#[derive(Default)]
pub(crate) struct Caller(Bytes);

impl Head {
    /// Reads the target and counts the messages: at most `limit`.
    pub(crate) fn read(body: &Bytes, limit: usize) -> Result<Self, RequestError> {
        if body.is_empty() {
            return Err(RequestError::Empty);
        }
        let Some(batch) = batch(body)? else {
            return Err(RequestError::NoInvocation);
        };
        let mut target = None::<reqreply::Address>;
        let (mut states, mut messages) = (0..0, 0);
        let (mut state_count, mut invocations) = (0, 0);
        let mut before = 0;
        let mut fields = Fields(&batch);
        while let Some((tag, value)) = fields.next()? {
            let end = batch.len() - fields.0.len();
            match (tag, value) {
                (TARGET, Some(value)) => {
                    let value = batch.slice_ref(value);
                    target.get_or_insert_default().merge(value).map_err(undecodable)?;
                }
                (STATE, Some(_)) => {
                    if state_count == 0 {
                        states.start = before;
                    }
                    states.end = end;
                    state_count += 1;
                }
                (INVOCATIONS, Some(_)) => {
                    if invocations == 0 {
                        messages = before;
                    }
                    invocations += 1;
                    // Most often there are only more of them.
                    while fields.skip_same(INVOCATIONS_KEY) {
                        invocations += 1;
                    }
                }
                (TARGET | STATE | INVOCATIONS, None) => return Err(not_a_message(tag)),
                _ => {}
            }
            before = batch.len() - fields.0.len();
        }
        let target = Address::from_wire(target.ok_or(RequestError::NoTarget)?)
            .ok_or(RequestError::NotUtf8("the target's address"))?;
        if target.is_absent() {
            return Err(RequestError::NoTarget);
        }
        if invocations == 0 {
            return Err(RequestError::NoInvocation);
        }
        if invocations > limit {
            return Err(RequestError::TooManyInvocations { invocations, limit });
        }
        if state_count > MOST_STATES {
            return Err(RequestError::TooManyStates { states: state_count, limit: MOST_STATES });
        }
        Ok(Self { target, invocations, batch, states, messages })
    }

    /// The declared states among those that the runtime sent, in the order of their declarations. What it sends beyond is
    /// another release's.
    pub(crate) fn states(
        &self,
        declared: &[StateDeclaration],
    ) -> Result<Vec<Option<to_function::PersistedValue>>, RequestError> {
        let mut states = vec![None; declared.len()];
        if declared.is_empty() {
            return Ok(states);
        }
        let mut fields = Fields(&self.batch[self.states.clone()]);
        while let Some((tag, value)) = fields.next()? {
            let (STATE, Some(value)) = (tag, value) else { continue };
            let value = to_function::PersistedValue::decode(self.batch.slice_ref(value)).map_err(undecodable)?;
            let position = declared.iter().position(|state| value.state_name == state.name().as_bytes());
            if let Some(state @ None) = position.map(|position| &mut states[position]) {
                *state = Some(value);
            }
        }
        Ok(states)
    }

    /// The messages, from the first on.
    pub(crate) fn messages(&self) -> Invocations {
        let first = self.messages;
        Invocations { batch: self.batch.clone(), first, position: first, next: None, behind: 0, taken: 0, last: first }
    }
}

/// The messages of a request, decoded one at a time.
pub(crate) struct Invocations {
    batch: Bytes,
    /// Where the first message begins.
    first: usize,
    /// Where the next one begins, or what comes before it.
    position: usize,
    /// The next one, once it was looked at, and where the one behind it begins.
    next: Option<Invocation>,
    behind: usize,
    /// How many were taken, and where the last of them began.
    taken: usize,
    last: usize,
}

/// A place between two messages, to go back to.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    position: usize,
    taken: usize,
}

impl Invocations {
    /// The next message, which stays the next one.
    pub(crate) fn peek(&mut self) -> Result<Option<&Invocation>, RequestError> {
        if self.next.is_none() {
            self.next = self.decode(None)?;
        }
        Ok(self.next.as_ref())
    }

    /// Takes the next message; where it is not of the type that is named, it stays the next one.
    #[inline]
    pub(crate) fn take(&mut self, type_name: Option<&ByteString>) -> Result<Option<Invocation>, RequestError> {
        // It is not put into its place first, as it is large to move.
        let next = match self.next.take() {
            None => self.decode(type_name)?,
            next => next,
        };
        match next {
            Some(next) if type_name.is_none_or(|wanted| wanted == next.message.type_text()) => {
                self.last = self.position;
                self.position = self.behind;
                self.taken += 1;
                Ok(Some(next))
            }
            next => {
                self.next = next;
                Ok(None)
            }
        }
    }

    fn decode(&mut self, type_name: Option<&ByteString>) -> Result<Option<Invocation>, RequestError> {
        let mut rest = &self.batch[self.position..];
        let next = decode_next(&self.batch, &mut rest, type_name)?;
        self.behind = self.batch.len() - rest.len();
        Ok(next)
    }

    /// How many were taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// The place behind the message that was taken last.
    pub(crate) fn place(&self) -> Place {
        Place { position: self.position, taken: self.taken }
    }

    /// The place before the first message.
    pub(crate) fn beginning(&self) -> Place {
        Place { position: self.first, taken: 0 }
    }

    pub(crate) fn go_to(&mut self, place: Place) {
        self.position = place.position;
        self.next = None;
        self.taken = place.taken;
    }

    /// The message that was taken last, once more: the function has the first one.
    pub(crate) fn last(&self) -> Result<Option<Invocation>, RequestError> {
        decode_next(&self.batch, &mut &self.batch[self.last..], None)
    }
}

/// The first message in `rest`, which is a part of `batch`. If its type is `likely`, it shares that text.
fn decode_next(
    batch: &Bytes,
    rest: &mut &[u8],
    likely: Option<&ByteString>,
) -> Result<Option<Invocation>, RequestError> {
    let mut fields = Fields(rest);
    while let Some((tag, value)) = fields.next()? {
        let (INVOCATIONS, Some(value)) = (tag, value) else { continue };
        *rest = fields.0;
        return match decode_plain(batch, value, likely) {
            Some(invocation) => Ok(Some(invocation)),
            None => {
                let invocation = wire::IncomingInvocation::decode(batch.slice_ref(value)).map_err(undecodable)?;
                Invocation::from_wire(invocation).map(Some)
            }
        };
    }
    *rest = &[];
    Ok(None)
}

/// A message as runtimes write it: each field once. `None` for any other, which prost reads, at three times the cost.
#[inline(always)]
fn decode_plain(batch: &Bytes, mut rest: &[u8], likely: Option<&ByteString>) -> Option<Invocation> {
    let (mut caller, mut message) = (None, None);
    while let Some((key, after)) = rest.split_first() {
        rest = after;
        let value = with_length(&mut rest)?;
        match *key {
            CALLER_KEY if caller.is_none() => caller = Some(value),
            ARGUMENT_KEY if message.is_none() => message = Some(decode_message(batch, value, likely)?),
            _ => return None,
        }
    }
    Some(Invocation { caller: Caller(slice(batch, caller)), message: message? })
}

#[inline(always)]
fn decode_message(batch: &Bytes, mut rest: &[u8], likely: Option<&ByteString>) -> Option<Message> {
    let (mut type_name, mut has_value, mut value) = (None, false, None);
    while let Some((key, after)) = rest.split_first() {
        rest = after;
        match *key {
            TYPE_NAME_KEY if type_name.is_none() => type_name = Some(with_length(&mut rest)?),
            VALUE_KEY if value.is_none() => value = Some(with_length(&mut rest)?),
            HAS_VALUE_KEY => {
                let (1, after) = rest.split_first()? else { return None };
                (has_value, rest) = (true, after);
            }
            _ => return None,
        }
    }
    let type_name = match likely {
        // It is known to be UTF-8.
        Some(likely) if type_name == Some(likely.as_bytes()) => likely.clone(),
        _ => slice(batch, type_name).try_into().ok()?,
    };
    Some(Message::of(type_name, has_value.then(|| slice(batch, value))))
}

fn slice(batch: &Bytes, part: Option<&[u8]>) -> Bytes {
    part.map(|part| batch.slice_ref(part)).unwrap_or_default()
}

/// Takes bytes that begin with their length. Inlined by force, as all that decodes a plain message: calls cost a third of it.
#[inline(always)]
fn with_length<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = match **rest {
        [length @ ..0x80, ref after @ ..] => {
            *rest = after;
            usize::from(length)
        }
        [low @ 0x80..=0xff, high @ ..0x80, ref after @ ..] => {
            *rest = after;
            usize::from(low & 0x7f) | usize::from(high) << 7
        }
        _ => usize::try_from(decode_varint(rest).ok()?).ok()?,
    };
    let (value, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(value)
}

/// The `InvocationBatchRequest` of a `ToFunction`: a slice of it, but where it comes in several parts, which are one message when
/// they are put together (protobuf, "Last One Wins").
fn batch(body: &Bytes) -> Result<Option<Bytes>, RequestError> {
    let mut fields = Fields(body);
    let mut batch = None;
    let mut parts = Vec::new();
    while let Some((tag, value)) = fields.next()? {
        if tag != INVOCATION {
            continue;
        }
        let value = value.ok_or_else(|| not_a_message(tag))?;
        match &batch {
            None => batch = Some(body.slice_ref(value)),
            Some(first) => {
                if parts.is_empty() {
                    parts.extend_from_slice(first);
                }
                parts.extend_from_slice(value);
            }
        }
    }
    Ok(if parts.is_empty() { batch } else { Some(parts.into()) })
}

/// A field's tag, and its bytes where it has a length.
type Field<'a> = (u32, Option<&'a [u8]>);

/// The fields of a message.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// Skips the next field if its key is this byte.
    fn skip_same(&mut self, key: u8) -> bool {
        let Some((next, mut rest)) = self.0.split_first() else { return false };
        // One that is cut short is for `next` to tell.
        let same = *next == key && with_length(&mut rest).is_some();
        if same {
            self.0 = rest;
        }
        same
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>, RequestError> {
        let Some((key, mut rest)) = self.0.split_first() else { return Ok(None) };
        // Most are fields with a length and a tag below 16; what is wrong with others is told below.
        if key & 0x87 == WireType::LengthDelimited as u8
            && *key > 0x07
            && let Some(value) = with_length(&mut rest)
        {
            self.0 = rest;
            return Ok(Some((u32::from(key >> 3), Some(value))));
        }
        self.next_of_any_key()
    }

    fn next_of_any_key(&mut self) -> Result<Option<Field<'a>>, RequestError> {
        let (tag, wire_type) = decode_key(&mut self.0).map_err(undecodable)?;
        if wire_type != WireType::LengthDelimited {
            skip_field(wire_type, tag, &mut self.0, DecodeContext::default()).map_err(undecodable)?;
            return Ok(Some((tag, None)));
        }
        let length = usize::try_from(decode_varint(&mut self.0).map_err(undecodable)?).unwrap_or(usize::MAX);
        let left = self.0.len();
        let (value, rest) = self.0.split_at_checked(length).ok_or_else(|| {
            RequestError::Undecodable(format!("field {tag} announces {length} bytes, and {left} are left"))
        })?;
        self.0 = rest;
        Ok(Some((tag, Some(value))))
    }
}

fn not_a_message(tag: u32) -> RequestError {
    RequestError::Undecodable(format!("field {tag} is not a message"))
}

fn undecodable(error: DecodeError) -> RequestError {
    RequestError::Undecodable(error.to_string())
}

impl Invocation {
    fn from_wire(invocation: wire::IncomingInvocation) -> Result<Self, RequestError> {
        let message = Message::from_wire(invocation.argument).ok_or(RequestError::NotUtf8("a message's type name"))?;
        Ok(Self { caller: Caller(invocation.caller), message })
    }
}

impl Caller {
    /// The address; `None` where the message came from an ingress.
    ///
    /// # Errors
    /// When it is no address.
    pub(crate) fn read(&self) -> Result<Option<Address>, RequestError> {
        let caller = reqreply::Address::decode(self.0.clone()).map_err(undecodable)?;
        let caller = Address::from_wire(caller).ok_or(RequestError::NotUtf8("a caller's address"))?;
        Ok((!caller.is_absent()).then_some(caller))
    }

    /// Whether there is certainly none, without reading.
    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}
