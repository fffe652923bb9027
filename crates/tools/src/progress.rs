//! How far the sending has come, on standard error.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::sink::Deliveries;

/// How often a line tells it where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// A bar on a terminal, a line now and then elsewhere.
pub struct Progress {
    bar: ProgressBar,
    size: Option<u64>,
    told: Instant,
    deliveries: Deliveries,
}

impl Progress {
    /// Begins to tell of `size` bytes of lines, or of as many as come.
    pub fn new(size: Option<u64>, deliveries: Deliveries) -> Self {
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "{bar:40} {percent:>3}% {msg}, {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        let style = ProgressStyle::with_template(template);
        let bar = style.map(|style| bar.clone().with_style(style)).unwrap_or(bar);
        Self { bar, size, told: Instant::now(), deliveries }
    }

    /// Tells how many bytes were read and how many records sent.
    pub fn tell(&mut self, read: u64, sent: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_position(read);
            self.bar.set_message(format!("{sent} sent, {} confirmed", self.deliveries.confirmed()));
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let confirmed = self.deliveries.confirmed();
            match self.size {
                Some(size) => eprintln!("{sent} sent, {confirmed} confirmed, {read} of {size} bytes read"),
                None => eprintln!("{sent} sent, {confirmed} confirmed"),
            }
        }
    }

    /// Says a line of its own.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
