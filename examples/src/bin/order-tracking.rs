//! Tracks orders: each is confirmed by mail, its customer is reminded to pay, and a shipment ends the reminder.
//!
//! `cargo run -p statefun-examples --bin order-tracking`

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use statefun_http::{Options, serve};
use statefun_sdk::{
    BoxError, CancellationToken, Context, DeadLetter, Destination, Egress, FailurePolicy, Function, FunctionError,
    KafkaRecord, Registry, ResultExt, Typed, ValueSpec,
};

#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("shop/order-placed")]
struct OrderPlaced {
    customer: String,
    total_cents: i64,
}

#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("shop/order-shipped")]
struct OrderShipped {}

/// The function's message to itself.
#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("shop/payment-overdue")]
struct PaymentOverdue {}

/// The order, forgotten a month after it last changed.
const ORDER: ValueSpec<OrderPlaced> = ValueSpec::new("order").expire_after_write(Duration::from_secs(30 * 24 * 3600));
/// The token of the pending reminder.
const REMINDER: ValueSpec<CancellationToken> = ValueSpec::new("reminder");

const STATUSES: Egress = Egress::new("shop/order-statuses");
const DEAD_LETTERS: Egress = Egress::new("shop/dead-letters");
const PAYMENT_TERM: Duration = Duration::from_secs(14 * 24 * 3600);

/// Sends mails; in production, over a network.
trait Mailer: Send + Sync {
    fn send<'a>(&'a self, customer: &'a str, text: &'a str) -> BoxFuture<'a, Result<(), BoxError>>;
}

struct Orders<M> {
    mailer: M,
}

impl<M: Mailer + 'static> Orders<M> {
    fn function(mailer: M) -> Function {
        Function::new("shop/orders")
            .on(Self::place)
            .on(Self::ship)
            .on(Self::remind)
            .with(Self { mailer })
            .state(&ORDER)
            .state(&REMINDER)
            .emits(STATUSES)
            .on_failure(FailurePolicy::DeadLetter(DeadLetter::new(DEAD_LETTERS, Destination::kafka("dead-letters"))))
    }

    async fn place(&self, context: &mut Context, order: OrderPlaced) -> Result<(), FunctionError> {
        if order.total_cents <= 0 {
            return Err(FunctionError::poison("an order without a price")); // becomes a dead letter
        }
        if context.get(&ORDER)?.is_some() {
            return Ok(()); // the shop told twice
        }
        // The mail service may be down: the cluster then sends the batch again.
        self.mailer.send(&order.customer, "Thank you for your order.").await.or_transient()?;
        let token = CancellationToken::random();
        let myself = context.self_address().clone();
        context.send_cancellable(PAYMENT_TERM, &token, myself, PaymentOverdue {})?;
        context.set(&REMINDER, token)?;
        context.set(&ORDER, order)?;
        status(context, "placed")
    }

    async fn ship(&self, context: &mut Context, _: OrderShipped) -> Result<(), FunctionError> {
        if let Some(token) = context.take(&REMINDER)? {
            context.cancel(&token);
        }
        status(context, "shipped")
    }

    async fn remind(&self, context: &mut Context, _: PaymentOverdue) -> Result<(), FunctionError> {
        context.remove(&REMINDER)?;
        let Some(order) = context.get(&ORDER)? else { return Ok(()) };
        self.mailer.send(&order.customer, "Your payment is overdue.").await.or_transient()?;
        status(context, "overdue")
    }
}

fn status(context: &mut Context, status: &str) -> Result<(), FunctionError> {
    context.emit(STATUSES, KafkaRecord::topic("order-statuses").key(context.self_id()).utf8(status))
}

/// Prints mails.
struct Console;

impl Mailer for Console {
    fn send<'a>(&'a self, customer: &'a str, text: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        println!("To {customer}: {text}");
        Box::pin(async { Ok(()) })
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt::init();
    let registry = Registry::builder().function(Orders::function(Console)).build()?;
    Ok(serve(registry, Options { metrics: true, ..Options::default() }).await?)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use statefun_sdk::local::{InvokeError, LocalRuntime, TestContext};
    use statefun_sdk::{FailureKind, HandlerError, TypeName};

    use super::*;

    /// Remembers mails; is down while there is a reason.
    #[derive(Clone, Default)]
    struct Outbox {
        mails: Arc<Mutex<Vec<String>>>,
        down: bool,
    }

    impl Mailer for Outbox {
        fn send<'a>(&'a self, customer: &'a str, text: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
            let result = if self.down { Err("the mail service is down".into()) } else { Ok(()) };
            self.mails.lock().unwrap().push(format!("{customer}: {text}"));
            Box::pin(async { result })
        }
    }

    fn order(total_cents: i64) -> OrderPlaced {
        OrderPlaced { customer: "ann".to_owned(), total_cents }
    }

    #[tokio::test]
    async fn a_shipment_cancels_the_reminder() {
        let mut test = TestContext::new(Orders::function(Outbox::default()), "order-1").unwrap();
        test.invoke(order(1999)).await.unwrap();
        assert_eq!(test.delayed()[0].delay, PAYMENT_TERM);
        assert_eq!(test.get(&ORDER).unwrap().unwrap().total_cents, 1999);
        test.invoke(OrderShipped {}).await.unwrap();
        assert!(test.delayed().is_empty());
        let statuses: Vec<_> = test.emitted().iter().map(|emitted| &emitted.record.value()[..]).collect();
        assert_eq!(statuses, [&b"placed"[..], b"shipped"]);
    }

    #[tokio::test]
    async fn without_a_shipment_the_customer_is_reminded_once() {
        const ORDERS: TypeName = TypeName::new("shop/orders");
        let outbox = Outbox::default();
        let registry = Registry::builder().function(Orders::function(outbox.clone())).build().unwrap();
        let mut runtime = LocalRuntime::in_process(registry);
        for _ in 0..2 {
            runtime.send(ORDERS.with_id("order-1"), order(1999)).unwrap();
        }
        runtime.advance(PAYMENT_TERM).await.unwrap();
        let mails = outbox.mails.lock().unwrap().clone();
        assert_eq!(mails, ["ann: Thank you for your order.", "ann: Your payment is overdue."]);
    }

    #[tokio::test]
    async fn an_order_without_a_price_is_a_dead_letter() {
        let function = || Orders::function(Outbox::default());
        let error = TestContext::new(function(), "order-1").unwrap().invoke(order(0)).await.unwrap_err();
        assert!(matches!(error, InvokeError::DeadLetter(letter) if letter.reason == "an order without a price"));
        let mut test = TestContext::new(function(), "order-1").unwrap().expect_dead_letters();
        test.invoke(order(0)).await.unwrap();
        assert_eq!(test.emitted()[0].egress, *DEAD_LETTERS.id());
    }

    #[tokio::test]
    async fn while_the_mail_service_is_down_nothing_happens() {
        let outbox = Outbox { down: true, ..Outbox::default() };
        let mut test = TestContext::new(Orders::function(outbox), "order-1").unwrap();
        let error = test.invoke(order(1999)).await.unwrap_err();
        let InvokeError::Handler(HandlerError::Invocation(failure)) = error else { panic!("{error:?}") };
        assert_eq!(failure.kind, FailureKind::Transient);
        assert!(test.get(&ORDER).unwrap().is_none() && test.emitted().is_empty());
    }
}
