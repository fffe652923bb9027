//! Sends events through the real server, with the embedded runtime in place of a cluster.
//!
//! | module | contents |
//! |---|---|
//! | `narrator` | traces every step on stderr |
//! | `output` | prints the emitted records on stdout |

mod narrator;
mod output;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, ValueEnum};
use statefun_applications::demo::Demo;
use statefun_applications::{Application, Destinations, Settings, all, applications};
use statefun_dev::{Directive, Line, Lines, escape_controls};
use statefun_http::{HttpTransport, Options, Server};
use statefun_sdk::local::LocalRuntime;
use statefun_sdk::{BoxError, Registry};
use tokio::sync::oneshot;

use narrator::Narrator;

/// Which events to send, and how.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The application to run
    #[arg(long, env = "STATEFUN_APP", value_name = "APP", default_value = "product-cart", value_parser = names())]
    app: String,
    /// Send the lines of this file instead of the application's own events
    #[arg(long, env = "STATEFUN_EVENTS", value_name = "FILE", long_help = events_help())]
    events: Option<PathBuf>,
    /// How delays are handled
    #[arg(long, env = "STATEFUN_CLOCK", value_name = "CLOCK", default_value = "virtual")]
    clock: Clock,
    #[command(flatten)]
    applications: DemoOptions,
}

fn names() -> PossibleValuesParser {
    applications().iter().map(|one| PossibleValue::new(one.name()).help(one.about())).collect::<Vec<_>>().into()
}

fn events_help() -> String {
    let mut help = "Send the lines of this file instead of the application's own events\n\nA line is, for\n".to_owned();
    for application in applications() {
        help += &format!("- {}: {}\n", application.name(), application.events());
    }
    help + "Empty lines are skipped. Lines of type test.comment are comments; test.delay (data: milliseconds) waits \
            once, and test.delay-between-events waits before every later event; test.keys is for `statefun send`."
}

/// The options of each application's demo.
#[derive(Debug, Clone)]
struct DemoOptions(ArgMatches);

impl Args for DemoOptions {
    fn augment_args(command: Command) -> Command {
        applications().iter().fold(command, |command, application| {
            application.demo().augment(command).next_help_heading(None::<&'static str>)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DemoOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl DemoOptions {
    /// The demo of this application.
    ///
    /// # Errors
    /// When an option of another application's demo is on the command line, or one of its own where the events are others'.
    fn demo(&self, name: &str, own_events: bool) -> Result<Box<dyn Demo>, BoxError> {
        let (this, others): (Vec<_>, Vec<_>) = applications().iter().partition(|one| one.name() == name);
        if let Some((option, other)) = others.into_iter().find_map(|other| Some((self.given(other)?, other))) {
            return Err(format!("--{option}: an option of --app {} only", other.name()).into());
        }
        let [this] = this[..] else { return Err(format!("no application {name}").into()) };
        if let (Some(option), false) = (self.given(this), own_events) {
            return Err(format!("--{option}: about the application's own events, not those of --events").into());
        }
        this.demo().demo(&self.0)
    }

    /// The first option of this application's demo that is on the command line. An environment may be that of several programs.
    fn given(&self, application: &Application) -> Option<String> {
        let options = application.demo().augment(Command::new(""));
        let mut given = options
            .get_arguments()
            .filter(|option| self.0.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine));
        given.find_map(|option| option.get_long()).map(str::to_owned)
    }
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
    let app = args.applications.demo(&args.app, args.events.is_none())?;
    let mut events = match &args.events {
        Some(path) => Lines::open(path).await.map_err(|error| format!("--events {error}"))?,
        None => Lines::of("the demo's own events", app.events()),
    };
    let mut settings = Settings::default();
    app.configure(&mut settings);
    let functions = all(&Destinations::default(), &settings);
    let registry = Arc::new(Registry::builder().functions(functions).build()?);

    let options = Options { listen: ([127, 0, 0, 1], 0).into(), drain_delay: Duration::ZERO, ..Options::default() };
    let server = Server::new(registry.clone(), options)?.bind()?;
    let url = format!("http://{}/statefun", server.local_addr());
    let (shutdown, shutdown_signal) = oneshot::channel::<()>();
    let server = tokio::spawn(server.run(async {
        let _ = shutdown_signal.await;
    }));

    let narrator = Narrator::new(&url, events.size().unwrap_or_default());
    let exchanges = narrator.clone();
    let mut runtime = LocalRuntime::new(HttpTransport::new(&url)?, &registry)
        .on_exchange(move |exchange| exchanges.exchange(exchange));
    let result = feed(&*app, &mut events, &mut runtime, &narrator, args.clock).await;
    let result = match args.events {
        Some(_) => result.map_err(|error| format!("--events {error}").into()),
        None => result,
    };
    narrator.finish(result.is_ok());
    drop(shutdown);
    server.await??;
    result
}

async fn feed(
    app: &dyn Demo,
    events: &mut Lines,
    runtime: &mut LocalRuntime<HttpTransport>,
    narrator: &Narrator,
    clock: Clock,
) -> Result<(), BoxError> {
    let mut between = Duration::ZERO;
    let name = events.name().to_owned();
    while let Some(Line { number, text }) = events.next().await? {
        let at = |problem: &dyn Display| format!("{name}, line {number}: {problem}");
        narrator.position(events.read());
        let json = serde_json::from_slice(&text).ok();
        match json.as_ref().map(Directive::of).transpose().map_err(|error| at(&error))?.flatten() {
            Some(Directive::Comment(text)) => narrator.comment(&text),
            Some(Directive::Delay(delay)) => wait(runtime, delay, clock).await?,
            Some(Directive::DelayBetweenEvents(delay)) => between = delay,
            // The application knows its keys.
            Some(Directive::Keys(_)) => {}
            None => {
                let event = app.event(text.into()).map_err(|error| at(&error))?;
                wait(runtime, between, clock).await?;
                narrator.event(&event);
                runtime.send(event.target, event.message)?;
                runtime.run().await?;
            }
        }
        for emitted in runtime.take_emitted() {
            let line = escape_controls(app.line(&emitted)?);
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
