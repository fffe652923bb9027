//! Events of AWS Lambda.

use std::time::Duration;

use lambda_http::request::LambdaRequest;
use lambda_http::{Context, LambdaEvent, Service};

use statefun_lambda::Timeouts;

use crate::{block_on, registry};

pub(crate) fn event(bytes: &[u8]) {
    // What is no event never reaches the service.
    let Ok(payload) = serde_json::from_slice::<LambdaRequest>(bytes) else { return };
    let mut service =
        statefun_lambda::service(registry(), Timeouts { function: Duration::from_secs(5), ..Timeouts::default() });
    let response = block_on(service.call(LambdaEvent::new(payload, Context::default())));
    serde_json::to_vec(&response.expect("a response")).expect("the JSON of a response");
}
