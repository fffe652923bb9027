//! The Kinesis client, based on the AWS SDK.

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

/// Options of Kinesis. Credentials come from the sources that all AWS tools use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kinesis (credentials as for every AWS tool: environment, profile, role)")]
pub struct KinesisArgs {
    /// The region [default: AWS_REGION, or that of the profile]
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// The URL of a Kinesis emulator, such as http://localhost:4566 [default: AWS_ENDPOINT_URL]
    ///
    /// Emulators need credentials too, but accept any.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}
