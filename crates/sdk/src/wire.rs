//! Requests and responses as they are read and written: of the same form on the wire as the generated messages in `protocol`, and
//! cheaper.
//!
//! A request keeps its callers encoded: on the wire a message is the same as bytes, and as such it costs one slice instead of
//! three. A response is borrowed: nothing is copied before it is in the response.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};

use crate::address::Address as Target;
use crate::protocol::reqreply;
use crate::protocol::reqreply::from_function::persisted_value_mutation::MutationType;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct IncomingInvocation {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) caller: Bytes,
    #[prost(message, optional, tag = "2")]
    pub(crate) argument: Option<reqreply::TypedValue>,
}

/// Text or bytes of a message. prost has no type for those that are borrowed; on the wire they are the same as a message.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Slice<'a>(pub(crate) &'a [u8]);

impl<'a> Slice<'a> {
    /// `None` for an empty one: that is not written.
    pub(crate) fn of(bytes: &'a (impl AsRef<[u8]> + ?Sized)) -> Option<Self> {
        let bytes = bytes.as_ref();
        (!bytes.is_empty()).then_some(Self(bytes))
    }
}

impl Message for Slice<'_> {
    fn encode_raw(&self, out: &mut impl BufMut) {
        out.put_slice(self.0);
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    /// It is only written.
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        bytes: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, bytes, context)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Address<'a> {
    #[prost(message, optional, tag = "1")]
    pub(crate) namespace: Option<Slice<'a>>,
    #[prost(message, optional, tag = "2")]
    pub(crate) r#type: Option<Slice<'a>>,
    #[prost(message, optional, tag = "3")]
    pub(crate) id: Option<Slice<'a>>,
}

impl<'a> From<&'a Target> for Address<'a> {
    fn from(target: &'a Target) -> Self {
        Self { namespace: Slice::of(target.namespace()), r#type: Slice::of(target.name()), id: Slice::of(target.id()) }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TypedValue<'a> {
    #[prost(message, optional, tag = "1")]
    pub(crate) typename: Option<Slice<'a>>,
    #[prost(bool, tag = "2")]
    pub(crate) has_value: bool,
    #[prost(message, optional, tag = "3")]
    pub(crate) value: Option<Slice<'a>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PersistedValueMutation<'a> {
    #[prost(enumeration = "MutationType", tag = "1")]
    pub(crate) mutation_type: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) state_name: Option<Slice<'a>>,
    #[prost(message, optional, tag = "3")]
    pub(crate) state_value: Option<TypedValue<'a>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Invocation<'a> {
    #[prost(message, optional, tag = "1")]
    pub(crate) target: Option<Address<'a>>,
    #[prost(message, optional, tag = "2")]
    pub(crate) argument: Option<TypedValue<'a>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DelayedInvocation<'a> {
    #[prost(int64, tag = "1")]
    pub(crate) delay_in_ms: i64,
    #[prost(message, optional, tag = "2")]
    pub(crate) target: Option<Address<'a>>,
    #[prost(message, optional, tag = "3")]
    pub(crate) argument: Option<TypedValue<'a>>,
    #[prost(bool, tag = "10")]
    pub(crate) is_cancellation_request: bool,
    #[prost(message, optional, tag = "11")]
    pub(crate) cancellation_token: Option<Slice<'a>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EgressMessage<'a> {
    #[prost(message, optional, tag = "1")]
    pub(crate) egress_namespace: Option<Slice<'a>>,
    #[prost(message, optional, tag = "2")]
    pub(crate) egress_type: Option<Slice<'a>>,
    #[prost(message, optional, tag = "3")]
    pub(crate) argument: Option<TypedValue<'a>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KafkaProducerRecord<'a> {
    #[prost(message, optional, tag = "1")]
    pub(crate) key: Option<Slice<'a>>,
    #[prost(message, optional, tag = "2")]
    pub(crate) value_bytes: Option<Slice<'a>>,
    #[prost(message, optional, tag = "3")]
    pub(crate) topic: Option<Slice<'a>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KinesisEgressRecord<'a> {
    #[prost(message, optional, tag = "1")]
    pub(crate) partition_key: Option<Slice<'a>>,
    #[prost(message, optional, tag = "2")]
    pub(crate) value_bytes: Option<Slice<'a>>,
    #[prost(message, optional, tag = "3")]
    pub(crate) stream: Option<Slice<'a>>,
    #[prost(message, optional, tag = "4")]
    pub(crate) explicit_hash_key: Option<Slice<'a>>,
}

/// The protocol counts whole milliseconds: durations are rounded up, and clamped to what an `i64` holds.
pub(crate) fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}
