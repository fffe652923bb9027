//! The process under attack.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use rcgen::CertifiedKey;
use statefun_test_support::process::signal;

use crate::client::Peer;

/// Options that an older server does not have, and what they are set to: a fifth of the 512 MiB of the chart's pod, which is the
/// default inside of it, and a time-out that is worth waiting for.
const SETTINGS: [(&str, &str); 2] = [("--memory-budget", "102MiB"), ("--drain-timeout", "5s")];
/// The address for operators.
const ADMIN: &str = "--admin-listen";

/// The program, and which options it has.
pub(crate) struct Program {
    path: PathBuf,
    /// The help of `serve`.
    help: String,
}

impl Program {
    /// # Errors
    /// When it does not run.
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let output = Command::new(path)
            .args(["serve", "--help"])
            .output()
            .with_context(|| format!("{} does not run", path.display()))?;
        Ok(Self { path: path.to_owned(), help: String::from_utf8(output.stdout)? })
    }

    fn has(&self, option: &str) -> bool {
        self.help.contains(option)
    }

    fn settings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        SETTINGS.into_iter().filter(|(option, _)| self.has(option))
    }

    /// The options of all rows, for the report.
    pub(crate) fn options(&self) -> String {
        let settings: Vec<_> = self.settings().map(|(option, value)| format!("{option} {value}")).collect();
        let admin = if self.has(ADMIN) { ADMIN } else { "no address for operators" };
        [&settings[..], &[admin.to_owned()]].concat().join(", ")
    }
}

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) options: Vec<String>,
    /// How many file descriptors it may have.
    pub(crate) descriptors: Option<u32>,
    /// Nobody reads its log once it serves.
    pub(crate) unread_log: bool,
    pub(crate) tls: bool,
}

pub(crate) struct Server {
    process: Child,
    pub(crate) peer: Peer,
    /// Where `/readyz` is.
    pub(crate) operators: Peer,
    log: Arc<Log>,
    /// The write end would be broken without it.
    _unread: Option<Box<dyn Read + Send>>,
    _files: tempfile::TempDir,
}

#[derive(Default)]
struct Log {
    bytes: AtomicU64,
    panics: AtomicU64,
}

impl Server {
    /// Starts it on a free port, and returns once it serves.
    ///
    /// # Errors
    /// When it does not serve.
    pub(crate) fn start(program: &Program, start: &Start) -> anyhow::Result<Self> {
        let files = tempfile::tempdir()?;
        let mut options: Vec<String> =
            ["serve", "--listen", "127.0.0.1:0", "--log", "info"].map(ToOwned::to_owned).into();
        let admin = if program.has(ADMIN) { Some(free_address()?) } else { None };
        if let Some(admin) = admin {
            options.extend([ADMIN.to_owned(), admin.to_string()]);
        }
        for (option, value) in program.settings() {
            options.extend([option.to_owned(), value.to_owned()]);
        }
        let mut certificate = None;
        if start.tls {
            let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
            let (cert_file, key_file) = (files.path().join("cert.pem"), files.path().join("key.pem"));
            std::fs::write(&cert_file, cert.pem())?;
            std::fs::write(&key_file, signing_key.serialize_pem())?;
            options.extend(["--tls-cert".to_owned(), cert_file.display().to_string()]);
            options.extend(["--tls-key".to_owned(), key_file.display().to_string()]);
            certificate = Some(cert.der().clone());
        }
        options.extend(start.options.iter().cloned());
        let mut command = match start.descriptors {
            // The shell becomes the program: the process id stays.
            Some(descriptors) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!(r#"ulimit -n {descriptors}; exec "$0" "$@""#)]).arg(&program.path);
                shell
            }
            None => Command::new(&program.path),
        };
        let mut process =
            command.args(options).env("NO_COLOR", "1").stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = process.stderr.take().ok_or_else(|| anyhow!("stderr is piped"))?;
        let log = Arc::new(Log::default());
        let mut lines = BufReader::new(stderr);
        let address = match serving_at(&mut lines) {
            Ok(address) => address,
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                return Err(error);
            }
        };
        let mut unread: Option<Box<dyn Read + Send>> = None;
        if start.unread_log {
            unread = Some(Box::new(lines));
        } else {
            let log = Arc::clone(&log);
            std::thread::spawn(move || log.read(lines));
        }
        let peer = match certificate {
            Some(certificate) => Peer::with_certificate(address, certificate)?,
            None => Peer::plain(address),
        };
        let operators = admin.map_or_else(|| peer.clone(), Peer::plain);
        Ok(Self { process, peer, operators, log, _unread: unread, _files: files })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The most resident memory that it had, in MiB; 0 once it has ended.
    pub(crate) fn peak_mib(&self) -> u64 {
        memory_mib(self.id(), "VmHWM:").unwrap_or_default()
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        self.log.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn panics(&self) -> u64 {
        self.log.panics.load(Ordering::Relaxed)
    }

    /// Whether it runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// How long it takes to end by SIGTERM; `None` when it has not within `bound` and was killed.
    pub(crate) fn terminate(&mut self, bound: Duration) -> Option<Duration> {
        let started = Instant::now();
        if self.runs() {
            signal(self.id(), "TERM");
        }
        self.ended(started, bound)
    }

    /// As [`terminate`](Self::terminate), for a server that was told before, at `started`.
    pub(crate) fn ended(&mut self, started: Instant, bound: Duration) -> Option<Duration> {
        while started.elapsed() < bound {
            if !self.runs() {
                return Some(started.elapsed());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Log {
    fn read(&self, mut lines: impl BufRead) {
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
            self.bytes.fetch_add(line.len() as u64, Ordering::Relaxed);
            if line.windows(6).any(|part| part == b" panic") {
                self.panics.fetch_add(1, Ordering::Relaxed);
            }
            line.clear();
        }
    }
}

/// Where the log says that the main address is.
fn serving_at(log: &mut impl BufRead) -> anyhow::Result<SocketAddr> {
    let mut all = String::new();
    loop {
        let before = all.len();
        if log.read_line(&mut all)? == 0 {
            bail!("the server ended at once: {all}");
        }
        if let Some((_, url)) = all[before..].split_once("serving at ") {
            let address = url.split_once("://").map_or(url, |(_, address)| address);
            return Ok(address.split_whitespace().next().unwrap_or_default().parse()?);
        }
    }
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A line of `/proc/ID/status` that is in kB.
pub(crate) fn memory_mib(process: u32, line: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|found| found.strip_prefix(line))?;
    value.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}
