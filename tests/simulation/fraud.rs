//! Each transaction is concluded once, whatever its scoring service does, and confirmations are forgotten after their time.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use prost::Message as _;
use statefun_applications::Settings;
use statefun_applications::fraud::messages::{ConfirmFraud, CustomThreshold, Transaction};
use statefun_applications::fraud::{
    self, ALERTS_EGRESS, COUNTER, MERCHANT, MODEL, ScoringService, THRESHOLD, TRANSACTION_MANAGER, merchant, threshold,
};
use statefun_sdk::local::simulation::{Dependency, Simulation, View, expect_eq};
use statefun_sdk::{BoxError, TypeName};

use crate::{check, registry};

/// The score of a merchant is the length of its name.
struct FakeScores(Dependency);

impl ScoringService for FakeScores {
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>> {
        Box::pin(async move {
            self.0.call("the scoring service").await?;
            Ok(merchant.len() as i32)
        })
    }
}

const ACCOUNTS: [&str; 2] = ["ann", "bob"];

fn simulation() -> Simulation<Settings> {
    let outside = |dependency: &Dependency| {
        let mut settings = Settings::default();
        let scoring_service = Arc::new(FakeScores(dependency.clone()));
        settings.set(fraud::Settings { scoring_service, default_threshold: 0, ..fraud::Settings::default() });
        settings
    };
    let mut simulation = Simulation::with(outside, |settings| registry("fraud", settings));
    for account in ACCOUNTS {
        for number in 0..3 {
            let transaction = Transaction {
                account: account.to_owned(),
                timestamp: None,
                merchant: ["acme", "globex"][number % 2].to_owned(),
                amount: 10,
            };
            let id = format!("{account}-{number}");
            simulation = simulation.send(TRANSACTION_MANAGER.with_id(id), transaction);
            let confirmed = ConfirmFraud { account: account.to_owned() };
            simulation = simulation.send(COUNTER.with_id(account), confirmed);
        }
    }
    simulation =
        simulation.send(THRESHOLD.with_id("bob"), CustomThreshold { threshold: 100, account: "bob".to_owned() });
    simulation
        .at_rest("all transactions are concluded, and all confirmations forgotten", forgotten)
        .at_rest("each transaction makes one alert at most", alerts)
        .at_rest("merchants keep the scores of the service", scores)
}

fn forgotten(view: &View<'_, Settings>) -> Result<(), BoxError> {
    let kept: Vec<_> = [TRANSACTION_MANAGER, COUNTER, MODEL]
        .into_iter()
        .flat_map(|function: TypeName| view.instances(function).cloned().collect::<Vec<_>>())
        .collect();
    expect_eq(kept, Vec::new())
}

fn alerts(view: &View<'_, Settings>) -> Result<(), BoxError> {
    for account in ACCOUNTS {
        let mut transactions = 0;
        for (_, message) in view.sent().filter(|(target, _)| target.is(&TRANSACTION_MANAGER)) {
            transactions += usize::from(message.get::<Transaction>()?.account == account);
        }
        let mut alerts = 0;
        for record in view.records(ALERTS_EGRESS) {
            alerts += usize::from(Transaction::decode(record.value().clone())?.account == account);
        }
        // A score of the model is 0 only by chance; above 100 there is none.
        let has_threshold = view.state(&THRESHOLD.with_id(account), &threshold::STATE)?.is_some();
        let least = if has_threshold { 0 } else { transactions.saturating_sub(1) };
        if !(least..=transactions).contains(&alerts) {
            return Err(format!("{alerts} alerts of {transactions} transactions of {account}").into());
        }
    }
    Ok(())
}

fn scores(view: &View<'_, Settings>) -> Result<(), BoxError> {
    view.instances(MERCHANT).try_for_each(|instance| {
        let score = view.state(instance, &merchant::MERCHANT_SCORE)?;
        expect_eq(score, Some(instance.id().len() as i32))
    })
}

#[test]
fn transactions_are_concluded() {
    check("fraud", simulation(), 1);
}
