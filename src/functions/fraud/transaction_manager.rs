//! `ververica/transaction-manager`: gathers what is known about one transaction, has it judged, and tells of it.

use statefun_sdk::{Context, Destination, Function, FunctionError, Message, Proto, StatefulFunction, ValueSpec};
use tracing::debug;

use super::messages::{
    AskedThreshold, CustomThreshold, FeatureVector, FraudScore, MerchantScore, QueryFraud, QueryMerchantScore,
    QueryThreshold, ReportedFraud, Transaction,
};
use super::{ALERTS, COUNTER, DEAD_LETTERS, MERCHANT, MODEL, Settings, THRESHOLD, TRANSACTION_MANAGER};
use crate::functions::Destinations;

/// The transaction, until it has been judged.
pub const TRANSACTION: ValueSpec<Proto<Transaction>> = ValueSpec::new("transaction");
/// The counter's answer.
pub const FRAUD_COUNT: ValueSpec<i32> = ValueSpec::new("fraud_count");
/// The merchant's answer.
pub const MERCHANT_SCORE: ValueSpec<i32> = ValueSpec::new("merchant_score");
/// That the account's threshold was asked for, and the answer. A transaction from before there were custom thresholds
/// has no value: none was asked for, none is waited for, and the default holds.
pub const ASKED_THRESHOLD: ValueSpec<Proto<AskedThreshold>> = ValueSpec::new("threshold");

/// `ververica/transaction-manager`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    let manager = TransactionManager {
        alerts: destinations.of_own(&ALERTS),
        default_threshold: settings.default_threshold,
        custom_thresholds: settings.custom_thresholds,
    };
    let function = Function::new(TRANSACTION_MANAGER, manager)
        .state(&TRANSACTION)
        .state(&FRAUD_COUNT)
        .state(&MERCHANT_SCORE)
        .accepts::<Transaction>()
        .accepts::<ReportedFraud>()
        .accepts::<MerchantScore>()
        .accepts::<FraudScore>()
        .sends_to(COUNTER)
        .sends_to(MERCHANT)
        .sends_to(MODEL)
        .emits(ALERTS.egress)
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS));
    match settings.custom_thresholds {
        true => function.state(&ASKED_THRESHOLD).accepts::<CustomThreshold>().sends_to(THRESHOLD),
        false => function,
    }
}

struct TransactionManager {
    alerts: Destination,
    default_threshold: i32,
    custom_thresholds: bool,
}

impl StatefulFunction for TransactionManager {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.is::<Transaction>() {
            self.begin(context, message.proto()?)
        } else if message.is::<ReportedFraud>() {
            let ReportedFraud { count } = message.proto()?;
            self.record(context, &FRAUD_COUNT, count)
        } else if message.is::<MerchantScore>() {
            let MerchantScore { score } = message.proto()?;
            self.record(context, &MERCHANT_SCORE, score)
        } else if message.is::<CustomThreshold>() {
            let CustomThreshold { threshold, .. } = message.proto()?;
            self.record_threshold(context, threshold)
        } else {
            let FraudScore { score } = message.proto()?;
            self.conclude(context, score)
        }
    }
}

/// All that is known about a transaction.
struct Known<'a> {
    transaction: &'a Transaction,
    fraud_count: i32,
    merchant_score: i32,
    threshold: i32,
}

impl TransactionManager {
    /// Asks all that has to be known. The same transaction once more begins anew: were an answer lost, it would wait for
    /// ever.
    fn begin(&self, context: &mut Context, transaction: Transaction) -> Result<(), FunctionError> {
        let Transaction { account, merchant, .. } = &transaction;
        if account.is_empty() || merchant.is_empty() {
            return Err(FunctionError::poison("a transaction without account or merchant: expected both"));
        }
        context.send(COUNTER.with_id(account.as_str()), Proto(QueryFraud {}))?;
        context.send(MERCHANT.with_id(merchant.as_str()), Proto(QueryMerchantScore {}))?;
        if self.custom_thresholds {
            context.send(THRESHOLD.with_id(account.as_str()), Proto(QueryThreshold {}))?;
            context.set(&ASKED_THRESHOLD, Proto(AskedThreshold { threshold: None }))?;
        }
        context.remove(&FRAUD_COUNT)?;
        context.remove(&MERCHANT_SCORE)?;
        context.set(&TRANSACTION, Proto(transaction))
    }

    /// Keeps the first answer to a question.
    fn record(&self, context: &mut Context, state: &ValueSpec<i32>, answer: i32) -> Result<(), FunctionError> {
        if context.get(&TRANSACTION)?.is_none() || context.get(state)?.is_some() {
            return ignore(context);
        }
        context.set(state, answer)?;
        self.ask_model(context)
    }

    fn record_threshold(&self, context: &mut Context, threshold: i32) -> Result<(), FunctionError> {
        match context.get(&ASKED_THRESHOLD)? {
            Some(Proto(AskedThreshold { threshold: None })) => {
                context.set(&ASKED_THRESHOLD, Proto(AskedThreshold { threshold: Some(threshold) }))?;
                self.ask_model(context)
            }
            _ => ignore(context),
        }
    }

    /// Has the transaction judged, if the last answer is in.
    fn ask_model(&self, context: &mut Context) -> Result<(), FunctionError> {
        let Some(known) = self.known(context)? else { return Ok(()) };
        let Known { transaction, fraud_count, merchant_score, .. } = known;
        let model = MODEL.with_id(transaction.account.as_str());
        context.send(model, Proto(FeatureVector { fraud_count, merchant_score, amount: transaction.amount }))
    }

    fn conclude(&self, context: &mut Context, score: i32) -> Result<(), FunctionError> {
        let Some(Known { transaction, threshold, .. }) = self.known(context)? else { return ignore(context) };
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

    /// What is known, if every answer is in.
    fn known<'a>(&self, context: &'a Context) -> Result<Option<Known<'a>>, FunctionError> {
        let asked = if self.custom_thresholds { context.get(&ASKED_THRESHOLD)? } else { None };
        let threshold = match asked {
            Some(Proto(AskedThreshold { threshold })) => *threshold,
            None => Some(self.default_threshold),
        };
        let answers = (context.get(&FRAUD_COUNT)?, context.get(&MERCHANT_SCORE)?, threshold);
        let (Some(Proto(transaction)), (Some(&fraud_count), Some(&merchant_score), Some(threshold))) =
            (context.get(&TRANSACTION)?, answers)
        else {
            return Ok(None);
        };
        Ok(Some(Known { transaction, fraud_count, merchant_score, threshold }))
    }
}

/// Answers come again when a transaction did, and some come after it was judged.
fn ignore(context: &Context) -> Result<(), FunctionError> {
    debug!(function = ?context.self_address(), caller = ?context.caller(), "an answer that nobody waits for is ignored");
    Ok(())
}
