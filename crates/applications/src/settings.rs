//! The settings of all applications.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The settings of applications, by type: each has its own. One that was not set has its default.
#[derive(Clone, Default)]
pub struct Settings(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Settings {
    /// Settings with this one.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, settings: T) -> Self {
        self.set(settings);
        self
    }

    /// Sets the settings of an application.
    pub fn set<T: Send + Sync + 'static>(&mut self, settings: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(settings));
    }

    /// The settings of an application.
    pub fn get<T: Clone + Default + Send + Sync + 'static>(&self) -> T {
        let found = self.0.get(&TypeId::of::<T>());
        found.and_then(|settings| settings.downcast_ref()).cloned().unwrap_or_default()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}
