use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytestring::ByteString;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::egress::LONGEST_PARTITION_KEY;
use crate::error::cut;
use crate::request::Invocation;
use crate::{Address, Destination, Egress, InvocationFailure, Record, TypeError};

/// Where poison goes.
///
/// A dead letter is a JSON object:
///
/// | field | content |
/// |---|---|
/// | `function`, `caller` | addresses as `{"namespace", "type", "id"}`; `caller` is null for a message from an ingress |
/// | `message_type` | the type name of the message |
/// | `failure`, `error` | `poison`, `panic` or `unexpected_type`, and what went wrong |
/// | `payload_length`, `payload_sha256` | of the whole payload: bytes, and lower-case hex |
/// | `payload` | the payload in base64, cut so that the record stays under 900 KiB (Kinesis takes 1 MiB) |
///
/// Its key is the id of the function's address, `-` where that is empty; truncated to what the destination accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    egress: Egress,
    destination: Destination,
}

/// The most that a record may hold, in bytes.
const LARGEST_RECORD: usize = 900 * 1024 - 1;

/// The most that any text but the payload may hold, in bytes: eight of them, each byte escaped as six, still fit.
const LONGEST_TEXT: usize = 16 * 1024;

#[derive(Serialize)]
struct Document<'a> {
    function: AddressDocument<'a>,
    caller: Option<AddressDocument<'a>>,
    message_type: &'a str,
    failure: &'static str,
    error: &'a str,
    payload_length: usize,
    payload_sha256: String,
    payload: String,
}

#[derive(Serialize)]
struct AddressDocument<'a> {
    namespace: &'a str,
    r#type: &'a str,
    id: &'a str,
}

impl<'a> From<&'a Address> for AddressDocument<'a> {
    fn from(address: &'a Address) -> Self {
        Self {
            namespace: shortened(address.namespace()),
            r#type: shortened(address.name()),
            id: shortened(address.id()),
        }
    }
}

impl DeadLetter {
    /// Dead letters to this egress, which leads to this destination.
    pub fn new(egress: Egress, destination: Destination) -> Self {
        Self { egress, destination }
    }

    /// The egress.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// The topic or stream of the dead letters.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    pub(crate) fn record(&self, failure: &InvocationFailure, invocation: &Invocation) -> Result<Record, TypeError> {
        let payload = invocation.message.value();
        let caller = invocation.caller.read().ok().flatten();
        let mut document = Document {
            function: (&failure.target).into(),
            caller: caller.as_ref().map(Into::into),
            message_type: shortened(invocation.message.type_name()),
            failure: failure.kind.as_str(),
            error: shortened(&failure.reason),
            payload_length: payload.len(),
            payload_sha256: hex(&Sha256::digest(payload)),
            payload: String::new(),
        };
        let room = LARGEST_RECORD.saturating_sub(json(&document)?.len());
        document.payload = STANDARD.encode(&payload[..payload.len().min(room / 4 * 3)]);
        Ok(self.destination.record(self.key(failure.target.id()), json(&document)?))
    }

    fn key(&self, id: &ByteString) -> ByteString {
        if id.is_empty() {
            return ByteString::from_static("-");
        }
        match &self.destination {
            // A dead letter must not fail in its turn.
            Destination::Kinesis(_) if id.encode_utf16().count() > LONGEST_PARTITION_KEY => {
                let mut units = 0;
                let fits = |character: &char| {
                    units += character.len_utf16();
                    units <= LONGEST_PARTITION_KEY
                };
                id.chars().take_while(fits).collect::<String>().into()
            }
            // Nor be larger than a topic takes: 1 MiB by default, key included.
            Destination::Kafka(_) if id.len() > LONGEST_TEXT => shortened(id).into(),
            _ => id.clone(),
        }
    }
}

fn json(document: &Document<'_>) -> Result<Vec<u8>, TypeError> {
    serde_json::to_vec(document).map_err(|error| TypeError::json(&error))
}

fn shortened(text: &str) -> &str {
    cut(text, LONGEST_TEXT)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
