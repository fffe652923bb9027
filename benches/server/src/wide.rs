//! A function that only reads and writes its states, to measure how cost grows with their number and size.

use std::sync::Arc;

use bytes::Bytes;
use statefun_sdk::{Context, Function, FunctionError, Message, Registry, RegistryError, TypeName, ValueSpec};

const BYTES: TypeName = TypeName::new("bench.types/bytes");

/// `bench.fns/wide` with `states` states of raw bytes, `state_0` and so on. Every message reads and writes all of them.
///
/// # Errors
/// When the function cannot be registered.
pub fn registry(states: usize) -> Result<Registry, RegistryError> {
    // Names of states have to be `'static`.
    let names = (0..states).map(|number| &*format!("state_{number}").leak());
    let specs: Arc<[ValueSpec<Bytes>]> = names.map(|name| ValueSpec::with_type(name, BYTES)).collect();
    let wide = Function::new("bench.fns/wide").fallback(rewrite).with(Arc::clone(&specs));
    Registry::builder().function(specs.iter().fold(wide, Function::state)).build()
}

async fn rewrite(specs: &Arc<[ValueSpec<Bytes>]>, context: &mut Context, _: Message) -> Result<(), FunctionError> {
    for spec in specs.iter() {
        // A state borrowed by `get_mut` counts as written.
        context.get_mut(spec)?;
    }
    Ok(())
}
