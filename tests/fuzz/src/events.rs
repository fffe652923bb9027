//! The CloudEvents of the product and the cart.

use bytes::Bytes;
use statefun_applications::product_cart::{CloudEvent, record_key};
use statefun_sdk::{Decode, Encode};

pub(crate) fn cloud_events(bytes: &[u8]) {
    let _ = record_key(bytes);
    let Ok(event) = CloudEvent::decode(&Bytes::copy_from_slice(bytes)) else { return };
    let mut written = Vec::new();
    event.encode(&mut written).expect("what was read can be written");
    let again = CloudEvent::decode(&written.clone().into()).expect("what was written can be read");
    let mut twice = Vec::new();
    again.encode(&mut twice).expect("written again");
    assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&written));
}
