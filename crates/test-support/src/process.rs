//! Processes that are waited for and terminated.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Long enough for a busy machine; what is waited for comes in milliseconds.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until there is a value.
///
/// # Panics
/// When there is none within [`TIMEOUT`].
pub fn wait_until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        assert!(start.elapsed() < TIMEOUT, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal such as `TERM`, by the shell's own `kill`: a machine need not have the program.
///
/// # Panics
/// When there is no such process, or no shell.
pub fn signal(process: u32, signal: &str) {
    let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status();
    assert!(kill.expect("a shell runs").success(), "no process {process}");
}

/// The URL that a server logs once it serves. The log is read to its end, so that the process never waits for a reader.
///
/// # Panics
/// When it is not logged within [`TIMEOUT`].
pub fn url_in_log(log: impl Read + Send + 'static) -> String {
    let (found, url) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some((_, url)) = line.split_once("serving at ") {
                let _ = found.send(url.split(' ').next().unwrap_or_default().to_owned());
            }
        }
    });
    url.recv_timeout(TIMEOUT).expect("the log says where the process serves")
}
