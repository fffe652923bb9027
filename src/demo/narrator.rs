use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use prost::Message as _;
use statefun_applications::demo::Event;
use statefun_sdk::Escaped;
use statefun_sdk::local::Exchange;
use statefun_sdk::protocol::reqreply::from_function::persisted_value_mutation::MutationType;
use statefun_sdk::protocol::reqreply::from_function::{InvocationResponse, Response};
use statefun_sdk::protocol::reqreply::{Address, FromFunction, ToFunction, to_function};

/// Events of more bytes than this are reported as progress, not step by step.
const MAX_TRACED_SIZE: u64 = 64 * 1024;

const EVENT: Style = AnsiColor::Cyan.on_default().bold();
const FUNCTION: Style = AnsiColor::Green.on_default();
const COMMENT: Style = Style::new().dimmed();
const RECORD: Style = AnsiColor::Yellow.on_default();

/// Traces every step on stderr, or reports the progress if there are many events.
#[derive(Clone)]
pub(super) struct Narrator {
    mode: Mode,
}

#[derive(Clone)]
enum Mode {
    Steps,
    /// A progress bar, on a terminal.
    Bar(ProgressBar),
    /// A line for each 10%, otherwise.
    Tenths {
        size: u64,
        reported: Arc<AtomicU64>,
    },
}

impl Narrator {
    /// Starts the trace of `size` bytes of events.
    pub(super) fn new(url: &str, size: u64) -> Self {
        print(format_args!("{COMMENT}Serving the functions at {url}; the embedded runtime calls them.{COMMENT:#}"));
        let mode = if size <= MAX_TRACED_SIZE {
            Mode::Steps
        } else if std::io::stderr().is_terminal() {
            let style =
                ProgressStyle::with_template("{bar:40} {percent:>3}% {bytes}/{total_bytes} of events, {eta} left");
            let bar = ProgressBar::new(size);
            Mode::Bar(style.map(|style| bar.clone().with_style(style)).unwrap_or(bar))
        } else {
            Mode::Tenths { size, reported: Arc::default() }
        };
        Self { mode }
    }

    /// Reports the number of bytes read from the events.
    pub(super) fn position(&self, read: u64) {
        match &self.mode {
            Mode::Steps => {}
            Mode::Bar(bar) => bar.set_position(read),
            Mode::Tenths { size, reported } => {
                let tenth = read.saturating_mul(10) / size;
                if reported.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    print(format_args!("{}% of {size} bytes of events sent", tenth * 10));
                }
            }
        }
    }

    pub(super) fn comment(&self, text: &str) {
        self.step(format_args!("{COMMENT}# {}{COMMENT:#}", Escaped(text)));
    }

    pub(super) fn event(&self, event: &Event) {
        let Event { kind, id, .. } = event;
        self.step(format_args!("{EVENT}▶ {}{EVENT:#} {}", Escaped(kind), Escaped(id)));
    }

    /// Traces a function's invocation and its effects.
    pub(super) fn exchange(&self, exchange: &Exchange<'_>) {
        if !matches!(self.mode, Mode::Steps) {
            return;
        }
        let request = ToFunction::decode(exchange.request.clone()).ok().and_then(|request| request.request);
        let messages = match request {
            Some(to_function::Request::Invocation(batch)) => batch.invocations.len(),
            None => 0,
        };
        let response = FromFunction::decode(exchange.response.clone()).ok().and_then(|message| message.response);
        let Some(Response::InvocationResult(result)) = response else { return };
        let of = if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") };
        let effects = effects(&result);
        let effects = if effects.is_empty() { "no effects".to_owned() } else { effects.join(", ") };
        self.step(format_args!(
            "  {FUNCTION}{}{FUNCTION:#} {COMMENT}({of}){COMMENT:#} {effects}",
            Escaped(&exchange.target)
        ));
    }

    /// Hides the progress bar while `write` writes to the terminal.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.mode {
            Mode::Bar(bar) => bar.suspend(write),
            _ => write(),
        }
    }

    pub(super) fn finish(&self, success: bool) {
        if let Mode::Bar(bar) = &self.mode {
            bar.finish_and_clear();
        }
        if success {
            print(format_args!("{COMMENT}All events were sent.{COMMENT:#}"));
        }
    }

    fn step(&self, text: impl Display) {
        if matches!(self.mode, Mode::Steps) {
            print(text);
        }
    }
}

/// Prints a line to stderr, with colours only on a terminal and without `NO_COLOR`. Write errors are ignored, as the
/// trace is optional.
fn print(text: impl Display) {
    let mut stderr = std::io::stderr();
    let mut line = format!("{text}\n");
    if AutoStream::choice(&stderr) == ColorChoice::Never {
        line = strip_str(&line).to_string();
    }
    // One write per line: a container engine that reads both outputs through pipes could split it otherwise.
    let _ = stderr.write_all(line.as_bytes());
}

fn effects(result: &InvocationResponse) -> Vec<String> {
    let text = |name: &[u8]| Escaped(String::from_utf8_lossy(name)).to_string();
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
