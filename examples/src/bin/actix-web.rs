//! The handler behind actix-web: bytes in, bytes out.
//!
//! `cargo run -p statefun-examples --bin actix-web`

use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use statefun_examples::registry;
use statefun_sdk::{BoxError, RequestReplyHandler};

async fn statefun(handler: web::Data<RequestReplyHandler>, body: web::Bytes) -> HttpResponse {
    match handler.handle(body).await {
        Ok(response) => HttpResponse::Ok().content_type("application/octet-stream").body(response.body),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            HttpResponse::build(status).body(error.to_string())
        }
    }
}

fn routes(config: &mut web::ServiceConfig, handler: RequestReplyHandler) {
    config
        .app_data(web::Data::new(handler))
        .app_data(web::PayloadConfig::new(64 * 1024 * 1024)) // the runtime's requests are larger than actix's default
        .route("/statefun", web::post().to(statefun));
}

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    let handler = RequestReplyHandler::new(registry()?);
    let server = HttpServer::new(move || App::new().configure(|config| routes(config, handler.clone())));
    Ok(server.bind(("127.0.0.1", 8000))?.run().await?)
}

#[cfg(test)]
mod tests {
    use actix_web::test;
    use statefun_examples::{GREETING, REQUEST};

    use super::*;

    #[actix_web::test]
    async fn it_greets() {
        let handler = RequestReplyHandler::new(registry().unwrap());
        let app = test::init_service(App::new().configure(|config| routes(config, handler))).await;
        let request = || test::TestRequest::post().uri("/statefun");
        let greeted = test::call_and_read_body(&app, request().set_payload(REQUEST).to_request()).await;
        assert!(String::from_utf8_lossy(&greeted).contains(GREETING));
        let rejected = test::call_service(&app, request().set_payload("no protobuf").to_request()).await;
        assert_eq!(rejected.status(), StatusCode::BAD_REQUEST);
    }
}
