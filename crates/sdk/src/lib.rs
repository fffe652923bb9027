#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | `typename`, `address` | names of functions, types and egresses; who a message is for |
//! | `types`, `typed_value`, `message`, `text` | values on the wire and how they are read; texts of records |
//! | `value_spec`, `state`, `recent_ids` | declared states; their cache during a batch; a state that tells repeated messages |
//! | `context`, `egress` | what a function can do: states, sends, delays, egress records |
//! | `stateful_function`, `function`, `declarations` | the logic of a function; its name, and what it declares |
//! | `registry` | all functions of a process, checked |
//! | `handler`, `request`, `batch`, `dead_letter` | bytes in, bytes out: one request of the runtime |
//! | `error` | bad requests, faults that may pass, poison |
//! | [`protocol`] | the wire messages |
//! | `local` (feature `local`) | the embedded runtime and `TestContext`, for tests |

mod address;
mod answer;
mod batch;
mod context;
mod dead_letter;
mod declarations;
mod egress;
mod error;
mod function;
mod handler;
mod message;
mod recent_ids;
mod registry;
mod request;
mod state;
mod stateful_function;
mod text;
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
pub use context::{CancellationToken, Context, EmptyToken};
pub use dead_letter::DeadLetter;
pub use declarations::FailurePolicy;
pub use egress::{Destination, Egress, EgressRecord, KafkaRecord, KinesisRecord, Record};
pub use error::{BoxError, FailureKind, FunctionError, HandlerError, InvocationFailure, RequestError, StateError};
pub use function::Function;
pub use handler::{Reply, ReplyKind, RequestReplyHandler};
pub use message::Message;
pub use recent_ids::RecentIds;
pub use registry::{RegisteredFunction, Registry, RegistryBuilder, RegistryError};
pub use stateful_function::{AsyncClosure, StatefulFunction};
pub use text::Text;
pub use typed_value::TypedValue;
pub use typename::{InvalidTypeName, TypeName};
pub use types::{Decode, Encode, Json, Payload, Proto, Type, TypeError, Typed};
pub use value_spec::{Expiration, StateDeclaration, ValueSpec};
