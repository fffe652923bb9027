//! The list of all applications, and what follows from it.

use statefun_sdk::{Destination, Function, Registry, RegistryError};

use crate::application::Application;
use crate::destinations::Destinations;
use crate::settings::Settings;
#[cfg(test)]
use crate::wishlist;
use crate::{fraud, greeter, product_cart, shopping_cart};

const APPLICATIONS: &[Application] = &[
    product_cart::APPLICATION,
    shopping_cart::APPLICATION,
    fraud::APPLICATION,
    greeter::APPLICATION,
    #[cfg(test)]
    wishlist::APPLICATION,
];

/// All applications.
pub fn applications() -> &'static [Application] {
    APPLICATIONS
}

/// All functions of all applications, for [`RegistryBuilder::functions`](statefun_sdk::RegistryBuilder::functions).
pub fn all(destinations: &Destinations, settings: &Settings) -> Vec<Function> {
    APPLICATIONS.iter().flat_map(|application| application.functions(destinations, settings)).collect()
}

/// The functions of these applications and the ingresses that lead to them.
///
/// # Errors
/// When functions of two applications have the same name.
pub fn registry<'a>(
    applications: impl IntoIterator<Item = &'a Application> + Clone,
    destinations: &Destinations,
    settings: &Settings,
) -> Result<Registry, RegistryError> {
    let functions = || applications.clone().into_iter().flat_map(|one| one.functions(destinations, settings));
    // Settings decide which functions there are.
    let there = Registry::builder().functions(functions()).build()?;
    let is_there = |target| there.functions().iter().any(|function| function.type_name() == target);
    let ingresses = applications.clone().into_iter().flat_map(|application| application.ingresses());
    let ingresses = ingresses.filter(|ingress| is_there(ingress.target())).cloned();
    Registry::builder().functions(functions()).ingresses(ingresses).build()
}

/// Kafka topics with the applications' default names.
impl Default for Destinations {
    fn default() -> Self {
        let egresses = APPLICATIONS.iter().flat_map(|application| application.egresses);
        egresses.map(|known| (known.egress.clone(), Destination::kafka(known.default_topic))).collect()
    }
}
