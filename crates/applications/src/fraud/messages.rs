//! The messages of `proto/fraud.proto`.

use std::fmt;

include!(concat!(env!("OUT_DIR"), "/workshop.rs"));

/// Formats a transaction from the egress as an alert.
#[derive(Debug, Clone, Copy)]
pub struct Alert<'a>(pub &'a Transaction);

impl fmt::Display for Alert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transaction { account, merchant, amount, .. } = self.0;
        write!(f, "Suspected Fraud for account id {account} at {merchant} for {amount} USD")
    }
}
