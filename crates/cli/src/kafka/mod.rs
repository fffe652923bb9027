//! The Kafka client, based on librdkafka.

#[cfg(feature = "kafka")]
mod client;
#[cfg(feature = "kafka")]
mod consumer;
#[cfg(feature = "kafka")]
mod producer;

#[cfg(feature = "kafka")]
pub use client::create_missing;
#[cfg(feature = "kafka")]
pub use consumer::Consumer;
#[cfg(feature = "kafka")]
pub use producer::Producer;

use clap::Args;

/// Options of Kafka.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaArgs {
    /// The bootstrap brokers
    #[arg(long, env = "STATEFUN_KAFKA_BROKERS", value_name = "HOST:PORT,…", default_value = "localhost:9092")]
    pub brokers: String,
    /// A property of librdkafka, such as compression.type=zstd; can be repeated
    #[arg(long = "kafka-property", value_name = "NAME=VALUE", value_parser = property)]
    pub properties: Vec<(String, String)>,
}

fn property(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE"),
    }
}
