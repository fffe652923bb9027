//! What the cluster keeps per function instance, and which states it knows of.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::Violation;
use crate::protocol::reqreply::from_function::expiration_spec::ExpireMode;
use crate::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use crate::protocol::reqreply::from_function::{PersistedValueMutation, PersistedValueSpec};
use crate::protocol::reqreply::{TypedValue, to_function};
use crate::{Address, Expiration, TypeName};

/// A function type, as `namespace/name`.
type FunctionType = String;

#[derive(Debug, Clone, Default)]
pub(super) struct States {
    /// The states that the job knows, in the order of their registration; a restart forgets them.
    registered: BTreeMap<FunctionType, Vec<RegisteredState>>,
    /// With which types states have ever been registered; like the values, this is in every savepoint.
    types: BTreeMap<FunctionType, BTreeMap<String, Bytes>>,
    values: BTreeMap<Address, BTreeMap<String, StoredValue>>,
}

#[derive(Debug, Clone)]
struct RegisteredState {
    name: String,
    expiration: Expiration,
}

#[derive(Debug, Clone)]
struct StoredValue {
    value: TypedValue,
    /// From this moment on it is never shown again.
    expires: Option<Duration>,
}

impl StoredValue {
    fn is_valid(&self, now: Duration) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl States {
    /// The states that a request for `target` carries; reading renews those that expire after calls.
    pub(super) fn read(&mut self, target: &Address, now: Duration) -> Vec<to_function::PersistedValue> {
        let values = self.values.entry(target.clone()).or_default();
        values.retain(|_, stored| stored.is_valid(now));
        let mut states = Vec::new();
        for state in self.registered.get(&function_type(target)).into_iter().flatten() {
            let stored = values.get_mut(&state.name);
            let state_value = stored.map(|stored| {
                if let Expiration::AfterCall(after) = state.expiration {
                    stored.expires = Some(now.saturating_add(after));
                }
                stored.value.clone()
            });
            states.push(to_function::PersistedValue { state_name: state.name.clone().into(), state_value });
        }
        if values.is_empty() {
            self.values.remove(target);
        }
        states
    }

    /// Makes states known that were not in the request, `sent`. One that is known keeps its expiration (runtime:
    /// `PersistedRemoteFunctionValues`).
    pub(super) fn register(
        &mut self,
        target: &Address,
        sent: &[to_function::PersistedValue],
        missing: Vec<PersistedValueSpec>,
    ) -> Result<(), Violation> {
        let function = function_type(target);
        let types = self.types.entry(function.clone()).or_default();
        let registered = self.registered.entry(function).or_default();
        for spec in &missing {
            let type_name = text(&spec.type_typename);
            if !type_name.is_empty() && TypeName::parse(type_name.clone()).is_err() {
                return Err(Violation::InvalidTypeName(type_name));
            }
            let name = text(&spec.state_name);
            if let Some(known) = types.get(&name).filter(|known| **known != spec.type_typename) {
                return Err(Violation::StateType { state: name, registered: text(known), found: type_name });
            }
        }
        if missing.iter().all(|spec| sent.iter().any(|sent| sent.state_name == spec.state_name)) {
            return Err(Violation::NothingMissing);
        }
        for spec in missing {
            let name = text(&spec.state_name);
            if !registered.iter().any(|state| state.name == name) {
                types.insert(name.clone(), spec.type_typename.clone());
                registered.push(RegisteredState { name, expiration: expiration(&spec) });
            }
        }
        Ok(())
    }

    /// Checks changes without making them.
    pub(super) fn check(&self, target: &Address, mutations: &[PersistedValueMutation]) -> Result<(), Violation> {
        let function = function_type(target);
        let registered = self.registered.get(&function);
        for mutation in mutations {
            let name = text(&mutation.state_name);
            if !registered.is_some_and(|states| states.iter().any(|state| state.name == name)) {
                return Err(Violation::UnregisteredState(name));
            }
            let expected = self.types.get(&function).and_then(|types| types.get(&name));
            let found = mutation.state_value.as_ref().map(|value| &value.typename);
            if mutation.mutation_type() == MutationType::Modify && found != expected {
                let (registered, found) = (expected.map(text_of).unwrap_or_default(), found.map(text_of));
                return Err(Violation::StateType { state: name, registered, found: found.unwrap_or_default() });
            }
        }
        Ok(())
    }

    /// Makes changes that were checked.
    pub(super) fn apply(&mut self, target: &Address, mutations: Vec<PersistedValueMutation>, now: Duration) {
        let registered = self.registered.get(&function_type(target)).map(Vec::as_slice).unwrap_or_default();
        for mutation in mutations {
            let name = text(&mutation.state_name);
            let kind = mutation.mutation_type();
            match (kind, mutation.state_value) {
                (MutationType::Modify, Some(mut value)) => {
                    // The runtime stores the bytes, whatever this says.
                    value.has_value = true;
                    let state = registered.iter().find(|state| state.name == name);
                    let expires = match state.map(|state| state.expiration) {
                        Some(Expiration::AfterWrite(after) | Expiration::AfterCall(after)) => {
                            Some(now.saturating_add(after))
                        }
                        _ => None,
                    };
                    self.values.entry(target.clone()).or_default().insert(name, StoredValue { value, expires });
                }
                _ => {
                    if let Some(values) = self.values.get_mut(target) {
                        values.remove(&name);
                    }
                }
            }
        }
    }

    /// The value of a state, unless it has expired.
    pub(super) fn value(&self, target: &Address, name: &str, now: Duration) -> Option<&Bytes> {
        let stored = self.values.get(target)?.get(name)?;
        (stored.is_valid(now) && stored.value.has_value).then_some(&stored.value.value)
    }

    /// The instances that have a value.
    pub(super) fn addresses(&self, now: Duration) -> impl Iterator<Item = &Address> {
        let has_value = move |values: &BTreeMap<_, StoredValue>| values.values().any(|stored| stored.is_valid(now));
        self.values.iter().filter(move |(_, values)| has_value(values)).map(|(address, _)| address)
    }

    /// The value with the most bytes, of which instance and state.
    pub(super) fn largest(&self, now: Duration, of: impl Fn(&Address) -> bool) -> Option<(&Address, &str, usize)> {
        let instances = self.values.iter().filter(|(address, _)| of(address));
        let valid =
            instances.flat_map(|(address, values)| values.iter().map(move |(name, stored)| (address, name, stored)));
        let valid = valid.filter(|(_, _, stored)| stored.is_valid(now));
        valid
            .map(|(address, name, stored)| (address, &**name, stored.value.value.len()))
            .max_by_key(|(_, _, size)| *size)
    }

    /// When the next value expires.
    pub(super) fn next_expiry(&self, now: Duration) -> Option<Duration> {
        let values = self.values.values().flat_map(BTreeMap::values);
        values.filter_map(|stored| stored.expires).filter(|expires| *expires > now).min()
    }

    /// Forgets which states there are, as every restart of a job does.
    pub(super) fn forget_registrations(&mut self) {
        self.registered.clear();
    }
}

fn function_type(address: &Address) -> FunctionType {
    format!("{}/{}", address.namespace(), address.name())
}

fn expiration(spec: &PersistedValueSpec) -> Expiration {
    let Some(spec) = &spec.expiration_spec else { return Expiration::None };
    let after = Duration::from_millis(spec.expire_after_millis.max(0).unsigned_abs());
    match spec.mode() {
        ExpireMode::None => Expiration::None,
        ExpireMode::AfterWrite => Expiration::AfterWrite(after),
        ExpireMode::AfterInvoke => Expiration::AfterCall(after),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text_of(bytes: &Bytes) -> String {
    text(bytes)
}
