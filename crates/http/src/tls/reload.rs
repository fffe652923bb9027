use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge, counter, gauge};
use rustls::ServerConfig;
use tracing::{error, info, warn};

use super::files::{Contents, Loaded};
use crate::{ServeError, TlsFiles};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before its expiry a certificate is warned of. Whoever renews by machine does so earlier.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How often the same failed reload is logged.
const FAILURE_LOG_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The configuration of new connections.
pub(super) type Current = Arc<RwLock<Arc<ServerConfig>>>;

/// Keeps a configuration in step with its files, on a thread of its own as files are read by blocking.
///
/// It compares contents rather than waiting for notifications: Kubernetes replaces a mounted secret by a symbolic link of a folder
/// above the files, and network file systems notify of nothing.
pub(super) struct Reloader {
    files: TlsFiles,
    config: Current,
    /// The contents of the configuration.
    fingerprint: u64,
    expiry: Option<SystemTime>,
    /// When the expiry is looked at next.
    expiry_due: Instant,
    /// The contents of the last failure, if they could be read, and when it was logged.
    failure: Option<(Option<u64>, Instant)>,
    expiry_timestamp: Gauge,
    reloaded: Counter,
    failed: Counter,
}

impl Reloader {
    /// Reads the files for the first time.
    pub(super) fn new(files: TlsFiles) -> Result<(Self, Current), ServeError> {
        let contents = Contents::read(&files)?;
        let Loaded { config, expiry } = contents.load(&files)?;
        let config = Arc::new(RwLock::new(config));
        let mut reloader = Self {
            fingerprint: contents.fingerprint(),
            files,
            config: Arc::clone(&config),
            expiry,
            expiry_due: Instant::now(),
            failure: None,
            expiry_timestamp: gauge!("statefun_tls_certificate_expiry_timestamp_seconds"),
            reloaded: counter!("statefun_tls_reloads_total", "result" => "success"),
            failed: counter!("statefun_tls_reloads_total", "result" => "failure"),
        };
        reloader.tell_expiry();
        Ok((reloader, config))
    }

    /// Looks at the files at every interval, and when asked, until all senders are dropped.
    pub(super) fn run(mut self, asked: &Receiver<()>) {
        loop {
            let forced = match asked.recv_timeout(self.files.reload_interval) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.reload(forced);
            if Instant::now() >= self.expiry_due {
                self.tell_expiry();
            }
        }
    }

    /// Takes what the files hold if it has changed, or if it is forced. What cannot be used leaves the configuration as it is: a
    /// secret that is being written is complete the next time.
    fn reload(&mut self, forced: bool) {
        let contents = match Contents::read(&self.files) {
            Ok(contents) => contents,
            Err(error) => return self.failed(None, &error),
        };
        let fingerprint = contents.fingerprint();
        if fingerprint == self.fingerprint && !forced {
            self.failure = None;
            return;
        }
        match contents.load(&self.files) {
            Ok(Loaded { config, expiry }) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                (self.fingerprint, self.expiry, self.failure) = (fingerprint, expiry, None);
                self.reloaded.increment(1);
                info!(cert = %self.files.cert.display(), "TLS certificate reloaded");
                self.tell_expiry();
            }
            Err(error) => self.failed(Some(fingerprint), &error),
        }
    }

    fn failed(&mut self, fingerprint: Option<u64>, error: &ServeError) {
        self.failed.increment(1);
        let logged = matches!(self.failure, Some((of, at)) if of == fingerprint && at.elapsed() < FAILURE_LOG_INTERVAL);
        if !logged {
            warn!(%error, "TLS files cannot be reloaded: the last certificate stays in use");
            self.failure = Some((fingerprint, Instant::now()));
        }
    }

    /// Sets the gauge, and logs a certificate that has expired or soon will.
    fn tell_expiry(&mut self) {
        self.expiry_due = Instant::now() + DAY;
        // One that is unknown is not the last one's.
        let timestamp = self.expiry.and_then(|expiry| expiry.duration_since(UNIX_EPOCH).ok());
        self.expiry_timestamp.set(timestamp.map_or(f64::NAN, |expiry| expiry.as_secs_f64()));
        let cert = self.files.cert.display();
        match self.expiry.map(|expiry| expiry.duration_since(SystemTime::now())) {
            Some(Err(_)) => error!(%cert, "TLS certificate has expired: clients will not connect"),
            Some(Ok(left)) if left < WARN_BEFORE => {
                warn!(%cert, days = left.as_secs() / DAY.as_secs(), "TLS certificate expires soon");
            }
            _ => {}
        }
    }
}
