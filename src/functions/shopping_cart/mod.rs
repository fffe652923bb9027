//! Carts that take what the inventory has.
//!
//! What a customer puts into a cart is reserved first, at the inventory of the item; then the cart takes it, and the
//! customer is told. What there is not enough of is not reserved at all.
//!
//! ```text
//!  cart_events ─── AddToCart ───▶ cart ─── RequestItem ──────▶ inventory ◀─── RestockItem ─── restock_events
//!                                  │ ▲                          │
//!                                  │ └─ ItemReserved,  ─────────┘
//!                                  │    ItemUnavailable
//!                                  └─ AddToCartResult ─▶ cart_results
//! ```
//!
//! The key of `cart_events` and `cart_results` is the user, whose id is that of the cart; the key of `restock_events` is
//! the item, whose id is that of the inventory. The names of functions begin with `shopping-cart-example/`, those of
//! messages with `com.googleapis/`.
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | [`cart`], [`inventory`] | the functions and their states |
//! | [`messages`] | what they are sent, emit and keep |
//! | `settings` | what is configuration |

pub mod cart;
pub mod inventory;
pub mod messages;

mod settings;

pub use settings::Settings;

use statefun_sdk::{Egress, TypeName, Typed};

use super::{Application, ConfigurableEgress, Ingress};
use messages::{AddToCart, RestockItem};

pub(super) const APPLICATION: Application = Application {
    name: "shopping-cart",
    ingresses: &[
        Ingress {
            id: TypeName::new("shopping-cart-example/cart_events"),
            topic: "cart_events",
            value_type: AddToCart::TYPE_NAME,
            target: CART,
        },
        Ingress {
            id: TypeName::new("shopping-cart-example/restock_events"),
            topic: "restock_events",
            value_type: RestockItem::TYPE_NAME,
            target: INVENTORY,
        },
    ],
    egresses: &[RESULTS, DEAD_LETTERS],
    functions: |destinations, settings| {
        vec![cart::function(destinations), inventory::function(destinations, &settings.shopping_cart)]
    },
};

/// The type name of [`cart`]; its ids are users.
pub const CART: TypeName = TypeName::new("shopping-cart-example/cart");
/// The type name of [`inventory`]; its ids are items.
pub const INVENTORY: TypeName = TypeName::new("shopping-cart-example/inventory");

/// The egress of what came of each request.
pub const CART_RESULTS: Egress = Egress::new("shopping-cart-example/cart_results_egress");

const RESULTS: ConfigurableEgress = ConfigurableEgress::new(CART_RESULTS, "cart_results");
const DEAD_LETTERS: ConfigurableEgress =
    ConfigurableEgress::new(Egress::new("shopping-cart-example/dead-letter"), "shopping-cart-example-dead-letter");

/// Events to show what the application does, one a line: towels come in, and two users put them into their carts.
///
/// A line is `{"type":"add-to-cart","user":…,"item_id":…,"quantity":…}` or
/// `{"type":"restock","item_id":…,"quantity":…}`; the demo makes [`messages`] of them.
pub const EVENTS: &str = include_str!("events.jsonl");
