//! HTTPS of the running program.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use statefun_test_support::process::wait_until;
use tempfile::TempDir;

use crate::logs::Program;
use crate::server::Server;

/// Writes a new certificate and its key.
fn write_certificate(folder: &Path) {
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).expect("written");
    std::fs::write(folder.join("tls.crt"), certificate.pem()).expect("written");
}

#[test]
fn sighup_reloads_the_certificate() {
    const RELOADS: &str = "statefun_tls_reloads_total{result=\"success\"} ";
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    write_certificate(folder.path());
    let mut server = Server::start(&["--tls-cert", &path("tls.crt"), "--tls-key", &path("tls.key")]);
    let port = server.url.rsplit_once(':').expect("a port").1;
    server.url = format!("https://localhost:{port}");
    // Only what is served with the certificate in the file is accepted.
    let get = |path_of_url: &str| server.curl(path_of_url, &["--cacert", &path("tls.crt")]);
    assert_eq!(get("/healthz").status, 200);

    // Without a change of the files only a signal reloads them.
    server.hang_up();
    wait_until("the certificate is reloaded", || {
        let metrics = get("/metrics");
        let line = metrics.text().lines().find_map(|line| line.strip_prefix(RELOADS)).expect("the counter").to_owned();
        (line == "1").then_some(())
    });
    write_certificate(folder.path());
    server.hang_up();
    wait_until("the changed certificate is served", || {
        server.try_curl("/healthz", &["--cacert", &path("tls.crt")]).map(|answer| assert_eq!(answer.status, 200))
    });
    server.terminate();
    assert!(server.ended().success());
}

#[test]
fn a_failed_handshake_is_logged_with_its_peer_at_debug() {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    write_certificate(folder.path());
    let mut server =
        Program::server(&["--log", "debug", "--tls-cert", &path("tls.crt"), "--tls-key", &path("tls.key")]);
    let lines = server.read();
    let mut stream = TcpStream::connect(server.address()).expect("connects");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").expect("sent");
    // What it is told before the connection ends is an alert.
    stream.read_to_end(&mut Vec::new()).expect("closed");
    let peer = format!("peer={}", stream.local_addr().expect("an address"));
    assert!(server.terminated().success());
    let lines: Vec<_> =
        lines.join().expect("read").iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let line = lines.iter().find(|line| line.contains(&peer)).unwrap_or_else(|| panic!("no {peer} in {lines:#?}"));
    assert!(line.contains("DEBUG") && line.contains("cause=\"not_tls\""), "{line}");
}
