//! Functions on AWS Lambda, as seen from a module.

use std::time::Duration;

/// The longest time until a response: API Gateway waits 29 s or 30 s for Lambda.
pub(crate) const MAX_RESPONSE_TIME: Duration = Duration::from_secs(30);

/// Whether a URL is one of API Gateway or a Function URL. Custom domains are not recognized.
pub(crate) fn is_lambda(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let is_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    (is_aws && host.contains(".execute-api.")) || (host.ends_with(".on.aws") && host.contains(".lambda-url."))
}
