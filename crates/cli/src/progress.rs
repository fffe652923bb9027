//! Reports the progress of sending on standard error.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use statefun_sdk::Escaped;

use crate::sink::Deliveries;

/// The interval between progress lines without a terminal.
const EVERY: Duration = Duration::from_secs(5);

/// A progress bar on a terminal, otherwise a line at intervals.
pub struct Progress {
    bar: ProgressBar,
    size: Option<u64>,
    reported: Instant,
    deliveries: Deliveries,
}

impl Progress {
    /// Starts to report the progress of `size` bytes of lines, or of an unknown size.
    pub fn new(size: Option<u64>, deliveries: Deliveries) -> Self {
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "{bar:40} {percent:>3}% {msg}, {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        let style = ProgressStyle::with_template(template);
        let bar = style.map(|style| bar.clone().with_style(style)).unwrap_or(bar);
        Self { bar, size, reported: Instant::now(), deliveries }
    }

    /// Updates the numbers of bytes read and records sent.
    pub fn update(&mut self, read: u64, sent: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_position(read);
            self.bar.set_message(format!("{sent} sent, {} confirmed", self.deliveries.confirmed()));
        } else if self.reported.elapsed() >= EVERY {
            self.reported = Instant::now();
            let confirmed = self.deliveries.confirmed();
            match self.size {
                Some(size) => eprintln!("{sent} sent, {confirmed} confirmed, {read} of {size} bytes read"),
                None => eprintln!("{sent} sent, {confirmed} confirmed"),
            }
        }
    }

    /// Prints a line without disturbing the progress bar.
    pub fn println(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{}", Escaped(text)));
    }

    /// Removes the progress bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
