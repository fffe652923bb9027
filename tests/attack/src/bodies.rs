//! Request bodies: the healthy one, and those that cost more than they weigh.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use statefun_test_support::request::{Batch, address, typed, value_of};

pub(crate) const MIB: usize = 1024 * 1024;

const GREETER: &str = "demo/greeter";

/// What the cluster sends for one message.
pub(crate) fn healthy() -> Bytes {
    let login = typed("demo/login", r#"{"user_name":"Ann"}"#);
    Batch::to(GREETER, "ann").state("seen", Some(value_of(2))).message(login).bytes()
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    /// As many empty invocations as fit: two bytes each.
    Invocations { function: &'static str, state: bool, bytes: usize },
    /// As many empty states as fit: two bytes each.
    States { bytes: usize },
    /// Events of one product with this many subscribers: as many messages as the product of both.
    Product { subscribers: usize, events: usize },
    /// One event with an array of small numbers, as the value of this member.
    Array { member: &'static str, bytes: usize },
}

impl Body {
    pub(crate) const fn invocations(state: bool, mebibytes: usize) -> Self {
        Self::Invocations { function: GREETER, state, bytes: mebibytes * MIB }
    }

    pub(crate) fn bytes(self) -> Bytes {
        match self {
            Self::Invocations { function, state, bytes } => {
                let batch = Batch::to(function, "ann");
                let batch = if state { batch.state("seen", Some(value_of(2))) } else { batch };
                // Field 3 of the batch: an invocation without caller and argument.
                padded(&batch.bytes(), [0x1a, 0], bytes)
            }
            // Field 2 of the batch: a state without name and value.
            Self::States { bytes } => padded(&Batch::to(GREETER, "ann").message(value_of(2)).bytes(), [0x12, 0], bytes),
            Self::Product { subscribers, events } => product(subscribers, events),
            Self::Array { member, bytes } => {
                let array = "1,".repeat(bytes / 2);
                let event = event(&format!(r#""{member}":[{}1]"#, array));
                Batch::to("example/router", "p1").message(event).bytes()
            }
        }
    }
}

/// An encoded request of which the batch is lengthened to `bytes` by an encoded field.
fn padded(request: &[u8], field: [u8; 2], bytes: usize) -> Bytes {
    // The request is the batch alone: a tag of two bytes, a length of one, and the fields.
    let (tag, batch) = (&request[..2], &request[3..]);
    assert_eq!(usize::from(request[2]), batch.len(), "a short batch");
    let fields = bytes.saturating_sub(batch.len()) / field.len();
    let mut padded = tag.to_vec();
    let mut length = batch.len() + fields * field.len();
    while length >= 0x80 {
        padded.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    padded.push(length as u8);
    padded.extend_from_slice(batch);
    padded.extend(field.repeat(fields));
    padded.into()
}

fn event(member: &str) -> statefun_sdk::protocol::reqreply::TypedValue {
    let text = format!(
        r#"{{"specversion":"1.0","id":"e1","source":"http://example.com/shop","type":"example.product","datacontenttype":"application/json",{member}}}"#
    );
    typed("example/cloudevent", text)
}

fn product(subscribers: usize, events: usize) -> Bytes {
    let mut state = String::from("{");
    for number in 0..subscribers {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            state,
            r#"{comma}"example/cart/c{number}":{{"namespace":"example","type":"cart","id":"c{number}"}}"#
        );
    }
    state.push('}');
    let event = event(r#""data":{"id":"p1","title":"Towel","description":"","price":42,"availability":"IN_STOCK"}"#);
    let batch = Batch::to("example/product", "p1")
        .state("state", None)
        .state("subscribers", Some(typed("example/product-subscribers", state)));
    (0..events).fold(batch, |batch, _| batch.message(event.clone())).bytes()
}

/// What a merchant gets from the transactions of its customers; the answer needs the scoring service.
pub(crate) fn merchant(name: &str) -> Bytes {
    let transaction = address("ververica/transaction-manager", "7d1cbd1f6a5b4d0c9d0e3f2a1c84b6e7");
    Batch::to("ververica/merchant", name)
        .state("merchant_score", None)
        .message_from(Some(transaction), Some(typed("com.googleapis/workshop.QueryMerchantScore", Bytes::new())))
        .bytes()
}

/// The stored requests of `tests/protocol`.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn stored() -> anyhow::Result<Vec<Bytes>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/requests");
    let files = std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
    let mut paths = files.map(|file| Ok(file?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    paths.into_iter().map(|path| Ok(std::fs::read(path)?.into())).collect()
}

/// Stored requests with bytes changed, removed, repeated and added, always in the same order.
pub(crate) struct Mutations {
    stored: Vec<Bytes>,
    random: SmallRng,
}

impl Mutations {
    /// # Errors
    /// As [`stored`].
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { stored: stored()?, random: SmallRng::seed_from_u64(11) })
    }
}

impl Iterator for Mutations {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let random = &mut self.random;
        let mut bytes = self.stored[random.random_range(0..self.stored.len())].to_vec();
        for _ in 0..random.random_range(1..=8) {
            let at = random.random_range(0..=bytes.len());
            match random.random_range(0..5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
                1 if at < bytes.len() => bytes[at] = *[0, 0x7f, 0x80, 0xff].get(random.random_range(0..4))?,
                2 => bytes.truncate(at),
                3 => {
                    let end = bytes.len().min(at + random.random_range(0..64));
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => bytes.insert(at, random.random()),
            }
        }
        Some(bytes.into())
    }
}
