use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use statefun_sdk::{Expiration, FailurePolicy, RegisteredFunction, Registry, StateDeclaration, TypeName};

/// The functions of `registry` as the JSON that `GET /` returns.
pub(crate) fn describe(registry: &Registry) -> Bytes {
    let functions: Vec<Value> = registry.functions().iter().map(function).collect();
    Bytes::from(json!({ "functions": functions }).to_string())
}

fn function(function: &RegisteredFunction) -> Value {
    json!({
        "typename": function.type_name().as_str(),
        "states": function.states().iter().map(state).collect::<Vec<_>>(),
        "accepts": names(function.accepts()),
        "targets": names(function.targets()),
        "replies": function.replies(),
        "egresses": function.egresses().iter().map(|egress| egress.id().as_str()).collect::<Vec<_>>(),
        "on_failure": policy(function.on_failure()),
    })
}

fn names(names: &[TypeName]) -> Vec<&str> {
    names.iter().map(TypeName::as_str).collect()
}

fn state(state: &StateDeclaration) -> Value {
    json!({
        "name": state.name(),
        "type": state.type_name().as_str(),
        "expiration": match state.expiration() {
            Expiration::None => Value::Null,
            Expiration::AfterWrite(after) => expiration("after_write", after),
            Expiration::AfterCall(after) => expiration("after_call", after),
        },
    })
}

fn expiration(mode: &str, after: Duration) -> Value {
    json!({ "mode": mode, "seconds": after.as_secs_f64() })
}

fn policy(policy: &FailurePolicy) -> Value {
    match policy.dead_letter() {
        None => json!({ "policy": policy.name() }),
        Some(dead_letter) => json!({ "policy": policy.name(), "egress": dead_letter.egress().id().as_str() }),
    }
}
