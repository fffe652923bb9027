//! Sends events through the real server, with the embedded runtime in place of a cluster.
//!
//! | module | contents |
//! |---|---|
//! | `app` | the trait that each application implements for the demo |
//! | `product_cart`, `shopping_cart`, `fraud` | the applications |
//! | `events` | the lines of a file: events and directives |
//! | `narrator` | traces every step on stderr |
//! | `output` | prints the emitted records on stdout |

mod app;
mod events;
mod fraud;
mod narrator;
mod output;
mod product_cart;
mod shopping_cart;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use statefun_http::{HttpTransport, Options, Server};
use statefun_sdk::local::LocalRuntime;
use statefun_sdk::{BoxError, Registry};
use tokio::sync::oneshot;

use crate::functions::{self, Destinations, Settings};
use app::{App, AppName, GeneratorArgs};
use events::{Events, Line};
use narrator::Narrator;

/// Which events to send, and how.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The application to run
    #[arg(long, env = "STATEFUN_APP", value_name = "APP", default_value = "product-cart")]
    app: AppName,
    /// Send the lines of this file instead of the application's own events
    ///
    /// For product-cart a line is a CloudEvent in JSON; any other line is sent unchanged and becomes a dead letter. For
    /// shopping-cart it is {"type":"add-to-cart","user":…,"item_id":…,"quantity":…} or
    /// {"type":"restock","item_id":…,"quantity":…}, and an item is out of stock until it is restocked. For fraud it is
    /// {"type":"transaction","id":…,"account":…,"timestamp":…,"merchant":…,"amount":…},
    /// {"type":"confirm-fraud","account":…} or {"type":"custom-threshold","account":…,"threshold":…}. Empty lines are
    /// skipped. Lines of type test.comment are comments; test.delay (data: milliseconds) waits once, and
    /// test.delay-between-events waits before every later event.
    #[arg(long, env = "STATEFUN_EVENTS", value_name = "FILE")]
    events: Option<PathBuf>,
    #[command(flatten)]
    generator: GeneratorArgs,
    /// How delays are handled
    #[arg(long, env = "STATEFUN_CLOCK", value_name = "CLOCK", default_value = "virtual")]
    clock: Clock,
}

/// How delays are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Clock {
    /// Time jumps to the end of each delay
    Virtual,
    /// Delays take real time
    Real,
}

/// Runs the demo to completion.
///
/// # Errors
/// When the events cannot be read, or the server sends a response that a cluster would reject.
pub async fn run(args: DemoArgs) -> Result<(), BoxError> {
    let app = args.app.app(&args.generator)?;
    let mut events = match &args.events {
        Some(path) => Events::open(path).await?,
        None => Events::of(app.events())?,
    };
    let mut settings = Settings::default();
    app.configure(&mut settings);
    let functions = functions::all(&Destinations::default(), &settings);
    let registry = Arc::new(Registry::builder().functions(functions).build()?);

    let options = Options { listen: ([127, 0, 0, 1], 0).into(), drain_delay: Duration::ZERO, ..Options::default() };
    let server = Server::new(registry.clone(), options)?.bind()?;
    let url = format!("http://{}/statefun", server.local_addr());
    let (shutdown, shutdown_signal) = oneshot::channel::<()>();
    let server = tokio::spawn(server.run(async {
        let _ = shutdown_signal.await;
    }));

    let narrator = Narrator::new(&url, events.size());
    let exchanges = narrator.clone();
    let mut runtime = LocalRuntime::new(HttpTransport::new(&url)?, &registry)
        .on_exchange(move |exchange| exchanges.exchange(exchange));
    let result = feed(&*app, &mut events, &mut runtime, &narrator, args.clock).await;
    narrator.finish(result.is_ok());
    drop(shutdown);
    server.await??;
    result
}

async fn feed(
    app: &dyn App,
    events: &mut Events,
    runtime: &mut LocalRuntime<HttpTransport>,
    narrator: &Narrator,
    clock: Clock,
) -> Result<(), BoxError> {
    let mut between = Duration::ZERO;
    while let Some(line) = events.next().await? {
        narrator.position(events.position());
        match line {
            Line::Comment(text) => narrator.comment(&text),
            Line::Delay(delay) => wait(runtime, delay, clock).await?,
            Line::DelayBetweenEvents(delay) => between = delay,
            Line::Event(line) => {
                let event = app.event(line).map_err(|error| format!("{}: {error}", events.place()))?;
                wait(runtime, between, clock).await?;
                narrator.event(&event);
                runtime.send(event.target, event.message)?;
                runtime.run().await?;
            }
        }
        for emitted in runtime.take_emitted() {
            let line = app.line(&emitted)?;
            narrator.suspend(|| output::print(line))?;
        }
    }
    Ok(())
}

async fn wait(runtime: &mut LocalRuntime<HttpTransport>, time: Duration, clock: Clock) -> Result<(), BoxError> {
    if clock == Clock::Real {
        tokio::time::sleep(time).await;
    }
    Ok(runtime.advance(time).await?)
}
