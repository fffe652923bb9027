//! The states of one address during one batch.
//!
//! A slot per declared state holds the bytes as received and, from the first touch on, the decoded value; a value is
//! decoded once and encoded once, however many invocations the batch holds.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::declarations::Declarations;
use crate::encode::{Decode, encode_to};
use crate::error::StateError;
use crate::function_error::FunctionError;
use crate::protocol::reqreply::{TypedValue, to_function};
use crate::response_writer::ResponseWriter;
use crate::type_error::TypeError;
use crate::value_spec::{StateDeclaration, ValueSpec};

type Value = Box<dyn Any + Send + Sync>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// As the runtime sent it: nothing goes back.
    None,
    /// Written, even if with the same value: a write renews the expiration.
    Written,
    Removed,
}

struct Slot {
    /// The value's bytes: as received, or as of the last checkpoint. `None` where there is no value.
    encoded: Option<Bytes>,
    /// The value, once touched. While `change` is `Written` it is the truth, and `encoded` may be behind.
    decoded: OnceLock<Option<Value>>,
    change: Change,
    /// What `change` was at the last checkpoint.
    change_before: Change,
    /// The value was written since it was last encoded.
    stale: bool,
    /// The runtime has no value, so a removal need not be sent.
    absent_at_runtime: bool,
}

pub(crate) struct StateCache {
    declarations: Arc<Declarations>,
    slots: Vec<Slot>,
    /// Whether anything was written since the dirty flag was cleared.
    written: bool,
    /// The first state that could not be read.
    unreadable: OnceLock<StateError>,
}

impl StateCache {
    /// Takes the declared states as the runtime sent them, in the order of their declarations; one that it did not send leaves its
    /// position in `missing`.
    pub(crate) fn new(
        declarations: Arc<Declarations>,
        sent: Vec<Option<to_function::PersistedValue>>,
        missing: &mut Vec<usize>,
    ) -> Result<Self, StateError> {
        let mut slots = Vec::with_capacity(sent.len());
        for (position, (state, sent)) in declarations.states.iter().zip(sent).enumerate() {
            let Some(value) = sent else {
                missing.push(position);
                continue;
            };
            let encoded = match value.state_value {
                Some(value) if value.has_value => Some(bytes_of(state, value)?),
                _ => None,
            };
            slots.push(Slot {
                absent_at_runtime: encoded.is_none(),
                encoded,
                decoded: OnceLock::new(),
                change: Change::None,
                change_before: Change::None,
                stale: false,
            });
        }
        Ok(Self { declarations, slots, written: false, unreadable: OnceLock::new() })
    }

    /// The position of a state, if it was declared with this Rust type.
    fn position<T: 'static>(&self, spec: &ValueSpec<T>) -> Result<usize, FunctionError> {
        let declared = &self.declarations.states;
        match declared.iter().position(|state| state.name() == spec.name()) {
            Some(position) if declared[position].holds::<T>() => Ok(position),
            Some(_) => Err(FunctionError::bug(format!(
                "state {:?} was declared with another Rust type than {}",
                spec.name(),
                std::any::type_name::<T>()
            ))),
            None => Err(FunctionError::bug(format!(
                "state {:?} is not declared: add .state(…) where the function is registered",
                spec.name()
            ))),
        }
    }

    pub(crate) fn get<T: Decode + Send + Sync + 'static>(
        &self,
        spec: &ValueSpec<T>,
    ) -> Result<Option<&T>, FunctionError> {
        let slot = &self.slots[self.position(spec)?];
        let value = match slot.decoded.get() {
            Some(value) => value,
            None => {
                let value = slot.decode::<T>(spec.name()).inspect_err(|error| self.note(error))?;
                slot.decoded.get_or_init(|| value)
            }
        };
        Ok(value.as_ref().and_then(|value| value.downcast_ref()))
    }

    /// The value for changing; counts as a write where there is one, or where `default` makes one.
    pub(crate) fn get_mut<T: Decode + Send + Sync + 'static>(
        &mut self,
        spec: &ValueSpec<T>,
        default: Option<fn() -> T>,
    ) -> Result<Option<&mut T>, FunctionError> {
        let position = self.position(spec)?;
        if self.slots[position].decoded.get().is_none() {
            let value = self.slots[position].decode::<T>(spec.name()).inspect_err(|error| self.note(error))?;
            self.slots[position].decoded = OnceLock::from(value);
        }
        let slot = &mut self.slots[position];
        let Some(value) = slot.decoded.get_mut() else { return Ok(None) };
        if let (None, Some(default)) = (&value, default) {
            *value = Some(Box::new(default()));
        }
        let value = value.as_mut().and_then(|value| value.downcast_mut());
        if value.is_some() {
            // Before the caller touches the value: should it panic half-way, the value is not taken for the old one.
            slot.change = Change::Written;
            slot.stale = true;
            self.written = true;
        }
        Ok(value)
    }

    pub(crate) fn set<T: Send + Sync + 'static>(&mut self, spec: &ValueSpec<T>, value: T) -> Result<(), FunctionError> {
        let position = self.position(spec)?;
        let slot = &mut self.slots[position];
        slot.decoded = OnceLock::from(Some(Box::new(value) as Value));
        slot.change = Change::Written;
        slot.stale = true;
        self.written = true;
        Ok(())
    }

    /// Removes the value and returns it.
    pub(crate) fn take<T: Decode + Send + Sync + 'static>(
        &mut self,
        spec: &ValueSpec<T>,
    ) -> Result<Option<T>, FunctionError> {
        let position = self.position(spec)?;
        let slot = &mut self.slots[position];
        let value = match slot.decoded.take() {
            Some(value) => value,
            None => slot.decode::<T>(spec.name()).inspect_err(|error| {
                self.unreadable.get_or_init(|| error.clone());
            })?,
        };
        self.remove(spec)?;
        Ok(value.and_then(|value| value.downcast().ok()).map(|value| *value))
    }

    pub(crate) fn remove<T: 'static>(&mut self, spec: &ValueSpec<T>) -> Result<(), FunctionError> {
        let position = self.position(spec)?;
        let slot = &mut self.slots[position];
        slot.decoded = OnceLock::from(None);
        slot.change = Change::Removed;
        slot.stale = true;
        self.written = true;
        Ok(())
    }

    fn note(&self, error: &StateError) {
        self.unreadable.get_or_init(|| error.clone());
    }

    pub(crate) fn unreadable(&self) -> Option<&StateError> {
        self.unreadable.get()
    }

    /// Whether a state was written since the last call.
    pub(crate) fn take_written(&mut self) -> bool {
        std::mem::take(&mut self.written)
    }

    /// A place to go [back](Self::go_back) to: brings the encoded form of every written state up to date.
    ///
    /// # Errors
    /// When a value has no representation in its type.
    pub(crate) fn checkpoint(&mut self, buffer: &mut Vec<u8>) -> Result<(), TypeError> {
        for (slot, state) in self.slots.iter_mut().zip(&self.declarations.states) {
            if slot.stale {
                slot.encoded = if slot.encode(state, buffer)? { Some(Bytes::copy_from_slice(buffer)) } else { None };
                slot.stale = false;
            }
            slot.change_before = slot.change;
        }
        Ok(())
    }

    /// Undoes what was written since the last checkpoint, or since the beginning.
    pub(crate) fn go_back(&mut self) {
        for slot in &mut self.slots {
            slot.decoded = OnceLock::new();
            slot.change = slot.change_before;
            slot.stale = false;
        }
    }

    /// Writes what the runtime is to change.
    ///
    /// # Errors
    /// When a value has no representation in its type.
    pub(crate) fn write_to(&self, response: &mut ResponseWriter) -> Result<(), TypeError> {
        for (slot, state) in self.slots.iter().zip(&self.declarations.states) {
            match slot.change {
                Change::None => continue,
                Change::Removed if slot.absent_at_runtime => continue,
                Change::Removed => response.delete(state.name()),
                Change::Written => {
                    let buffer = &mut response.buffers.value;
                    if slot.stale {
                        slot.encode(state, buffer)?;
                    } else {
                        buffer.clear();
                        buffer.extend_from_slice(slot.encoded.as_deref().unwrap_or_default());
                    }
                    response.modify(state.name(), state.type_name().clone().into_text());
                }
            }
        }
        Ok(())
    }
}

impl Slot {
    /// Writes the value to `buffer`. Says whether there is one.
    fn encode(&self, state: &StateDeclaration, buffer: &mut Vec<u8>) -> Result<bool, TypeError> {
        let (Change::Written, Some(Some(value))) = (self.change, self.decoded.get()) else { return Ok(false) };
        caught(|| encode_to(buffer, &Encoding { state, value: &**value }))
            .map_err(|error| TypeError::new(format!("state {:?} cannot be written: {error}", state.name())))?;
        Ok(true)
    }

    fn decode<T: Decode + Send + Sync + 'static>(&self, name: &'static str) -> Result<Option<Value>, StateError> {
        match &self.encoded {
            None => Ok(None),
            // A reader that panics is a state that cannot be read, not a panic of the function: that one may be
            // dead-lettered, a state never.
            Some(bytes) => match caught(|| T::decode(bytes)) {
                Ok(value) => Ok(Some(Box::new(value))),
                Err(reason) => Err(StateError { state: name, reason }),
            },
        }
    }
}

fn bytes_of(state: &StateDeclaration, value: TypedValue) -> Result<Bytes, StateError> {
    if value.typename != state.type_name().as_str() {
        let reason = TypeError::new(format!(
            "it holds a value of type {:?}, expected {}",
            String::from_utf8_lossy(&value.typename),
            state.type_name()
        ));
        return Err(StateError { state: state.name(), reason });
    }
    Ok(value.value)
}

fn caught<T>(code: impl FnOnce() -> Result<T, TypeError>) -> Result<T, TypeError> {
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|_| Err(TypeError::new("the code of its type panicked")))
}

/// A value of a type that only its declaration knows.
struct Encoding<'a> {
    state: &'a StateDeclaration,
    value: &'a (dyn Any + Send + Sync),
}

impl crate::encode::Encode for Encoding<'_> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        self.state.encode(self.value, out)
    }
}
