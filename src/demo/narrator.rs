use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use prost::Message as _;
use statefun_sdk::local::Exchange;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, to_function};

use super::app::Event;

/// Of more events than this, in bytes, nobody reads every step.
const LONG: u64 = 64 * 1024;

const EVENT: Style = AnsiColor::Cyan.on_default().bold();
const FUNCTION: Style = AnsiColor::Green.on_default();
const COMMENT: Style = Style::new().dimmed();
const RECORD: Style = AnsiColor::Yellow.on_default();

/// Tells on standard error what happens: every step, or for many events how far it has come.
#[derive(Clone)]
pub(super) struct Narrator {
    telling: Telling,
}

#[derive(Clone)]
enum Telling {
    Steps,
    /// A bar, on a terminal.
    Bar(ProgressBar),
    /// A line each tenth, elsewhere.
    Tenths {
        size: u64,
        told: Arc<AtomicU64>,
    },
}

impl Narrator {
    /// Begins to tell of `size` bytes of events.
    pub(super) fn new(url: &str, size: u64) -> Self {
        say(format_args!("{COMMENT}The functions answer at {url}; the embedded runtime calls them.{COMMENT:#}"));
        let telling = if size <= LONG {
            Telling::Steps
        } else if std::io::stderr().is_terminal() {
            let style =
                ProgressStyle::with_template("{bar:40} {percent:>3}% {bytes}/{total_bytes} of events, {eta} left");
            let bar = ProgressBar::new(size);
            Telling::Bar(style.map(|style| bar.clone().with_style(style)).unwrap_or(bar))
        } else {
            Telling::Tenths { size, told: Arc::default() }
        };
        Self { telling }
    }

    /// How many bytes of the events have been read.
    pub(super) fn position(&self, read: u64) {
        match &self.telling {
            Telling::Steps => {}
            Telling::Bar(bar) => bar.set_position(read),
            Telling::Tenths { size, told } => {
                let tenth = read.saturating_mul(10) / size;
                if told.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    say(format_args!("{}% of {size} bytes of events fed", tenth * 10));
                }
            }
        }
    }

    pub(super) fn comment(&self, text: &str) {
        self.step(format_args!("{COMMENT}# {text}{COMMENT:#}"));
    }

    pub(super) fn event(&self, event: &Event) {
        let Event { kind, id, .. } = event;
        self.step(format_args!("{EVENT}▶ {kind}{EVENT:#} {id}"));
    }

    /// Tells which function ran and what came of it.
    pub(super) fn exchange(&self, exchange: &Exchange<'_>) {
        if !matches!(self.telling, Telling::Steps) {
            return;
        }
        let request = ToFunction::decode(exchange.request.clone()).ok().and_then(|request| request.request);
        let messages = match request {
            Some(to_function::Request::Invocation(batch)) => batch.invocations.len(),
            None => 0,
        };
        let reply = FromFunction::decode(exchange.reply.clone()).ok().and_then(|reply| reply.response);
        let Some(Response::InvocationResult(result)) = reply else { return };
        let of = if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") };
        let effects = effects(&result);
        let effects = if effects.is_empty() { "nothing to do".to_owned() } else { effects.join(", ") };
        self.step(format_args!("  {FUNCTION}{}{FUNCTION:#} {COMMENT}({of}){COMMENT:#} {effects}", exchange.target));
    }

    /// Lets something else write to the terminal.
    pub(super) fn undisturbed<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.telling {
            Telling::Bar(bar) => bar.suspend(write),
            _ => write(),
        }
    }

    pub(super) fn end(&self, well: bool) {
        if let Telling::Bar(bar) = &self.telling {
            bar.finish_and_clear();
        }
        if well {
            say(format_args!("{COMMENT}All events were fed.{COMMENT:#}"));
        }
    }

    fn step(&self, text: impl Display) {
        if matches!(self.telling, Telling::Steps) {
            say(text);
        }
    }
}

/// Colours are for terminals, and where `NO_COLOR` is not set. That nobody reads along is no error.
fn say(text: impl Display) {
    let mut stderr = std::io::stderr();
    let mut line = format!("{text}\n");
    if AutoStream::choice(&stderr) == ColorChoice::Never {
        line = strip_str(&line).to_string();
    }
    // At once: who reads both outputs through pipes, such as an engine of containers, would cut it in two.
    let _ = stderr.write_all(line.as_bytes());
}

fn effects(result: &InvocationResponse) -> Vec<String> {
    let text = String::from_utf8_lossy;
    let address = |address: &Option<Address>| {
        let address = address.clone().unwrap_or_default();
        format!("{}/{}/{}", text(&address.namespace), text(&address.r#type), text(&address.id))
    };
    let mut effects = Vec::new();
    for mutation in &result.state_mutations {
        let verb = match mutation.mutation_type() {
            MutationType::Modify => "wrote",
            MutationType::Delete => "removed",
        };
        effects.push(format!("{verb} {}", text(&mutation.state_name)));
    }
    for message in &result.outgoing_messages {
        effects.push(format!("sent to {}", address(&message.target)));
    }
    for message in &result.delayed_invocations {
        effects.push(match message.is_cancellation_request {
            true => "cancelled a delayed message".to_owned(),
            false => format!("will send to {} in {} ms", address(&message.target), message.delay_in_ms),
        });
    }
    for message in &result.outgoing_egresses {
        let (namespace, name) = (text(&message.egress_namespace), text(&message.egress_type));
        effects.push(format!("{RECORD}emitted to {namespace}/{name}{RECORD:#}"));
    }
    effects
}
