//! The applications that the server hosts.
//!
//! Each is one folder here, with its functions and demo, and settings and options if it has some; and a line in [`list`] (with
//! its `mod` below). Its `mod.rs` has the names of its functions, ingresses and egresses.
//!
//! | application | namespace | functions |
//! |---|---|---|
//! | [`product_cart`] | `example` | `router`, `product`, `cart` |
//! | [`shopping_cart`] | `shopping-cart-example` | `cart`, `inventory` |
//! | [`fraud`] | `ververica` | `transaction-manager`, `counter`, `merchant`, `threshold`, `model` |
//! | [`greeter`] | `demo` | `greeter`, the tutorial |
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`list`] | the list, and what follows from it: the functions, ingresses and egresses of all |
//! | [`args`] | the options of all applications on a command line |
//! | [`application`] | what an application consists of |
//! | [`settings`] | the settings of all |
//! | [`destinations`] | where egresses lead, which is configuration |
//! | [`demo`] | what an application's demo sends and prints |
//!
//! An application depends only on the SDK and on the last four modules.

pub mod application;
pub mod args;
pub mod demo;
pub mod destinations;
pub mod fraud;
pub mod greeter;
pub mod list;
pub mod product_cart;
pub mod settings;
pub mod shopping_cart;

/// The one that shows what adding one takes.
#[cfg(test)]
mod wishlist;

pub use application::Application;
pub use args::ApplicationArgs;
pub use destinations::Destinations;
pub use list::{all, applications};
pub use settings::Settings;
