use std::io;

use metrics::{Counter, counter};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// Why a handshake failed: a bounded set, as each is a series of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Timeout,
    NoClientCertificate,
    UnknownCa,
    ExpiredCertificate,
    RejectedByClient,
    ProtocolVersion,
    NotTls,
    Io,
    Other,
}

const CAUSES: [Cause; 9] = [
    Cause::Timeout,
    Cause::NoClientCertificate,
    Cause::UnknownCa,
    Cause::ExpiredCertificate,
    Cause::RejectedByClient,
    Cause::ProtocolVersion,
    Cause::NotTls,
    Cause::Io,
    Cause::Other,
];

impl Cause {
    /// The cause of an error of the acceptor.
    pub(super) fn of(error: &io::Error) -> Self {
        let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<Error>()) else { return Self::Io };
        match error {
            Error::NoCertificatesPresented => Self::NoClientCertificate,
            // The latter is an authority with the name of a known one, such as that before its key was replaced.
            Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                Self::UnknownCa
            }
            Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                Self::ExpiredCertificate
            }
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::Tls13RequiredForQuic,
            )
            | Error::AlertReceived(AlertDescription::ProtocolVersion) => Self::ProtocolVersion,
            // What it sends of the server's certificate.
            Error::AlertReceived(
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::DecryptError,
            ) => Self::RejectedByClient,
            // The first bytes of another protocol do not even make a record.
            Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
                Self::NotTls
            }
            _ => Self::Other,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::NoClientCertificate => "no_client_certificate",
            Self::UnknownCa => "unknown_ca",
            Self::ExpiredCertificate => "expired_certificate",
            Self::RejectedByClient => "rejected_by_client",
            Self::ProtocolVersion => "protocol_version",
            Self::NotTls => "not_tls",
            Self::Io => "io",
            Self::Other => "other",
        }
    }
}

/// The counters of failed handshakes.
pub(super) struct HandshakeFailures([Counter; CAUSES.len()]);

impl HandshakeFailures {
    pub(super) fn new() -> Self {
        Self(CAUSES.map(|cause| counter!("statefun_tls_handshake_failures_total", "cause" => cause.as_str())))
    }

    pub(super) fn count(&self, cause: Cause) {
        for (of, counter) in CAUSES.iter().zip(&self.0) {
            counter.increment(u64::from(*of == cause));
        }
    }
}
