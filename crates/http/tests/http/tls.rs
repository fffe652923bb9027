//! HTTPS, with and without certificates of clients.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use statefun_http::{Options, ServeError, Server, Tls, TlsFiles};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Client, Running, batch_with_seen, counter, options, post, registry};

/// An authority and what it issued: `ca.pem`, and `NAME.pem` with `NAME.key`.
pub(crate) struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { directory, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Issues a certificate for `localhost`.
    pub(crate) fn issue(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    pub(crate) fn tls(&self, client_ca: Option<&Self>) -> TlsFiles {
        TlsFiles {
            cert: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: client_ca.map(|authority| authority.path("ca.pem")),
        }
    }

    /// Connects, with the certificate `client` of another authority where there is one.
    async fn connect(&self, server: &Running, client: Option<&Self>) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let certificate = CertificateDer::from_pem_file(authority.path("client.pem")).unwrap();
                let key = PrivateKeyDer::from_pem_file(authority.path("client.key")).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        let stream = TcpStream::connect(server.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        Ok(Client::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
    }
}

#[tokio::test]
async fn https_is_served() {
    let authority = Authority::new();
    authority.issue("server");
    let options = Options { tls: Some(Tls::Files(authority.tls(None))), ..options() };
    let server = Running::start(registry([counter("tls/plain")]), options);
    let mut client = authority.connect(&server, None).await.unwrap();
    for _ in 0..2 {
        client.send(post(&batch_with_seen("tls/plain", 1))).await;
        client.answer().await.response();
    }
}

#[tokio::test]
async fn https_is_served_with_a_configuration_of_ones_own() {
    let authority = Authority::new();
    authority.issue("server");
    let certificate = CertificateDer::from_pem_file(authority.path("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(authority.path("server.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let options = Options { tls: Some(Tls::Config(Arc::new(config))), ..options() };
    let server = Running::start(registry([counter("tls/own")]), options);
    let mut client = authority.connect(&server, None).await.unwrap();
    client.send(post(&batch_with_seen("tls/own", 1))).await;
    client.answer().await.response();
}

#[tokio::test]
async fn with_client_ca_only_its_clients_are_served() {
    let (ours, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    ours.issue("server");
    clients.issue("client");
    others.issue("client");
    let options = Options { tls: Some(Tls::Files(ours.tls(Some(&clients)))), ..options() };
    let server = Running::start(registry([counter("tls/mutual")]), options);
    let request = post(&batch_with_seen("tls/mutual", 1));
    let mut client = ours.connect(&server, Some(&clients)).await.unwrap();
    client.send(&request).await;
    client.answer().await.response();
    for stranger in [None, Some(&others)] {
        // In TLS 1.3 a client learns only from its first read that its certificate was not taken.
        if let Ok(mut client) = ours.connect(&server, stranger).await {
            assert!(client.closed().await);
        }
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    authority.issue("server");
    authority.issue("other");
    let bind = |tls| {
        Server::new(registry([counter("tls/files")]), Options { tls: Some(Tls::Files(tls)), ..options() }).unwrap_err()
    };
    let names = |error: ServeError, path: &Path| {
        assert!(matches!(error, ServeError::Pem { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    };
    let missing = authority.path("missing.pem");
    names(bind(TlsFiles { cert: missing.clone(), ..authority.tls(None) }), &missing);
    names(bind(TlsFiles { key: missing.clone(), ..authority.tls(None) }), &missing);
    names(bind(TlsFiles { client_ca: Some(missing.clone()), ..authority.tls(None) }), &missing);
    let key = authority.path("server.key");
    names(bind(TlsFiles { cert: key.clone(), ..authority.tls(None) }), &key);
    let mismatch = bind(TlsFiles { key: authority.path("other.key"), ..authority.tls(None) });
    assert!(matches!(mismatch, ServeError::Tls(_)), "{mismatch:?}");
}
