//! A program with functions of the tests' own, in releases that differ in what is wrong with them. The driver runs itself as it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use statefun_http::Options;
use statefun_sdk::{
    Context, DeadLetter, Destination, Egress, FailurePolicy, Function, FunctionError, Json, KafkaRecord, Registry,
    TypeName, Typed, ValueSpec,
};

/// Sends each order on to the teller.
pub(crate) const FORWARDER: TypeName = TypeName::new("releases/forwarder");
/// Receives what the forwarder sends.
pub(crate) const TELLER: TypeName = TypeName::new("releases/teller");
/// Keeps a count, which one release reads as another type.
pub(crate) const COUNTER: TypeName = TypeName::new("releases/counter");
/// One release panics at every message of it.
pub(crate) const PARSER: TypeName = TypeName::new("releases/parser");
/// Calls a dependency, which does not respond to orders that say so.
pub(crate) const CALLER: TypeName = TypeName::new("releases/caller");
/// Blocks its thread at orders that say so.
pub(crate) const SLEEPER: TypeName = TypeName::new("releases/sleeper");

pub(crate) const TOLD: &str = "releases-told";
pub(crate) const DEAD_LETTERS: &str = "releases-dead-letters";

/// How often [`Kind::HangsAtFirst`] hangs.
pub(crate) const HANGS: usize = 6;
/// How long one of these calls would take.
const SLOW: Duration = Duration::from_secs(40);

const EGRESS: Egress = Egress::new("releases/egress");
const COUNT: ValueSpec<i64> = ValueSpec::new("count");
const COUNT_AS_TEXT: ValueSpec<String> = ValueSpec::new("count");

/// The topic that the ingress reads for a function.
pub(crate) fn topic(function: &TypeName) -> String {
    format!("releases-{}", function.name())
}

/// A message to any of the functions.
#[derive(Debug, Clone, Serialize, Deserialize, Typed)]
#[typed("releases/order")]
pub(crate) struct Order {
    pub(crate) number: usize,
    /// Whether a release that can hang does so at it.
    pub(crate) hang: bool,
}

/// What a function tells of each order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) function: String,
    pub(crate) number: usize,
    /// How many orders the instance has had, this one included.
    pub(crate) count: i64,
}

/// What is wrong with a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Nothing
    Fixed,
    /// The forwarder's target is not declared, and the counter reads its state as another type
    Bugs,
    /// The parser panics at every message
    Panics,
    /// The first calls of the caller take much longer than the others
    HangsAtFirst,
    /// The caller's calls never end, and the sleeper blocks its thread
    Hangs,
}

/// Serves a release of the functions until SIGTERM.
#[derive(Debug, clap::Args)]
pub(crate) struct Release {
    #[arg(long)]
    release: Kind,
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    admin_listen: SocketAddr,
    #[arg(long)]
    invocation_timeout_seconds: Option<u64>,
}

impl Release {
    pub(crate) fn serve(self) -> Result<()> {
        tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
        let mut options =
            Options { listen: self.listen, admin_listen: Some(self.admin_listen), metrics: true, ..Options::default() };
        if let Some(seconds) = self.invocation_timeout_seconds {
            options.invocation_timeout = Duration::from_secs(seconds);
        }
        let registry = self.release.registry()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(statefun_http::serve(registry, options))?)
    }
}

impl Kind {
    fn registry(self) -> Result<Registry> {
        let forwarder = function(FORWARDER).on(forward).state(&COUNT);
        let forwarder = if self == Self::Bugs { forwarder } else { forwarder.sends_to(TELLER) };
        let counter = function(COUNTER);
        let counter = match self {
            Self::Bugs => counter.on(count_as_text).state(&COUNT_AS_TEXT),
            _ => counter.on(tell).state(&COUNT),
        };
        let parser = function(PARSER).state(&COUNT);
        let parser = if self == Self::Panics { parser.on(panic) } else { parser.on(tell) };
        let hangs = match self {
            Self::HangsAtFirst => HANGS,
            Self::Hangs => usize::MAX,
            _ => 0,
        };
        let sleeps = if self == Self::Hangs { usize::MAX } else { 0 };
        let registry = Registry::builder()
            .function(forwarder)
            .function(function(TELLER).on(tell).state(&COUNT))
            .function(counter)
            .function(parser)
            .function(hanging(CALLER).on(Hang::call).with(Hang::times(hangs)).state(&COUNT).emits(EGRESS))
            .function(hanging(SLEEPER).on(Hang::sleep).with(Hang::times(sleeps)).state(&COUNT).emits(EGRESS));
        Ok(registry.build()?)
    }
}

fn function(name: TypeName) -> Function {
    let letters = DeadLetter::new(EGRESS, Destination::kafka(DEAD_LETTERS));
    Function::new(name).emits(EGRESS).on_failure(FailurePolicy::DeadLetter(letters))
}

fn hanging(name: TypeName) -> Function<Hang> {
    Function::new(name)
}

async fn tell(context: &mut Context, order: Order) -> Result<(), FunctionError> {
    let count = context.update(&COUNT, |count| {
        *count += 1;
        *count
    })?;
    emit(context, &order, count)
}

fn emit(context: &mut Context, order: &Order, count: i64) -> Result<(), FunctionError> {
    let address = context.self_address();
    let function = format!("{}/{}", address.namespace(), address.name());
    let record = KafkaRecord::topic(TOLD).key(context.self_id());
    context.emit(EGRESS, record.value_as(Json(Told { function, number: order.number, count })))
}

async fn forward(context: &mut Context, order: Order) -> Result<(), FunctionError> {
    let teller = TELLER.with_id(context.self_id());
    tell(context, order.clone()).await?;
    context.send(teller, order)
}

/// Emits before it fails: nothing of it may leave.
async fn count_as_text(context: &mut Context, order: Order) -> Result<(), FunctionError> {
    emit(context, &order, 0)?;
    let length = context.update(&COUNT_AS_TEXT, |count| {
        count.push('|');
        count.len()
    })?;
    emit(context, &order, i64::try_from(length).unwrap_or(0))
}

async fn panic(context: &mut Context, order: Order) -> Result<(), FunctionError> {
    tell(context, order).await?;
    panic!("this release panics at every message");
}

/// Hangs at so many orders that say so.
struct Hang {
    times: usize,
    begun: AtomicUsize,
}

impl Hang {
    fn times(times: usize) -> Self {
        Self { times, begun: AtomicUsize::new(0) }
    }

    fn hangs(&self, order: &Order) -> bool {
        order.hang && self.begun.fetch_add(1, Ordering::Relaxed) < self.times
    }

    async fn call(&self, context: &mut Context, order: Order) -> Result<(), FunctionError> {
        if self.hangs(&order) {
            match self.times {
                usize::MAX => std::future::pending().await,
                _ => tokio::time::sleep(SLOW).await,
            }
        }
        tell(context, order).await
    }

    async fn sleep(&self, context: &mut Context, order: Order) -> Result<(), FunctionError> {
        if self.hangs(&order) {
            loop {
                thread::park();
            }
        }
        tell(context, order).await
    }
}
