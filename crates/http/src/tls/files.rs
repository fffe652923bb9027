use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, crypto::ring};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::{ServeError, TlsFiles};

/// A bundle of all public authorities has some 200 KiB.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// What the files hold, all read at one time.
#[derive(Hash)]
pub(super) struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// A configuration, and when its certificate expires if that can be read.
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    pub(super) expiry: Option<SystemTime>,
}

impl Contents {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, ServeError> {
        let read = |path: &Path| read(path).map_err(|error| pem(path, error));
        Ok(Self {
            cert: read(&files.cert)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// Tells contents apart, without keeping a key in memory.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// The configuration for HTTP/1.1. It has a session cache of its own: a session that began under other authorities is not
    /// resumed.
    pub(super) fn load(&self, files: &TlsFiles) -> Result<Loaded, ServeError> {
        let unusable = |error: rustls::Error| ServeError::Tls(error.to_string());
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match files.client_ca.as_deref().zip(self.client_ca.as_deref()) {
            Some((path, contents)) => builder.with_client_cert_verifier(client_verifier(path, contents)?),
            None => builder.with_no_client_auth(),
        };
        let chain = certificates(&files.cert, &self.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| pem(&files.key, error))?;
        let expiry = chain.first().and_then(expiry);
        let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Loaded { config: Arc::new(config), expiry })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut contents)?;
    match contents.len() as u64 > LARGEST_FILE {
        true => Err(io::Error::other(format!("it has more than {LARGEST_FILE} bytes"))),
        false => Ok(contents),
    }
}

fn client_verifier(path: &Path, contents: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, ServeError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, contents)? {
        roots.add(certificate).map_err(|error| pem(path, error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| ServeError::Tls(error.to_string()))
}

fn certificates(path: &Path, contents: &[u8]) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let certificates = CertificateDer::pem_slice_iter(contents).collect::<Result<Vec<_>, _>>();
    match certificates.map_err(|error| pem(path, error))? {
        none if none.is_empty() => Err(pem(path, "it holds no certificate")),
        some => Ok(some),
    }
}

/// The end of a certificate's validity. `None` where it cannot be read: then handshakes decide.
fn expiry(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let certificate = Certificate::from_der(certificate).ok()?;
    UNIX_EPOCH.checked_add(certificate.tbs_certificate().validity().not_after.to_unix_duration())
}

fn pem(path: &Path, reason: impl ToString) -> ServeError {
    ServeError::Pem { path: path.to_owned(), reason: reason.to_string() }
}
