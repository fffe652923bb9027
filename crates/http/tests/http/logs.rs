//! What is logged of requests that fail, and what never is.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use statefun_http::{Options, router};
use statefun_sdk::{Context, Function, FunctionError, Message};
use tower::ServiceExt;
use tracing_subscriber::fmt;

use crate::support::{batch, registry};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The line that holds `part`.
    pub(crate) fn line(&self, part: &str) -> String {
        let text = self.text();
        text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in {text}")).to_owned()
    }
}

#[tokio::test]
async fn failures_are_logged_with_where_and_why_but_not_the_payload() {
    async fn fail(_: &mut Context, message: Message) -> Result<(), FunctionError> {
        match message.type_name() {
            "demo/retry" => Err(FunctionError::transient("the database is down")),
            "demo/poison" => Err(FunctionError::poison("no such product")),
            _ => Ok(()),
        }
    }
    let log = Log::default();
    let writer = log.clone();
    // The router runs on this test's thread, which a server would not.
    let subscriber = fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let routes = router(registry([Function::new("logs/failing").fallback(fail)]), &Options::default());
    let post = async |body: Vec<u8>| {
        let request = Request::post("/statefun").body(Body::from(body)).unwrap();
        routes.clone().oneshot(request).await.unwrap().status()
    };
    let request = |typename| batch("logs/failing", &[("demo/fine", b"secret"), (typename, b"secret")]);
    assert_eq!(post(request("demo/retry")).await, 503);
    assert_eq!(post(request("demo/poison")).await, 500);
    assert_eq!(post(b"secret \xff\xff".to_vec()).await, 400);

    let retry = log.line("the database is down");
    assert!(retry.contains(" WARN "), "{retry}");
    let poison = log.line("no such product");
    assert!(poison.contains("ERROR "), "{poison}");
    for part in ["logs/failing", "id-1", "index=1", "invocations=2", "demo/poison", "failure=\"poison\""] {
        assert!(poison.contains(part), "no {part} in {poison}");
    }
    let refused = log.line("status=400");
    assert!(refused.contains(" WARN ") && refused.contains("undecodable body"), "{refused}");
    assert!(!log.text().contains("secret"));
}
