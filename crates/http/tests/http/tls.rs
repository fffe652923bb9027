//! HTTPS, with and without certificates of clients.

#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use statefun_http::{Options, ServeError, Server, Tls, TlsFiles};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::logs::Log;
use crate::support::{
    Client, Network, Recorded, Running, batch_with_seen, counter, options, post, registry, until, within,
};

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
        self.issue_until(name, SystemTime::now() + Duration::from_secs(60 * DAY));
    }

    /// As [`issue`](Self::issue), with the time when it expires.
    fn issue_until(&self, name: &str, expiry: SystemTime) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = expiry.into();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    pub(crate) fn tls(&self, client_ca: Option<&Self>) -> TlsFiles {
        TlsFiles {
            cert: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: client_ca.map(|authority| authority.path("ca.pem")),
            reload_interval: Duration::from_millis(5),
        }
    }

    /// Replaces a file at once by another, or by one of another authority.
    fn replace(&self, file: &str, by: &Path) {
        let new = self.path("new");
        std::fs::copy(by, &new).unwrap();
        std::fs::rename(new, self.path(file)).unwrap();
    }

    fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).unwrap()
    }

    /// Connects, with the certificate `client` of another authority where there is one.
    async fn connect(&self, server: &Running, client: Option<&Self>) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        connect(server, self.client(client)).await
    }

    /// A client that trusts this authority, with the certificate `client` of another authority where there is one.
    fn client(&self, client: Option<&Self>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("ca")).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let certificate = authority.certificate("client");
                let key = PrivateKeyDer::from_pem_file(authority.path("client.key")).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        Arc::new(config)
    }
}

const DAY: u64 = 24 * 60 * 60;
const RELOADED: &str = r#"statefun_tls_reloads_total{result="success"}"#;
const NOT_RELOADED: &str = r#"statefun_tls_reloads_total{result="failure"}"#;
const EXPIRY: &str = "statefun_tls_certificate_expiry_timestamp_seconds";

async fn handshake(server: &Running, config: Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    within(TlsConnector::from(config).connect(name, stream)).await
}

async fn connect(server: &Running, config: Arc<ClientConfig>) -> std::io::Result<Client<TlsStream<TcpStream>>> {
    Ok(Client::new(handshake(server, config).await?))
}

/// Whether a request over a new connection is answered: in TLS 1.3 a client learns only from its first read that its certificate
/// was not accepted.
async fn is_served(server: &Running, config: Arc<ClientConfig>) -> bool {
    let Ok(mut client) = connect(server, config).await else { return false };
    client.try_request("GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n").await
}

/// The certificate that a new connection sees.
async fn seen(server: &Running, config: &Arc<ClientConfig>) -> CertificateDer<'static> {
    let stream = handshake(server, Arc::clone(config)).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

fn recorded(name: &'static str, files: TlsFiles) -> (Running, Recorded) {
    Running::recorded(registry([counter(name)]), Options { tls: Some(Tls::Files(files)), ..options() })
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

/// The layout of a secret that Kubernetes mounts: files are links to a folder that is itself a link, which an update replaces.
#[cfg(unix)]
struct MountedSecret<'a>(&'a Authority);

#[cfg(unix)]
impl MountedSecret<'_> {
    fn mount(&self, name: &str) {
        self.update(name);
        symlink("..data/tls.crt", self.0.path("tls.crt")).unwrap();
        symlink("..data/tls.key", self.0.path("tls.key")).unwrap();
    }

    fn update(&self, name: &str) {
        let folder = format!("..{name}");
        std::fs::create_dir(self.0.path(&folder)).unwrap();
        for (from, to) in [("pem", "tls.crt"), ("key", "tls.key")] {
            std::fs::copy(self.0.path(&format!("{name}.{from}")), self.0.path(&folder).join(to)).unwrap();
        }
        symlink(&folder, self.0.path("..data_tmp")).unwrap();
        std::fs::rename(self.0.path("..data_tmp"), self.0.path("..data")).unwrap();
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { cert: self.0.path("tls.crt"), key: self.0.path("tls.key"), ..self.0.tls(None) }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn new_connections_get_a_renewed_certificate_and_open_ones_go_on() {
    let authority = Authority::new();
    authority.issue("first");
    authority.issue_until("second", UNIX_EPOCH + Duration::from_secs(4_000_000_000));
    let secret = MountedSecret(&authority);
    secret.mount("first");
    let (server, recorded) = recorded("tls/renewed", secret.files());
    let config = authority.client(None);
    let mut open = authority.connect(&server, None).await.unwrap();
    let request = post(&batch_with_seen("tls/renewed", 1));
    open.send(&request).await;
    open.answer().await.response();
    assert_eq!(seen(&server, &config).await, authority.certificate("first"));

    secret.update("second");
    until(|| recorded.metric(RELOADED) == 1.0).await;
    assert_eq!(seen(&server, &config).await, authority.certificate("second"));
    assert_eq!(recorded.metric(EXPIRY), 4e9);
    open.send(&request).await;
    open.answer().await.response();
    assert_eq!((recorded.metric(RELOADED), recorded.metric(NOT_RELOADED)), (1.0, 0.0));
}

#[tokio::test]
async fn a_certificate_is_taken_once_its_key_is_there() {
    let authority = Authority::new();
    authority.issue("server");
    authority.issue("next");
    let first = authority.certificate("server");
    let (server, recorded) = recorded("tls/half", authority.tls(None));
    let config = authority.client(None);

    authority.replace("server.pem", &authority.path("next.pem"));
    until(|| recorded.metric(NOT_RELOADED) >= 2.0).await;
    assert_eq!(seen(&server, &config).await, first);
    // Half of a file.
    std::fs::write(authority.path("server.key"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let failures = recorded.metric(NOT_RELOADED);
    until(|| recorded.metric(NOT_RELOADED) > failures + 1.0).await;
    assert_eq!(seen(&server, &config).await, first);
    authority.replace("server.key", &authority.path("next.key"));
    until(|| recorded.metric(RELOADED) == 1.0).await;
    assert_eq!(seen(&server, &config).await, authority.certificate("next"));
}

#[tokio::test]
async fn new_connections_need_a_certificate_of_the_changed_authorities() {
    let (ours, before, after) = (Authority::new(), Authority::new(), Authority::new());
    ours.issue("server");
    before.issue("client");
    after.issue("client");
    let (server, recorded) = recorded("tls/authorities", ours.tls(Some(&before)));
    // It keeps its sessions: none may be resumed under the other authorities.
    let (old, new) = (ours.client(Some(&before)), ours.client(Some(&after)));
    let mut open = connect(&server, Arc::clone(&old)).await.unwrap();
    assert!(is_served(&server, Arc::clone(&old)).await);
    assert!(!is_served(&server, Arc::clone(&new)).await);

    before.replace("ca.pem", &after.path("ca.pem"));
    until(|| recorded.metric(RELOADED) == 1.0).await;
    assert!(is_served(&server, new).await);
    assert!(!is_served(&server, old).await);
    open.send(post(&batch_with_seen("tls/authorities", 1))).await;
    open.answer().await.response();
}

#[tokio::test]
async fn a_certificate_that_expires_is_logged_and_measured() {
    let authority = Authority::new();
    let start = |expiry| {
        authority.issue_until("server", expiry);
        let log = Log::default();
        let writer = log.clone();
        // A server logs it as it is made, which is on this thread.
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let (_server, recorded) = recorded("tls/expiry", authority.tls(None));
        (log, recorded.metric(EXPIRY))
    };
    let (log, metric) = start(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let line = log.line("expired");
    assert!(line.contains("ERROR ") && line.contains("server.pem"), "{line}");
    assert_eq!(metric, 1.7e9);
    let in_ten_days = SystemTime::now() + Duration::from_secs(10 * DAY);
    let (log, metric) = start(in_ten_days);
    let line = log.line("expires soon");
    assert!(line.contains(" WARN ") && line.contains("days=9"), "{line}");
    assert_eq!(metric, in_ten_days.duration_since(UNIX_EPOCH).unwrap().as_secs() as f64);
    let (log, _) = start(SystemTime::now() + Duration::from_secs(15 * DAY));
    assert!(!log.text().contains("expire"), "{}", log.text());
}

/// A TLS 1.1 hello, which offers one cipher suite and one signature algorithm.
fn hello_of_tls_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session; TLS_RSA_WITH_AES_128_CBC_SHA; no compression; signature_algorithms with rsa_pkcs1_sha256.
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 1]);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    record
}

#[tokio::test]
async fn failed_handshakes_are_counted_by_cause() {
    let (ours, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    ours.issue("server");
    others.issue("client");
    let (server, recorded) = recorded("tls/causes", ours.tls(Some(&clients)));
    let count = |cause: &str| recorded.metric(&format!(r#"statefun_tls_handshake_failures_total{{cause="{cause}"}}"#));
    let causes = [
        "timeout",
        "no_client_certificate",
        "unknown_ca",
        "expired_certificate",
        "rejected_by_client",
        "protocol_version",
        "not_tls",
        "io",
        "other",
    ];
    let counted = || causes.map(|cause| count(cause) as u64);
    assert_eq!(counted(), [0; 9]);

    assert!(!is_served(&server, ours.client(None)).await);
    until(|| count("no_client_certificate") == 1.0).await;
    assert!(!is_served(&server, ours.client(Some(&others))).await);
    until(|| count("unknown_ca") == 1.0).await;
    clients.issue_until("client", UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    assert!(!is_served(&server, ours.client(Some(&clients))).await);
    until(|| count("expired_certificate") == 1.0).await;
    assert!(!is_served(&server, others.client(None)).await);
    until(|| count("rejected_by_client") == 1.0).await;
    for (bytes, cause) in [
        (hello_of_tls_1_1(), "protocol_version"),
        (b"GET / HTTP/1.1\r\nhost: test\r\n\r\n".to_vec(), "not_tls"),
        (Vec::new(), "io"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        until(|| count(cause) == 1.0).await;
    }
    assert_eq!(counted(), [0, 1, 1, 1, 1, 1, 1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_cut_and_counted() {
    let authority = Authority::new();
    authority.issue("server");
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let options = Options { tls: Some(Tls::Files(authority.tls(None))), metrics: false, ..options() };
    let server = metrics::with_local_recorder(&recorder, || Server::new(registry([counter("tls/stalled")]), options));
    let (network, pipes) = Network::new();
    tokio::spawn(server.unwrap().serve(pipes, std::future::pending()));
    let mut client = network.connect(1024).await;
    client.send(&hello_of_tls_1_1()[..20]).await;
    let started = tokio::time::Instant::now();
    assert!(client.closed().await);
    assert_eq!(started.elapsed().as_secs(), 10);
    let text = recorder.handle().render();
    assert!(text.contains("statefun_tls_handshake_failures_total{cause=\"timeout\"} 1"), "{text}");
}
