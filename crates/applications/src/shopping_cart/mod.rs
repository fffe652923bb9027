//! Carts that reserve items from an inventory.
//!
//! An item is first reserved at its inventory; then it is added to the cart, and the result is emitted to the user. If
//! the stock is too low, nothing is reserved.
//!
//! ```text
//!  cart_events ─── AddToCart ───▶ cart ─── RequestItem ──────▶ inventory ◀─── RestockItem ─── restock_events
//!                                  │ ▲                          │
//!                                  │ └─ ItemReserved,  ─────────┘
//!                                  │    ItemUnavailable
//!                                  └─ AddToCartResult ─▶ cart_results
//! ```
//!
//! The key of `cart_events` and `cart_results` is the user id, which is also the cart's id; the key of `restock_events`
//! is the item id, which is also the inventory's id. Function names begin with `shopping-cart-example/`, message types
//! with `com.googleapis/`.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`cart`], [`inventory`] | the functions and their states |
//! | [`messages`] | their messages, records and state values |
//! | `settings`, `args` | the configuration; its options |
//! | `demo` | what the lines of the demo mean |

pub mod cart;
pub mod inventory;
pub mod messages;

mod args;
mod demo;
mod settings;

pub use settings::Settings;

use statefun_sdk::{Egress, Ingress, TypeName, Typed};

use crate::application::{Application, DemoOptions, Options};
use crate::destinations::ConfigurableEgress;
use args::ShoppingCartArgs;
use demo::ShoppingCartDemo;
use messages::{AddToCart, RestockItem};

pub(super) const APPLICATION: Application = Application {
    name: "shopping-cart",
    about: "Carts that reserve items from an inventory",
    ingresses: &[
        Ingress::new("shopping-cart-example/cart_events", "cart_events", AddToCart::TYPE_NAME, CART),
        Ingress::new("shopping-cart-example/restock_events", "restock_events", RestockItem::TYPE_NAME, INVENTORY),
    ],
    egresses: &[RESULTS, DEAD_LETTERS],
    functions: |destinations, settings| {
        vec![cart::function(destinations), inventory::function(destinations, &settings.get())]
    },
    options: Options::of::<ShoppingCartArgs>(),
    demo: DemoOptions::of::<ShoppingCartDemo>(),
    events: r#"{"type":"add-to-cart","user":…,"item_id":…,"quantity":…} or {"type":"restock","item_id":…,"quantity":…}, and an item is out of stock until it is restocked"#,
};

/// The type name of [`cart`]; its ids are users.
pub const CART: TypeName = TypeName::new("shopping-cart-example/cart");
/// The type name of [`inventory`]; its ids are items.
pub const INVENTORY: TypeName = TypeName::new("shopping-cart-example/inventory");

/// The egress of the results of requests.
pub const CART_RESULTS: Egress = Egress::new("shopping-cart-example/cart_results_egress");

const RESULTS: ConfigurableEgress = ConfigurableEgress::new(CART_RESULTS, "cart_results");
const DEAD_LETTERS: ConfigurableEgress =
    ConfigurableEgress::new(Egress::new("shopping-cart-example/dead-letter"), "shopping-cart-example-dead-letter");

/// Sample events for the demo, one per line: towels are restocked, and two users add them to their carts.
///
/// A line is `{"type":"add-to-cart","user":…,"item_id":…,"quantity":…}` or
/// `{"type":"restock","item_id":…,"quantity":…}`; the demo converts them to [`messages`].
pub const EVENTS: &str = include_str!("events.jsonl");
