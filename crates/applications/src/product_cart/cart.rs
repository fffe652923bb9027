//! `example/cart`: a customer's items and their current prices.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use statefun_sdk::{
    Address, Context, Destination, Function, FunctionError, Json, TypeName, TypedValue, UnexpectedTypePolicy, ValueSpec,
};

use super::cart_events::CartProduct;
use super::event::{self, CloudEvent, TriggeredEvents, ignore};
use super::subscription::{Action, FunctionSubscription};
use super::{Availability, CART, CartItemStatus, CartStatus, DEAD_LETTERS, EGRESS, PRODUCT, Price, ProductDetails};
use crate::destinations::Destinations;

/// The cart; no value while it is empty.
pub const STATE: ValueSpec<Json<Cart>> = ValueSpec::with_type("state", TypeName::new("example/cart-state"));

/// A cart and its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    /// The cart's id.
    pub cart_id: String,
    /// The time of the event that added the first item, if the event had one.
    pub creation_time: Option<DateTime<Utc>>,
    /// The items, by product id.
    pub items: BTreeMap<String, CartItem>,
}

/// A product in a [`Cart`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartItem {
    /// The quantity, above 0.
    pub quantity: i64,
    /// The price that the customer saw last.
    pub origin_price: Price,
    /// The current price; `None` until the product has sent it.
    pub price: Option<Price>,
    /// The availability; `None` until the product has sent it.
    pub availability: Option<Availability>,
    /// Whether the cart has subscribed to the product's changes.
    pub subscribed: bool,
}

/// `example/cart`.
pub fn function(destinations: &Destinations) -> Function {
    Function::new(CART)
        .on(CartFunction::handle)
        .with(CartFunction { statuses: destinations.of_own(&EGRESS) })
        .state(&STATE)
        .sends::<CloudEvent>(PRODUCT)
        .emits_to(EGRESS.egress, destinations.of_own(&EGRESS).connector())
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

struct CartFunction {
    statuses: Destination,
}

impl CartFunction {
    async fn handle(&self, context: &mut Context, event: CloudEvent) -> Result<(), FunctionError> {
        match event.ty() {
            event::CART_PRODUCT => change_quantity(context, &event),
            event::CART_CLEARED => clear(context, &event),
            event::PRODUCT => self.record_product(context, &event),
            _ => {
                ignore(context, &event);
                Ok(())
            }
        }
    }
}

/// Adds items to the cart or removes them; the quantity never drops below 0.
fn change_quantity(context: &mut Context, event: &CloudEvent) -> Result<(), FunctionError> {
    let CartProduct { product_id, quantity, origin_price } = event.data()?;
    let known = context.get(&STATE)?.and_then(|cart| cart.items.get(&product_id)).cloned();
    let quantity = known.as_ref().map_or(0, |item| item.quantity).saturating_add(quantity).max(0);

    let mut events = TriggeredEvents::new(context, event);
    match known {
        None if quantity == 0 => Ok(()),
        Some(_) if quantity == 0 => {
            send_subscription(context, &mut events, Action::Unsubscribe, &product_id)?;
            remove_item(context, &product_id)
        }
        known => {
            if !known.as_ref().is_some_and(|item| item.subscribed) {
                send_subscription(context, &mut events, Action::Subscribe, &product_id)?;
            }
            let (price, availability) = known.as_ref().map_or((None, None), |item| (item.price, item.availability));
            let item = CartItem { quantity, origin_price, price, availability, subscribed: true };
            if known.as_ref() == Some(&item) {
                return Ok(());
            }
            put_item(context, event, product_id, item)
        }
    }
}

fn put_item(
    context: &mut Context,
    event: &CloudEvent,
    product_id: String,
    item: CartItem,
) -> Result<(), FunctionError> {
    match context.get_mut(&STATE)? {
        Some(cart) => {
            cart.items.insert(product_id, item);
            Ok(())
        }
        None => {
            let cart = Cart {
                cart_id: context.self_id().to_string(),
                creation_time: event.time(),
                items: BTreeMap::from([(product_id, item)]),
            };
            context.set(&STATE, Json(cart))
        }
    }
}

fn remove_item(context: &mut Context, product_id: &str) -> Result<(), FunctionError> {
    match context.get_mut(&STATE)? {
        Some(cart) if cart.items.len() > 1 => {
            cart.items.remove(product_id);
            Ok(())
        }
        _ => context.remove(&STATE),
    }
}

fn clear(context: &mut Context, event: &CloudEvent) -> Result<(), FunctionError> {
    let Some(cart) = context.get(&STATE)? else { return Ok(()) };
    let product_ids: Vec<_> = cart.items.keys().cloned().collect();
    let mut events = TriggeredEvents::new(context, event);
    for product_id in &product_ids {
        send_subscription(context, &mut events, Action::Unsubscribe, product_id)?;
    }
    context.remove(&STATE)
}

fn send_subscription(
    context: &mut Context,
    events: &mut TriggeredEvents<'_>,
    action: Action,
    product_id: &str,
) -> Result<(), FunctionError> {
    let product = PRODUCT.with_id(product_id);
    let subscription = FunctionSubscription {
        publisher: (&product).into(),
        subscriber: context.self_address().into(),
        action,
        correlation_id: None,
    };
    let source = source_of(context.self_address());
    let subscription = events.create(event::FUNCTION_SUBSCRIPTION, source, &product, &subscription)?;
    context.send(product, subscription)
}

/// The `source` of the events that a function itself creates.
fn source_of(address: &Address) -> String {
    /// All characters except those that need no escape in a path segment (RFC 3986, "unreserved").
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let id = utf8_percent_encode(address.id(), ESCAPED);
    format!("{}/{}.{}/{id}", event::SOURCE, address.namespace(), address.name())
}

impl CartFunction {
    /// Stores a product's details and emits the status of the whole cart.
    fn record_product(&self, context: &mut Context, event: &CloudEvent) -> Result<(), FunctionError> {
        let ProductDetails { id, price, availability, .. } = event.data()?;
        let Some(item) = context.get(&STATE)?.and_then(|cart| cart.items.get(&id)) else {
            // The product sent it before it got the unsubscription.
            return Ok(());
        };
        let (price, availability) = (Some(price), Some(availability));
        if (item.price, item.availability) != (price, availability)
            && let Some(cart) = context.get_mut(&STATE)?
            && let Some(item) = cart.items.get_mut(&id)
        {
            (item.price, item.availability) = (price, availability);
        }
        self.emit_status(context, event)
    }

    fn emit_status(&self, context: &mut Context, event: &CloudEvent) -> Result<(), FunctionError> {
        let Some(Json(cart)) = context.get(&STATE)? else { return Ok(()) };
        let items = cart.items.iter().map(|(product_id, item)| CartItemStatus {
            product_id: product_id.clone(),
            origin_price: item.origin_price,
            quantity: item.quantity,
            current_price: item.price,
            availability: item.availability,
        });
        let status = CartStatus { cart_id: cart.cart_id.clone(), cart_item_statuses: items.collect() };
        let source = format!("{}/cart-function", event::SOURCE);
        let status =
            TriggeredEvents::new(context, event).create(event::CART_STATUS, source, &EGRESS.egress, &status)?;
        let value = TypedValue::new(status)?.value().clone();
        context.emit(EGRESS.egress, self.statuses.record(context.self_id(), value))
    }
}
