use std::error::Error;

use aws_config::Region;
use aws_config::retry::RetryConfig;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::SdkError;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use statefun_sdk::ErrorChain;

use super::KinesisArgs;

/// Throttling is expected: a shard allows five reads per second for all readers together.
const ATTEMPTS: u32 = 5;

pub(super) async fn connect(args: &KinesisArgs) -> Client {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let mut config = aws_config::from_env().http_client(http).retry_config(retries);
    if let Some(region) = &args.region {
        config = config.region(Region::new(region.clone()));
    }
    if let Some(url) = &args.endpoint_url {
        config = config.endpoint_url(url);
    }
    Client::new(&config.load().await)
}

/// The error of a request to a stream, with advice.
pub(super) fn explain<E: Error + 'static, R: std::fmt::Debug + 'static>(stream: &str, error: SdkError<E, R>) -> String {
    let advice = match &error {
        SdkError::ServiceError(_) => "are the stream's name and the region correct?",
        _ => {
            "are --region (or AWS_REGION) and --endpoint-url correct, and are credentials set (AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or a profile)? An emulator accepts any credentials"
        }
    };
    format!("kinesis:{stream}: {}; {advice}", ErrorChain(&error))
}
