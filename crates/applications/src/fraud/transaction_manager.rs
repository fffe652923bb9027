//! `ververica/transaction-manager`: collects the features of one transaction, requests its score and emits the alert.

use statefun_sdk::{Context, Destination, Function, FunctionError, UnexpectedTypePolicy, ValueSpec};
use tracing::debug;

use super::messages::{
    AskedThreshold, CustomThreshold, FeatureVector, FraudScore, MerchantScore, QueryFraud, QueryMerchantScore,
    QueryThreshold, ReportedFraud, Transaction,
};
use super::{ALERTS, COUNTER, DEAD_LETTERS, MERCHANT, MODEL, Settings, THRESHOLD, TRANSACTION_MANAGER};
use crate::destinations::Destinations;

/// The transaction, until it has a score.
pub const TRANSACTION: ValueSpec<Transaction> = ValueSpec::new("transaction");
/// The counter's reply.
pub const FRAUD_COUNT: ValueSpec<i32> = ValueSpec::new("fraud_count");
/// The merchant's reply.
pub const MERCHANT_SCORE: ValueSpec<i32> = ValueSpec::new("merchant_score");
/// The pending query for the account's threshold, or its reply. A transaction from a release without custom thresholds
/// has no value: there is no reply to wait for, and the default threshold applies.
pub const ASKED_THRESHOLD: ValueSpec<AskedThreshold> = ValueSpec::new("threshold");

/// `ververica/transaction-manager`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    let manager = TransactionManager {
        alerts: destinations.of_own(&ALERTS),
        default_threshold: settings.default_threshold,
        custom_thresholds: settings.custom_thresholds,
    };
    let function = Function::new(TRANSACTION_MANAGER)
        .on(TransactionManager::begin)
        .on(TransactionManager::record_fraud_count)
        .on(TransactionManager::record_merchant_score)
        .on(TransactionManager::record_threshold)
        .on(TransactionManager::conclude);
    let function = function
        .with(manager)
        .state(&TRANSACTION)
        .state(&FRAUD_COUNT)
        .state(&MERCHANT_SCORE)
        .sends::<QueryFraud>(COUNTER)
        .sends::<QueryMerchantScore>(MERCHANT)
        .sends::<FeatureVector>(MODEL)
        .emits_to(ALERTS.egress, destinations.of_own(&ALERTS).connector())
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter);
    match settings.custom_thresholds {
        true => function.state(&ASKED_THRESHOLD).sends::<QueryThreshold>(THRESHOLD),
        false => function,
    }
}

struct TransactionManager {
    alerts: Destination,
    default_threshold: i32,
    custom_thresholds: bool,
}

/// A transaction and its features.
struct Features<'a> {
    transaction: &'a Transaction,
    fraud_count: i32,
    merchant_score: i32,
    threshold: i32,
}

impl TransactionManager {
    /// Sends all queries. A repeated transaction starts over, as it would wait forever if a reply were lost.
    async fn begin(&self, context: &mut Context, transaction: Transaction) -> Result<(), FunctionError> {
        let Transaction { account, merchant, .. } = &transaction;
        if account.is_empty() || merchant.is_empty() {
            return Err(FunctionError::poison("a transaction without account or merchant: expected both"));
        }
        context.send(COUNTER.with_id(account.as_str()), QueryFraud {})?;
        context.send(MERCHANT.with_id(merchant.as_str()), QueryMerchantScore {})?;
        if self.custom_thresholds {
            context.send(THRESHOLD.with_id(account.as_str()), QueryThreshold {})?;
            context.set(&ASKED_THRESHOLD, AskedThreshold { threshold: None })?;
        }
        context.remove(&FRAUD_COUNT)?;
        context.remove(&MERCHANT_SCORE)?;
        context.set(&TRANSACTION, transaction)
    }

    async fn record_fraud_count(&self, context: &mut Context, message: ReportedFraud) -> Result<(), FunctionError> {
        self.record(context, &FRAUD_COUNT, message.count)
    }

    async fn record_merchant_score(&self, context: &mut Context, message: MerchantScore) -> Result<(), FunctionError> {
        self.record(context, &MERCHANT_SCORE, message.score)
    }

    /// Stores the first reply to a query.
    fn record(&self, context: &mut Context, state: &ValueSpec<i32>, reply: i32) -> Result<(), FunctionError> {
        if context.get(&TRANSACTION)?.is_none() || context.get(state)?.is_some() {
            return ignore(context);
        }
        context.set(state, reply)?;
        self.query_model(context)
    }

    async fn record_threshold(&self, context: &mut Context, message: CustomThreshold) -> Result<(), FunctionError> {
        if !self.custom_thresholds {
            // A release with custom thresholds asked before this one.
            return ignore(context);
        }
        let threshold = message.threshold;
        match context.get(&ASKED_THRESHOLD)? {
            Some(AskedThreshold { threshold: None }) => {
                context.set(&ASKED_THRESHOLD, AskedThreshold { threshold: Some(threshold) })?;
                self.query_model(context)
            }
            _ => ignore(context),
        }
    }

    /// Requests the transaction's score once all replies have arrived.
    fn query_model(&self, context: &mut Context) -> Result<(), FunctionError> {
        let Some(features) = self.features(context)? else { return Ok(()) };
        let Features { transaction, fraud_count, merchant_score, .. } = features;
        let model = MODEL.with_id(transaction.account.as_str());
        context.send(model, FeatureVector { fraud_count, merchant_score, amount: transaction.amount })
    }

    async fn conclude(&self, context: &mut Context, FraudScore { score }: FraudScore) -> Result<(), FunctionError> {
        let Some(Features { transaction, threshold, .. }) = self.features(context)? else { return ignore(context) };
        if score > threshold {
            let alert = self.alerts.record(transaction.account.as_str(), prost::Message::encode_to_vec(transaction));
            context.emit(ALERTS.egress, alert)?;
        }
        context.remove(&TRANSACTION)?;
        context.remove(&FRAUD_COUNT)?;
        context.remove(&MERCHANT_SCORE)?;
        match self.custom_thresholds {
            true => context.remove(&ASKED_THRESHOLD),
            false => Ok(()),
        }
    }

    /// The features, once all replies have arrived.
    fn features<'a>(&self, context: &'a Context) -> Result<Option<Features<'a>>, FunctionError> {
        let asked = if self.custom_thresholds { context.get(&ASKED_THRESHOLD)? } else { None };
        let threshold = match asked {
            Some(AskedThreshold { threshold }) => *threshold,
            None => Some(self.default_threshold),
        };
        let replies = (context.get(&FRAUD_COUNT)?, context.get(&MERCHANT_SCORE)?, threshold);
        let (Some(transaction), (Some(&fraud_count), Some(&merchant_score), Some(threshold))) =
            (context.get(&TRANSACTION)?, replies)
        else {
            return Ok(None);
        };
        Ok(Some(Features { transaction, fraud_count, merchant_score, threshold }))
    }
}

/// Replies are duplicated if the transaction was, and some arrive after the score.
fn ignore(context: &Context) -> Result<(), FunctionError> {
    debug!(function = ?context.self_address(), caller = ?context.caller(), "unexpected reply ignored");
    Ok(())
}
