//! Events through the real server, with the embedded runtime in the cluster's place.
//!
//! | module | what lives there |
//! |---|---|
//! | `app` | what the demo knows of an application; each is one file that says it |
//! | `product_cart`, `shopping_cart`, `fraud` | the applications |
//! | `events` | the lines of a file: events and directives |
//! | `narrator` | what is told on standard error |
//! | `output` | what is printed on standard output |

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
use app::{App, AppName, MadeUp};
use events::{Events, Line};
use narrator::Narrator;

/// What to feed, and how.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// What to show
    #[arg(long, env = "STATEFUN_APP", value_name = "APP", default_value = "product-cart")]
    app: AppName,
    /// Feed the lines of this file instead of the application's own events
    ///
    /// For product-cart a line is a CloudEvent in JSON; one that is not goes in as it is, and becomes a dead letter. For
    /// shopping-cart it is {"type":"add-to-cart","user":…,"item_id":…,"quantity":…} or
    /// {"type":"restock","item_id":…,"quantity":…}, and an item is out of stock until it is restocked. For fraud it is
    /// {"type":"transaction","id":…,"account":…,"timestamp":…,"merchant":…,"amount":…},
    /// {"type":"confirm-fraud","account":…} or {"type":"custom-threshold","account":…,"threshold":…}. Empty lines are left
    /// out. Lines of type test.comment are comments; test.delay (data: milliseconds) waits once, and
    /// test.delay-between-events before every later event.
    #[arg(long, env = "STATEFUN_EVENTS", value_name = "FILE")]
    events: Option<PathBuf>,
    #[command(flatten)]
    made_up: MadeUp,
    /// What waiting is
    #[arg(long, env = "STATEFUN_CLOCK", value_name = "CLOCK", default_value = "virtual")]
    clock: Clock,
}

/// What waiting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Clock {
    /// Time jumps to where it is waited for
    Virtual,
    /// Time passes
    Real,
}

/// Runs the demo to its end.
///
/// # Errors
/// When the events cannot be read, or the server gives an answer that a cluster would not take.
pub async fn run(args: DemoArgs) -> Result<(), BoxError> {
    let app = args.app.app(&args.made_up)?;
    let mut events = match &args.events {
        Some(path) => Events::open(path).await?,
        None => Events::of(app.events())?,
    };
    let mut settings = Settings::default();
    app.configure(&mut settings);
    let functions = functions::all(&Destinations::default(), &settings);
    let registry = Arc::new(Registry::builder().functions(functions).build()?);

    let options = Options { listen: ([127, 0, 0, 1], 0).into(), drain_delay: Duration::ZERO, ..Options::default() };
    let server = Server::bind(registry.clone(), options)?;
    let url = format!("http://{}/statefun", server.local_addr());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));

    let narrator = Narrator::new(&url, events.size());
    let exchanges = narrator.clone();
    let mut runtime = LocalRuntime::new(HttpTransport::new(&url)?, &registry)
        .on_exchange(move |exchange| exchanges.exchange(exchange));
    let fed = feed(&*app, &mut events, &mut runtime, &narrator, args.clock).await;
    narrator.end(fed.is_ok());
    drop(stop);
    server.await??;
    fed
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
            narrator.undisturbed(|| output::print(line))?;
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
