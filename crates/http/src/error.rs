use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server cannot start, or ended early.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// A PEM file cannot be used.
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate, key and authorities do not make a TLS configuration.
    Tls(String),
    /// An I/O error of the operating system while starting or serving.
    Io(io::Error),
    /// So many requests took longer than the drain timeout: they were abandoned.
    Abandoned(usize),
    /// A second signal came while requests were still in flight: they were abandoned.
    Interrupted,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, .. } => write!(f, "cannot listen on {address}"),
            Self::Pem { path, reason } => write!(f, "cannot use the PEM file {}: {reason}", path.display()),
            Self::Tls(reason) => write!(f, "cannot serve HTTPS: {reason}"),
            Self::Io(_) => f.write_str("cannot go on serving"),
            Self::Abandoned(requests) => {
                write!(f, "requests that took longer than the drain timeout were abandoned: {requests}")
            }
            Self::Interrupted => f.write_str("ended by a second signal before all requests were finished"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } | Self::Io(source) => Some(source),
            Self::Pem { .. } | Self::Tls(_) | Self::Abandoned(_) | Self::Interrupted => None,
        }
    }
}
