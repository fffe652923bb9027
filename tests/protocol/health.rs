//! What the health check of a container learns.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::server::Server;

fn health(arguments: &[&str], listen: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statefun-server"));
    command.arg("health").args(arguments).env("STATEFUN_LISTEN", listen).output().expect("the program runs")
}

/// The error; there has to be one.
fn refusal(arguments: &[&str], listen: &str) -> String {
    let output = health(arguments, listen);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn of_a_server_that_lives() {
    let server = Server::start(&["--drain-delay", "1min"]);
    let port = server.url.rsplit_once(':').expect("a port").1;
    let everywhere = format!("0.0.0.0:{port}");
    assert!(health(&[], &everywhere).status.success());
    assert!(health(&[&format!("{}/readyz", server.url)], "127.0.0.1:1").status.success());

    server.terminate();
    statefun_test_support::process::wait_until("it is not ready", || {
        let output = health(&[&format!("{}/readyz", server.url)], "127.0.0.1:1");
        (output.status.code() == Some(1) && String::from_utf8_lossy(&output.stderr).contains("503")).then_some(())
    });
    assert!(health(&[], &everywhere).status.success(), "it lives while it drains");
}

#[test]
fn at_the_address_for_operators() {
    // A port that is free now, as the program does not tell which one it took.
    let admin = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").to_string();
    let _server = Server::start(&["--admin-listen", &admin]);
    assert!(health(&["--admin-listen", &admin], "127.0.0.1:1").status.success());
    // A certificate alone means that the connection is all that is checked.
    assert!(health(&["--admin-listen", &admin, "--tls-cert", "some.pem"], "127.0.0.1:1").status.success());
    let error = refusal(&["--admin-listen", "127.0.0.1:1", "--tls-cert", "some.pem"], &admin);
    assert!(error.contains("http://127.0.0.1:1/healthz"), "{error}");
}

#[test]
fn of_none() {
    let error = refusal(&[], "127.0.0.1:1");
    assert!(error.contains("http://127.0.0.1:1/healthz") && error.contains("refused"), "{error}");
    let error = refusal(&["https://localhost/healthz"], "127.0.0.1:1");
    assert!(error.contains("expected http://HOST:PORT/PATH"), "{error}");
}
