//! HTTP/1.1 with as little as there can be: a runtime of one thread for each core, all of them accepting on one port.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

/// From a request's body to its answer's.
pub type Handler = Arc<dyn Fn(Bytes) -> Result<Bytes> + Send + Sync>;

/// Serves through a router.
pub fn axum(port: u16, handler: Handler) -> Result<()> {
    on_each_core(port, move |listener| {
        let handler = handler.clone();
        async move {
            let answer = async move |body: Bytes| answer::<Body>(handler(body));
            let router = Router::new().route("/statefun", post(answer)).layer(DefaultBodyLimit::disable());
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router).await?;
            Ok(())
        }
    })
}

/// Serves without a router.
pub fn hyper(port: u16, handler: Handler) -> Result<()> {
    on_each_core(port, move |listener| {
        let handler = handler.clone();
        async move {
            loop {
                let (stream, _) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                let handler = handler.clone();
                let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let handler = handler.clone();
                    async move {
                        let body = request.into_body().collect().await;
                        let result = body.map_err(Into::into).and_then(|body| handler(body.to_bytes()));
                        Ok::<_, Infallible>(answer::<Full<Bytes>>(result))
                    }
                });
                let mut http = hyper::server::conn::http1::Builder::new();
                let stream = hyper_util::rt::TokioIo::new(stream);
                tokio::spawn(http.pipeline_flush(true).serve_connection(stream, service));
            }
        }
    })
}

fn answer<B: From<Bytes> + Default>(result: Result<Bytes>) -> Response<B> {
    match result {
        Ok(bytes) => {
            let mut response = Response::new(B::from(bytes));
            let kind = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => {
            eprintln!("request failed: {error:#}");
            let mut response = Response::new(B::default());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// Runs `serve` on a runtime of its own for each core that this process may use.
fn on_each_core<F>(port: u16, serve: impl Fn(TcpListener) -> F + Clone + Send + 'static) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let cores = std::thread::available_parallelism()?.get();
    let threads = (0..cores).map(|_| {
        let serve = serve.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { serve(TcpListener::from_std(listen(port)?.into())?).await })
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().map_err(|_| anyhow!("a thread panicked"))??;
    }
    Ok(())
}

fn listen(port: u16) -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(4096)?;
    Ok(socket)
}
