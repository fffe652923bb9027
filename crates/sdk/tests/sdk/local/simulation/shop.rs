//! Orders that reserve stock, are charged, and are cancelled when the stock does not answer in time; with a bug, if wanted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use statefun_sdk::local::EmittedRecord;
use statefun_sdk::local::simulation::{Dependency, Simulation, View, expect_eq};
use statefun_sdk::{
    BoxError, CancellationToken, Context, Egress, Function, FunctionError, KafkaRecord, Registry, TypeName, Typed,
    ValueSpec,
};

const ORDER: TypeName = TypeName::new("shop/order");
const STOCK: TypeName = TypeName::new("shop/stock");
const RECEIPTS: Egress = Egress::new("shop/receipts");

const IN_STOCK: ValueSpec<i32> = ValueSpec::new("in_stock");
const PROGRESS: ValueSpec<Progress> = ValueSpec::new("progress");
const PATIENCE: Duration = Duration::from_secs(30);

/// What may be wrong with the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// Customers are charged by a call out of the function, with nothing by which the bank could tell a repetition.
    EffectBeforeResponse,
    /// The time-out of an order that comes twice has the token of the first.
    TokenReused,
    /// Receipts have a number from the clock.
    IdFromClock,
    /// Stock that comes after the time-out makes a receipt, too.
    LateAnswerNotIgnored,
    /// The time-out cancels what is done already: it was on its way when it was cancelled.
    LateTimeoutNotIgnored,
    /// The stock is kept in the memory of the process.
    StateInMemory,
    /// Stock that comes after the time-out is not returned.
    StockNotReturned,
    /// Another release counts the stock in dozens.
    OtherUnit,
    /// An order that could not be charged is forgotten.
    FailureSwallowed,
    /// What an order knows expires when its time-out is due.
    ExpiresTooSoon,
}

pub(super) const BUGS: [Bug; 10] = [
    Bug::EffectBeforeResponse,
    Bug::TokenReused,
    Bug::IdFromClock,
    Bug::LateAnswerNotIgnored,
    Bug::LateTimeoutNotIgnored,
    Bug::StateInMemory,
    Bug::StockNotReturned,
    Bug::OtherUnit,
    Bug::FailureSwallowed,
    Bug::ExpiresTooSoon,
];

#[derive(Debug, Clone, Serialize, Deserialize, Typed)]
#[typed("shop/order")]
struct Order {
    item: String,
    count: i32,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, Typed)]
#[typed("shop/restock")]
struct Restock {
    count: i32,
}

#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("shop/reserve")]
struct Reserve {
    count: i32,
}

#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("shop/reserved")]
struct Reserved {
    enough: bool,
}

#[derive(Debug, Serialize, Deserialize, Typed)]
#[typed("shop/timeout")]
struct TimedOut {}

#[derive(Debug, Default, Serialize, Deserialize, Typed)]
#[typed("shop/progress")]
struct Progress {
    item: String,
    count: i32,
    waits: bool,
    is_cancelled: bool,
}

/// The bank's ledger: whom it charged, and for how many pieces.
type Ledger = Arc<Mutex<Vec<(String, i32)>>>;

/// What is outside of the functions.
pub(super) struct Outside {
    bank: Dependency,
    ledger: Ledger,
}

#[derive(Clone)]
struct Shop {
    bug: Option<Bug>,
    bank: Dependency,
    ledger: Ledger,
    in_memory: Arc<Mutex<BTreeMap<String, i32>>>,
}

impl Shop {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn progress(&self) -> &'static ValueSpec<Progress> {
        static USUAL: ValueSpec<Progress> = PROGRESS;
        static SHORT: ValueSpec<Progress> = PROGRESS.expire_after_write(PATIENCE);
        if self.has(Bug::ExpiresTooSoon) { &SHORT } else { &USUAL }
    }

    async fn order(&self, context: &mut Context, order: Order) -> Result<(), FunctionError> {
        // It may come twice.
        match context.get(self.progress())? {
            Some(progress) if !(progress.waits && self.has(Bug::TokenReused)) => return Ok(()),
            _ => {}
        }
        let Order { item, count } = order;
        context.send(STOCK.with_id(&*item), Reserve { count })?;
        let (token, target) = (self.token(context)?, context.self_address().clone());
        context.send_cancellable(PATIENCE, &token, target, TimedOut {})?;
        context.set(self.progress(), Progress { item, count, waits: true, is_cancelled: false })
    }

    fn token(&self, context: &Context) -> Result<CancellationToken, FunctionError> {
        CancellationToken::new(context.self_id().to_string()).map_err(FunctionError::poison)
    }

    async fn reserved(&self, context: &mut Context, reserved: Reserved) -> Result<(), FunctionError> {
        let Some(Progress { item, count, waits, is_cancelled }) = context.take(self.progress())? else { return Ok(()) };
        let progress = |waits, is_cancelled| Progress { item: item.clone(), count, waits, is_cancelled };
        if !waits && !self.has(Bug::LateAnswerNotIgnored) {
            if reserved.enough && is_cancelled && !self.has(Bug::StockNotReturned) {
                context.send(STOCK.with_id(&*item), Restock { count })?;
            }
            return context.set(self.progress(), progress(waits, is_cancelled));
        }
        let token = self.token(context)?;
        context.cancel(&token);
        match reserved.enough {
            false => self.receipt(context, "sold out", 0)?,
            true => {
                match self.bank.call("bank").await {
                    Err(_) if self.has(Bug::FailureSwallowed) => return Ok(()),
                    called => called.map_err(FunctionError::transient)?,
                }
                if self.has(Bug::EffectBeforeResponse) {
                    self.ledger.lock().unwrap().push((context.self_id().to_string(), count));
                }
                self.receipt(context, "sold", count)?;
            }
        }
        context.set(self.progress(), progress(false, false))
    }

    async fn timed_out(&self, context: &mut Context, _: TimedOut) -> Result<(), FunctionError> {
        let Some(progress) = context.take(self.progress())? else { return Ok(()) };
        if !progress.waits && !self.has(Bug::LateTimeoutNotIgnored) {
            return context.set(self.progress(), progress);
        }
        self.receipt(context, "cancelled", 0)?;
        context.set(self.progress(), Progress { waits: false, is_cancelled: true, ..progress })
    }

    fn receipt(&self, context: &mut Context, outcome: &str, count: i32) -> Result<(), FunctionError> {
        let number = match self.has(Bug::IdFromClock) {
            true => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().to_string(),
            false => context.self_id().to_string(),
        };
        let receipt = format!("{outcome} {count} receipt {number}");
        context.emit(RECEIPTS, KafkaRecord::topic("receipts").key(context.self_id().clone()).utf8(receipt))
    }

    async fn restock(&self, context: &mut Context, restock: Restock) -> Result<(), FunctionError> {
        self.change_stock(context, restock.count).map(drop)
    }

    async fn reserve(&self, context: &mut Context, reserve: Reserve) -> Result<(), FunctionError> {
        let enough = self.change_stock(context, -reserve.count)?;
        if let Some(caller) = context.caller().cloned() {
            context.send(caller, Reserved { enough })?;
        }
        Ok(())
    }

    /// Unless there would be less than nothing.
    fn change_stock(&self, context: &mut Context, by: i32) -> Result<bool, FunctionError> {
        let unit = if self.has(Bug::OtherUnit) { 12 } else { 1 };
        let stored = context.get(&IN_STOCK)?.copied().unwrap_or_default() * unit;
        let mut memory = self.in_memory.lock().unwrap();
        let remembered = memory.entry(context.self_id().to_string()).or_insert(stored);
        let in_stock = if self.has(Bug::StateInMemory) { *remembered } else { stored };
        let enough = in_stock + by >= 0;
        if enough {
            *remembered = in_stock + by;
            context.set(&IN_STOCK, (in_stock + by) / unit)?;
        }
        Ok(enough)
    }
}

fn registry(outside: &Outside, bug: Option<Bug>) -> Registry {
    let shop = Shop { bug, bank: outside.bank.clone(), ledger: outside.ledger.clone(), in_memory: Arc::default() };
    let order = Function::new(ORDER)
        .on(Shop::order)
        .on(Shop::reserved)
        .on(Shop::timed_out)
        .with(shop.clone())
        .state(shop.progress())
        .sends::<Reserve>(STOCK)
        .sends::<Restock>(STOCK)
        .sends::<TimedOut>(ORDER)
        .emits(RECEIPTS);
    let stock = Function::new(STOCK).on(Shop::restock).on(Shop::reserve).with(shop).state(&IN_STOCK);
    let stock = stock.sends::<Reserved>(ORDER);
    Registry::builder().function(order).function(stock).build().unwrap()
}

/// Twelve messages: orders of which some come twice and some do not find enough.
pub(super) fn simulation(bug: Option<Bug>) -> Simulation<Outside> {
    let outside = |bank: &Dependency| Outside { bank: bank.clone(), ledger: Ledger::default() };
    // A release has the bug; with the bug of a release, the one before it does not.
    let first = bug.filter(|bug| *bug != Bug::OtherUnit);
    let mut simulation = Simulation::with(outside, move |outside| registry(outside, first));
    if bug == Some(Bug::OtherUnit) {
        simulation = simulation.release(move |outside| registry(outside, bug));
    }
    for item in ["apples", "pears"] {
        simulation = simulation.send(STOCK.with_id(item), Restock { count: 24 });
        for (id, count) in [("1", 12), ("1", 12), ("2", 12), ("3", 12)] {
            simulation = simulation.send(ORDER.with_id(format!("{item}-{id}")), Order { item: item.to_owned(), count });
        }
        simulation = simulation.send(STOCK.with_id(item), Restock { count: 12 });
    }
    simulation
        .at_rest("each order has one outcome", one_outcome)
        .at_rest("nothing is lost from stock", nothing_lost)
        .at_rest("nobody is charged twice", charged_once)
}

fn receipts(view: &View<'_, Outside>) -> Vec<(String, String)> {
    let records = view.records(RECEIPTS);
    let text = |record: &EmittedRecord| String::from_utf8(record.value().to_vec()).unwrap();
    records.map(|record| (record.key().to_owned(), text(record))).collect()
}

fn one_outcome(view: &View<'_, Outside>) -> Result<(), BoxError> {
    let mut ordered: Vec<_> = view.sent().filter(|(target, _)| target.is(&ORDER)).map(|(target, _)| target).collect();
    ordered.sort();
    ordered.dedup();
    let receipts = receipts(view);
    ordered.into_iter().try_for_each(|order| {
        let outcomes: Vec<_> = receipts.iter().filter(|(key, _)| *key == **order.id()).map(|(_, text)| text).collect();
        if outcomes.len() == 1 { Ok(()) } else { Err(format!("{order} has {outcomes:?}").into()) }
    })
}

fn nothing_lost(view: &View<'_, Outside>) -> Result<(), BoxError> {
    let restocks = view.sent().filter(|(target, _)| target.is(&STOCK));
    let mut expected = BTreeMap::<String, i32>::new();
    for (target, message) in restocks {
        *expected.entry(target.id().to_string()).or_default() += message.get::<Restock>()?.count;
    }
    let receipts = receipts(view);
    expected.into_iter().try_for_each(|(item, expected)| {
        let in_stock = view.state(&STOCK.with_id(&*item), &IN_STOCK)?.unwrap_or_default();
        let sold = receipts.iter().filter(|(order, text)| order.starts_with(&item) && text.starts_with("sold 12"));
        expect_eq(in_stock + 12 * sold.count() as i32, expected).map_err(|error| format!("{item}: {error}").into())
    })
}

fn charged_once(view: &View<'_, Outside>) -> Result<(), BoxError> {
    let ledger = view.outside().ledger.lock().unwrap();
    let mut charged: Vec<_> = ledger.iter().map(|(order, _)| order).collect();
    charged.sort();
    match charged.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("order {} was", pair[0]).into()),
        None => Ok(()),
    }
}
