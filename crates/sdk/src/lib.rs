#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | `typename`, `address`, `text` | names of functions, types and egresses; addresses of instances; text arguments |
//! | `encode`, `types`, `type_error` | the traits of values; built-in types, JSON and protobuf; why a value cannot be read or written |
//! | `typed_value`, `message` | values as they travel |
//! | `value_spec`, `state`, `recent_ids` | declared states; their cache during a batch; a state that recognizes repeated messages |
//! | `context`, `cancellation_token`, `egress`, `destination` | what a function can do: states, sends, delays, egress records; topics and streams |
//! | `message_handler`, `function`, `declarations` | what handles messages; a function's name, handlers and declarations |
//! | `dead_letter`, `dead_letter_budget` | what becomes of poison, and how much of it may become so |
//! | `ingress`, `registry` | the sources of messages; all functions of a process, checked |
//! | `contract` | what a registry declares as data, and its JSON |
//! | `handler`, `request`, `response_writer`, `wire` | bytes in, bytes out: one request of the runtime |
//! | `batch`, `course`, `handlers` | its messages one after the other: what becomes of failures; whose turn it is; the functions' code |
//! | `log_sampler` | how often a cause is logged |
//! | `memory_budget`, `sync` | how many bytes requests and responses may hold together; its atomics |
//! | `function_error` | the errors of functions |
//! | `error`, `escaped` | rejected requests, and the kinds of failure; text from outside, on terminals and in logs |
//! | [`protocol`], `proto` | the wire messages; generated from proto/statefun and committed |
//! | `local`, `simulated` (feature `local`) | the embedded runtime, `TestContext` and `Simulation`, for tests; what a schedule replaces |

mod address;
mod batch;
mod cancellation_token;
mod context;
mod contract;
mod course;
mod dead_letter;
mod dead_letter_budget;
mod declarations;
mod destination;
mod egress;
mod encode;
mod error;
mod escaped;
mod function;
mod function_error;
mod handler;
mod handlers;
mod ingress;
mod log_sampler;
mod memory_budget;
mod message;
mod message_handler;
mod recent_ids;
mod registry;
mod request;
mod response_writer;
#[cfg(feature = "local")]
mod simulated;
mod state;
mod sync;
mod text;
mod type_error;
mod typed_value;
mod typename;
mod types;
mod value_spec;
mod wire;

#[cfg(feature = "local")]
pub mod local;
pub mod protocol;

pub use address::Address;
pub use bytes::Bytes;
pub use bytestring::ByteString;
pub use cancellation_token::{CancellationToken, EmptyToken};
pub use context::Context;
pub use contract::{
    Contract, ExpirationContract, ExpirationMode, FailureContract, FunctionContract, IngressContract, InvalidContract,
    StateContract,
};
pub use dead_letter::DeadLetter;
pub use dead_letter_budget::DeadLetterUsage;
pub use declarations::{FailurePolicy, UnexpectedTypePolicy};
pub use destination::{Connector, Destination, InvalidConnector, InvalidDestination, Record};
pub use egress::{Egress, EgressRecord, KafkaRecord, KafkaRecordBuilder, KinesisRecord, KinesisRecordBuilder};
pub use encode::{Decode, Encode, Payload, Typed};
pub use error::{FailureKind, HandlerError, InvocationFailure, RequestError, StateError};
pub use escaped::Escaped;
pub use function::Function;
pub use function_error::{BoxError, ErrorChain, FunctionError, IntoFunctionError, ResultExt};
pub use handler::{BatchRequest, Outcome, Quarantined, RequestReplyHandler, Response, ResponseKind};
pub use ingress::Ingress;
pub use log_sampler::LogSampler;
pub use memory_budget::{MemoryBudget, MemoryPermit};
pub use message::Message;
pub use message_handler::{FromMessage, MessageHandler};
pub use recent_ids::RecentIds;
pub use registry::{RegisteredFunction, Registry, RegistryBuilder, RegistryError};
#[cfg(feature = "derive")]
pub use statefun_derive::Typed;
pub use text::Text;
pub use type_error::TypeError;
pub use typed_value::TypedValue;
pub use typename::{InvalidTypeName, TypeName};
pub use types::{Json, Proto};
pub use value_spec::{Expiration, StateDeclaration, ValueSpec};

/// What derived code calls. Not for people: it may change with any release.
#[cfg(feature = "derive")]
#[doc(hidden)]
pub mod __private {
    pub use std::vec::Vec;

    pub use prost::Message as ProtoMessage;
    pub use serde::Serialize;
    pub use serde::de::DeserializeOwned;

    use crate::{Bytes, TypeError, types};

    pub fn encode_json<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), TypeError> {
        types::write_json(value, out)
    }

    pub fn decode_json<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, TypeError> {
        types::read_json(bytes)
    }

    pub fn encode_proto<T: ProtoMessage>(message: &T, out: &mut Vec<u8>) -> Result<(), TypeError> {
        types::write_message(message, out);
        Ok(())
    }

    pub fn decode_proto<T: ProtoMessage + Default>(bytes: &Bytes) -> Result<T, TypeError> {
        types::read_message(bytes)
    }
}
