//! The messages of `proto/fraud.proto`.

use std::fmt;

use statefun_sdk::{TypeName, Typed};

include!(concat!(env!("OUT_DIR"), "/workshop.rs"));

macro_rules! typed {
    ($($message:ident)*) => {$(
        impl Typed for $message {
            const TYPE_NAME: TypeName = TypeName::new(concat!("com.googleapis/workshop.", stringify!($message)));
        }
    )*};
}

typed! {
    AskedThreshold ConfirmFraud CustomThreshold ExpireFraud ExpireMerchantScore FeatureVector FraudScore MerchantScore
    QueryFraud QueryMerchantScore QueryThreshold ReportedFraud Transaction
}

/// A transaction as people are told of it when it comes out of the egress.
#[derive(Debug, Clone, Copy)]
pub struct Alert<'a>(pub &'a Transaction);

impl fmt::Display for Alert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transaction { account, merchant, amount, .. } = self.0;
        write!(f, "Suspected Fraud for account id {account} at {merchant} for {amount} USD")
    }
}
