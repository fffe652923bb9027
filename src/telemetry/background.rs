use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use metrics::counter;
use tracing_subscriber::fmt::MakeWriter;

/// How many bytes of lines may wait to be written: some ten thousand lines.
const LIMIT: usize = 2 * 1024 * 1024;

/// How long the end of the process waits for lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A non-blocking writer: a background thread writes the lines to standard error. Lines that do not fit into the buffer are
/// dropped and counted by the metric `statefun_log_lines_dropped_total`.
///
/// `tracing-appender` would do most of this, but its guard prints to standard error on drop, which can block the exit
/// indefinitely.
#[derive(Clone)]
pub(super) struct Background(Arc<Shared>);

struct Shared {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Default)]
struct Lines {
    waiting: Vec<u8>,
    is_writing: bool,
    dropped: u64,
}

impl Background {
    /// Starts the thread.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { lines: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        thread::Builder::new().name("statefun-log".to_owned()).spawn(move || theirs.write_all(output))?;
        Ok(Self(shared))
    }

    /// Waits until all lines are written, for a second at most.
    pub(super) fn flush(&self) {
        let unwritten = |lines: &mut Lines| lines.is_writing || !lines.waiting.is_empty();
        drop(self.0.changed.wait_timeout_while(self.0.lock(), FLUSH_TIMEOUT, unwritten));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut output: impl Write) {
        let mut taken = Vec::new();
        loop {
            let lines = self.changed.wait_while(self.lock(), |lines| lines.waiting.is_empty());
            let mut lines = lines.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut taken, &mut lines.waiting);
            lines.is_writing = true;
            publish(lines.dropped);
            drop(lines);
            // A closed standard error cannot be reported anywhere.
            let _ = output.write_all(&taken);
            taken.clear();
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }
}

/// The counter is looked up each time, as the recorder is installed later than the log.
fn publish(dropped: u64) {
    counter!("statefun_log_lines_dropped_total").absolute(dropped);
}

impl Write for &Background {
    /// Takes a whole line, or drops it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock();
        if lines.waiting.len() + line.len() <= LIMIT {
            lines.waiting.extend_from_slice(line);
        } else {
            lines.dropped += 1;
            publish(lines.dropped);
        }
        drop(lines);
        self.0.changed.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Background {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}
