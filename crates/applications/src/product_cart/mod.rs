//! Carts that follow the current prices of their products.
//!
//! Records are JSON CloudEvents of mixed types on one stream. The router sends each to its product or cart; a cart
//! subscribes to its products, receives their changes and emits its status:
//!
//! ```text
//!  ingress ─▶ example/router ─┬─ example.product ───────▶ example/product ◀──┐
//!                             │                          │ example.product   │ example.function-subscription
//!                             └─ example.cart-* ─────────┴▶ example/cart ────┘
//!                                                          └─ example.cart-status ─▶ example/egress
//! ```
//!
//! **Partition the stream by entity id.** The runtime keeps the order of messages from one router to one function, and
//! a router is chosen by the record key. Two events of one product under two keys pass through two routers and may
//! arrive in either order. [`record_key`] is the key to write such records with.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`router`], `forwarder` | which events go to which functions; a new event type is a file under `forwarder/` and a line of its list |
//! | [`product`], [`cart`] | the functions and their states |
//! | `demo` | what the lines of the demo mean |
//! | `event` | reads, creates and writes CloudEvents |
//! | `product_details`, `cart_events`, `subscription`, `price` | the JSON of the events' `data` |

pub mod cart;
pub mod product;
pub mod router;

mod cart_events;
mod demo;
mod event;
mod forwarder;
mod price;
mod product_details;
mod subscription;

pub use cart_events::{CartItemStatus, CartStatus};
pub use event::CloudEvent;
pub use price::Price;
pub use product_details::{Availability, ProductDetails};
pub use subscription::FunctionAddress;

use statefun_sdk::{Bytes, Decode, Egress, Ingress, TypeName, Typed};

use crate::application::{Application, DemoOptions, NoOptions, Options};
use crate::destinations::ConfigurableEgress;
use demo::ProductCartDemo;

pub(super) const APPLICATION: Application = Application {
    name: "product-cart",
    about: "Carts that follow the current prices of their products",
    ingresses: &[Ingress::new("example/ingress", "example-ingress", CloudEvent::TYPE_NAME, ROUTER)],
    egresses: &[EGRESS, DEAD_LETTERS],
    functions: |destinations, _| {
        vec![router::function(destinations), product::function(destinations), cart::function(destinations)]
    },
    options: Options::of::<NoOptions>(),
    demo: DemoOptions::of::<ProductCartDemo>(),
    events: "a CloudEvent in JSON; any other line is sent unchanged and becomes a dead letter",
};

/// The type name of [`router`]: the target of the ingress.
pub const ROUTER: TypeName = TypeName::new("example/router");
/// The type name of [`product`].
pub const PRODUCT: TypeName = TypeName::new("example/product");
/// The type name of [`cart`].
pub const CART: TypeName = TypeName::new("example/cart");

const EGRESS: ConfigurableEgress = ConfigurableEgress::new(Egress::new("example/egress"), "example-egress");
const DEAD_LETTERS: ConfigurableEgress =
    ConfigurableEgress::new(Egress::new("example/dead-letter"), "example-dead-letter");

/// Sample events for the demo, one CloudEvent per line: a product, its addition to a cart, and a change of its price.
/// They cause two `example.cart-status` events.
pub const EVENTS: &str = include_str!("events.jsonl");

/// The record key for this event: the id of the entity that the event is about.
///
/// `None` if the text is not an event, or the router does not forward it: then the key does not matter.
pub fn record_key(event_json: &[u8]) -> Option<String> {
    let event = CloudEvent::decode(&Bytes::copy_from_slice(event_json)).ok()?;
    let forwarder = forwarder::FORWARDERS.iter().find(|forwarder| forwarder.accept(&event))?;
    Some(forwarder.target(&event).ok()?.id().to_string())
}
