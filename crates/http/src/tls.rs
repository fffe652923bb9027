use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, crypto::ring};

use crate::{ServeError, Tls, TlsFiles};

/// The configuration, from files if need be.
pub(crate) fn configuration(tls: &Tls) -> Result<Arc<ServerConfig>, ServeError> {
    match tls {
        Tls::Files(files) => from_files(files),
        Tls::Config(config) => Ok(Arc::clone(config)),
    }
}

/// Reads the files and makes a configuration for HTTP/1.1 of them.
fn from_files(files: &TlsFiles) -> Result<Arc<ServerConfig>, ServeError> {
    let unusable = |error: rustls::Error| ServeError::Tls(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match &files.client_ca {
        Some(path) => builder.with_client_cert_verifier(client_verifier(path)?),
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| pem(&files.key, error))?;
    let mut config = builder.with_single_cert(certificates(&files.cert)?, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn client_verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, ServeError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| pem(path, error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| ServeError::Tls(error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match certificates.map_err(|error| pem(path, error))? {
        none if none.is_empty() => Err(pem(path, "it holds no certificate")),
        some => Ok(some),
    }
}

fn pem(path: &Path, reason: impl ToString) -> ServeError {
    ServeError::Pem { path: path.to_owned(), reason: reason.to_string() }
}
