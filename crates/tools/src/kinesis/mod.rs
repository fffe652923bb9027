//! Kinesis, by the AWS SDK.

#[cfg(feature = "kinesis")]
mod aggregate;
#[cfg(feature = "kinesis")]
mod batch;
#[cfg(feature = "kinesis")]
mod client;
#[cfg(feature = "kinesis")]
mod consumer;
#[cfg(feature = "kinesis")]
mod producer;

#[cfg(feature = "kinesis")]
pub use consumer::Consumer;
#[cfg(feature = "kinesis")]
pub use producer::Producer;

use clap::Args;

/// How to reach Kinesis. Credentials come from where every AWS tool looks for them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kinesis (credentials as for every AWS tool: environment, profile, role)")]
pub struct KinesisArgs {
    /// The region [default: what AWS_REGION or the profile says]
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// Where a stand-in of Kinesis is, such as http://localhost:4566 [default: what AWS_ENDPOINT_URL says]
    ///
    /// Stand-ins want credentials, too, but take any.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}
