//! What a program that was built without a feature says.

use statefun_sdk::BoxError;

/// The error of a program that was built without what a command needs.
pub(crate) fn not_built(missing: impl std::fmt::Display, features: impl std::fmt::Display) -> BoxError {
    format!(
        "this program was built without {missing}; build one with it by \
         `cargo build --release -p statefun-cli --features {features}`"
    )
    .into()
}

/// The error of a program that was built without a client for Kafka or Kinesis.
#[cfg(not(all(feature = "kafka", feature = "kinesis")))]
pub(crate) fn no_client(connector: statefun_sdk::Connector) -> BoxError {
    not_built(format_args!("a client for {connector}"), connector)
}
