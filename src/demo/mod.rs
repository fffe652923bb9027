//! Events through the real server, with the embedded runtime in the cluster's place.
//!
//! | module | what lives there |
//! |---|---|
//! | `events` | the lines of a file: events and directives |
//! | `narrator` | what is told on standard error |
//! | `output` | what is printed on standard output |

mod events;
mod narrator;
mod output;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use statefun_http::{HttpTransport, Options, Server};
use statefun_sdk::local::LocalRuntime;
use statefun_sdk::{BoxError, Registry, Typed, TypedValue};
use tokio::sync::oneshot;

use crate::functions::product_cart::{self, CloudEvent, ROUTER};
use crate::functions::{self, Destinations, Settings};
use events::{Events, Line};
use narrator::Narrator;

/// What to feed, and how.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Feed the lines of this file instead of the project's own events
    ///
    /// A line is a CloudEvent in JSON; one that is not goes in as it is, and becomes a dead letter. Empty lines are left
    /// out. Lines of type test.comment are comments; test.delay (data: milliseconds) waits once, and
    /// test.delay-between-events before every later event.
    #[arg(long, env = "STATEFUN_EVENTS", value_name = "FILE")]
    events: Option<PathBuf>,
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
    let mut events = Events::open(args.events.as_deref()).await?;
    let registry = Arc::new(
        Registry::builder().functions(functions::all(&Destinations::default(), &Settings::default())).build()?,
    );

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
    let fed = feed(&mut events, &mut runtime, &narrator, args.clock).await;
    narrator.end(fed.is_ok());
    drop(stop);
    server.await??;
    fed
}

async fn feed(
    events: &mut Events,
    runtime: &mut LocalRuntime<HttpTransport>,
    narrator: &Narrator,
    clock: Clock,
) -> Result<(), BoxError> {
    let mut between = Duration::ZERO;
    while let Some((line, position)) = events.next().await? {
        narrator.position(position);
        match line {
            Line::Comment(text) => narrator.comment(&text),
            Line::Delay(delay) => wait(runtime, delay, clock).await?,
            Line::DelayBetweenEvents(delay) => between = delay,
            Line::Event(event) => {
                wait(runtime, between, clock).await?;
                narrator.event(&event);
                let key = product_cart::record_key(&event).unwrap_or_default();
                runtime.send(ROUTER.with_id(key), TypedValue::raw(CloudEvent::TYPE_NAME.as_str(), event))?;
                runtime.run().await?;
            }
        }
        for emitted in runtime.take_emitted() {
            narrator.undisturbed(|| output::print(&emitted))?;
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
