//! The CloudEvent that the functions exchange: how it is read, created from another event and written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use cloudevents::event::AttributeValue;
use cloudevents::{AttributesReader, AttributesWriter, Event, EventBuilder, EventBuilderV10};
use metrics::counter;
use serde::de::{MapAccess, Visitor};
use serde::ser::{self, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use statefun_sdk::{Address, Context, Decode, Encode, FunctionError, LogSampler, ResultExt, TypeError, Typed};
use tracing::info;
use uuid::{Uuid, uuid};

/// The `type` of a product's details.
pub(super) const PRODUCT: &str = "example.product";
/// The `type` of a quantity of a product that is added to a cart or removed from it.
pub(super) const CART_PRODUCT: &str = "example.cart-product";
/// The `type` of a request to empty a cart.
pub(super) const CART_CLEARED: &str = "example.cart-cleared";
/// The `type` of a cart's items with current prices.
pub(super) const CART_STATUS: &str = "example.cart-status";
/// The `type` of a subscription to a product's changes.
pub(super) const FUNCTION_SUBSCRIPTION: &str = "example.function-subscription";

/// The prefix of the `source` of all events created here.
pub(super) const SOURCE: &str = "http://stateful_functions.example.com";

/// The UUID namespace of the ids of all events created here.
const EVENT_IDS: Uuid = uuid!("7d1cbd1f-6a5b-5d0c-9d0e-3f2a1c84b6e7");

/// The extension attributes that an event passes on to the events it triggers: the W3C trace context.
const PROPAGATED_EXTENSIONS: [&str; 2] = ["traceparent", "tracestate"];

/// A JSON CloudEvent in structured mode.
///
/// It is written with its attributes in a fixed order, then its extensions ordered by name, then its data, so that the
/// same event always gives the same bytes. Its `time` is written in UTC. An event that is passed on is not written
/// again: its original bytes are sent.
#[derive(Debug, Clone, Typed)]
#[typed("example/cloudevent", name_only)]
pub struct CloudEvent {
    /// Attributes and extensions, without data.
    event: Event,
    /// `data` as JSON, a slice of the message: it may be large, and the router has no need to read it. Deserializing through
    /// [`serde_json::Value`], as `Event` does, rounds numbers even with `arbitrary_precision`: 1000000000000000.3 becomes
    /// 1000000000000000.2.
    data: Option<Bytes>,
}

impl CloudEvent {
    pub(super) fn ty(&self) -> &str {
        self.event.ty()
    }

    pub(super) fn time(&self) -> Option<DateTime<Utc>> {
        self.event.time().copied()
    }

    /// Reads `data`, which has to be an object: serde_json also deserializes a struct from an array.
    ///
    /// # Errors
    /// When `data` is not a `T`. The error does not contain `data`.
    pub(super) fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, TypeError> {
        match self.data.as_deref() {
            Some(data) if data.starts_with(b"{") => serde_json::from_slice(data)
                .map_err(|error| TypeError::new(format!("data of an event: {}", TypeError::json(&error)))),
            _ => Err(TypeError::new("data of an event: expected a JSON object")),
        }
    }
}

impl Decode for CloudEvent {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        let json = |error| TypeError::json(&error);
        let Members { attributes, data, too_large } = serde_json::from_slice(bytes).map_err(json)?;
        if too_large {
            return Err(TypeError::new("the attributes of an event are larger than 64 KiB together"));
        }
        let attributes = attributes.into_iter().map(|(name, value)| match value.get().starts_with(['{', '[']) {
            true => Err(TypeError::new("an attribute of an event that is no string, number or boolean")),
            false => Ok((name.into_owned(), serde_json::from_str(value.get()).map_err(json)?)),
        });
        let attributes = Value::Object(attributes.collect::<Result<_, _>>()?);
        let event = serde_json::from_value(attributes).map_err(json)?;
        Ok(Self { event, data: data.map(|data| bytes.slice_ref(data.get().as_bytes())) })
    }
}

/// The most that attributes and extensions of an event may have together, in bytes: CloudEvents asks for 64 KiB an event.
const LARGEST_ATTRIBUTES: usize = 64 * 1024;

/// The members of an event's object, unread.
#[derive(Default)]
struct Members<'a> {
    attributes: BTreeMap<Cow<'a, str>, &'a RawValue>,
    data: Option<&'a RawValue>,
    too_large: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent in JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        let mut left = LARGEST_ATTRIBUTES;
        while let Some(Name(name)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            if name == "data" {
                members.data = Some(value);
                continue;
            }
            match left.checked_sub(name.len() + value.get().len()) {
                Some(less) => left = less,
                // What is left is read to its end, and not kept.
                None => members.too_large = true,
            }
            if !members.too_large {
                members.attributes.insert(name, value);
            }
        }
        Ok(members)
    }
}

/// A name that is borrowed where it holds no escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Serialize for CloudEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in self.event.iter_attributes() {
            match value {
                // `to_string` would end in "+00:00".
                AttributeValue::Time(time) => object.serialize_entry(name, time)?,
                value => object.serialize_entry(name, &value.to_string())?,
            }
        }
        for (name, value) in self.event.iter_extensions().collect::<BTreeMap<_, _>>() {
            object.serialize_entry(name, value)?;
        }
        if let Some(data) = &self.data {
            let data: &RawValue = serde_json::from_slice(data).map_err(ser::Error::custom)?;
            object.serialize_entry("data", data)?;
        }
        object.end()
    }
}

impl Encode for CloudEvent {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        serde_json::to_writer(out, self).map_err(|_| TypeError::new("an event that cannot be written as JSON"))
    }
}

/// Creates the events that one event triggers.
///
/// A retried batch has to give the same bytes. Ids and times are therefore derived from the triggering event, not
/// random or read from a clock.
pub(super) struct TriggeredEvents<'a> {
    trigger: &'a CloudEvent,
    creator: Address,
    created: usize,
}

impl<'a> TriggeredEvents<'a> {
    /// Events that this function creates because of `trigger`.
    pub(super) fn new(context: &Context, trigger: &'a CloudEvent) -> Self {
        Self { trigger, creator: context.self_address().clone(), created: 0 }
    }

    /// Creates the next event. `target` is its destination: a function's address, or an egress.
    pub(super) fn create(
        &mut self,
        event_type: &str,
        source: impl Into<String>,
        target: &dyn Display,
        data: &impl Serialize,
    ) -> Result<CloudEvent, FunctionError> {
        let trigger = &self.trigger.event;
        let origin =
            (trigger.source(), trigger.id(), self.creator.to_string(), target.to_string(), event_type, self.created);
        // As a JSON array, because its elements are unambiguous whatever they contain.
        let origin = serde_json::to_vec(&origin).or_poison()?;
        let data = serde_json::to_vec(data).or_poison()?.into();
        let mut event =
            EventBuilderV10::new().id(Uuid::new_v5(&EVENT_IDS, &origin).to_string()).source(source).ty(event_type);
        if let Some(time) = trigger.time() {
            event = event.time(*time);
        }
        for name in PROPAGATED_EXTENSIONS {
            if let Some(value) = trigger.extension(name) {
                event = event.extension(name, value.clone());
            }
        }
        self.created += 1;
        let mut event = event.build().or_poison()?;
        event.set_datacontenttype(Some("application/json"));
        Ok(CloudEvent { event, data: Some(data) })
    }
}

/// The most characters of an event type in a log line.
const MAX_LOGGED_TYPE: usize = 256;

/// Ignores an event: its type is for other functions, or it is a directive (`test.…`) for a replay. It is counted.
pub(super) fn ignore(context: &Context, event: &CloudEvent) {
    static LOG: LogSampler = LogSampler::new();
    let function = context.self_address();
    counter!("statefun_ignored_events_total", "function" => format!("{}/{}", function.namespace(), function.name()))
        .increment(1);
    if let Some(suppressed) = LOG.sample() {
        // As `Debug` and truncated, because a type can be any text of any length, line breaks included.
        let event_type: String = event.ty().chars().take(MAX_LOGGED_TYPE).collect();
        info!(?function, ?event_type, suppressed, "event ignored: unknown type");
    }
}
