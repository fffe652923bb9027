//! The handler behind bare hyper: bytes in, bytes out.
//!
//! `cargo run -p statefun-examples --bin hyper`

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use statefun_examples::registry;
use statefun_sdk::{BoxError, RequestReplyHandler};
use tokio::io::{AsyncRead, AsyncWrite};

const BODY_LIMIT: usize = 64 * 1024 * 1024;

async fn respond(handler: RequestReplyHandler, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, BoxError> {
    let body = Limited::new(request.into_body(), BODY_LIMIT).collect().await?.to_bytes();
    Ok(match handler.handle(body).await {
        Ok(response) => {
            let head = Response::builder().header("content-type", "application/octet-stream");
            head.body(Full::new(response.body))?
        }
        Err(error) => Response::builder().status(error.status_code()).body(Full::from(error.to_string()))?,
    })
}

async fn serve(handler: RequestReplyHandler, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(move |request| respond(handler.clone(), request));
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        eprintln!("connection ended: {error}");
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let handler = RequestReplyHandler::new(registry()?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(handler.clone(), stream));
    }
}

#[cfg(test)]
mod tests {
    use statefun_examples::{GREETING, REQUEST};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn it_greets() {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        tokio::spawn(serve(RequestReplyHandler::new(registry().unwrap()), ours));
        let length = REQUEST.len();
        let head =
            format!("POST /statefun HTTP/1.1\r\nconnection: close\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        theirs.write_all(head.as_bytes()).await.unwrap();
        theirs.write_all(REQUEST).await.unwrap();
        let mut response = Vec::new();
        theirs.read_to_end(&mut response).await.unwrap();
        let response = String::from_utf8_lossy(&response);
        assert!(response.starts_with("HTTP/1.1 200 OK") && response.contains(GREETING), "{response}");
    }
}
