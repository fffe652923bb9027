//! The wire messages of the request-reply protocol, generated from `proto/statefun/`.
//!
//! A function author needs none of them; they are here for tests, benchmarks and runtimes. Names are [`bytes::Bytes`]
//! rather than strings (the two are the same on the wire): read from a request they are slices of its buffer.

#![allow(missing_docs)]

/// `io.statefun.sdk.reqreply`: requests and answers.
pub mod reqreply {
    include!("proto/io.statefun.sdk.reqreply.rs");
}

/// `io.statefun.sdk.egress`: the records that Kafka and Kinesis egresses take.
pub mod egress {
    include!("proto/io.statefun.sdk.egress.rs");
}

/// `io.statefun.sdk.types`: the wrappers of primitive types.
pub mod types {
    include!("proto/io.statefun.sdk.types.rs");
}
