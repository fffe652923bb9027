use std::str::FromStr;

use clap::Args;
use statefun_sdk::{BoxError, Connector, Contract, TypeName};

/// The connectors of egresses, where the functions did not declare them.
#[derive(Debug, Args)]
pub struct EgressConnectors {
    /// Whether the records to egresses are of Kafka or of Kinesis: kafka or kinesis for all, ID=kafka or ID=kinesis for one
    ///
    /// Can be repeated. Only needed for functions that did not declare it with `emits_to`, and it overrides what they declared.
    #[arg(long = "egress", env = "STATEFUN_EGRESS", value_name = "KIND|ID=KIND", value_delimiter = ',')]
    egresses: Vec<EgressConnector>,
}

/// The value of one `--egress`.
#[derive(Debug, Clone)]
struct EgressConnector {
    /// `None` for all egresses.
    egress: Option<TypeName>,
    connector: Connector,
}

impl FromStr for EgressConnector {
    type Err = BoxError;

    fn from_str(text: &str) -> Result<Self, BoxError> {
        let expected = || format!("{text:?}: expected kafka, kinesis, ID=kafka or ID=kinesis");
        let (egress, connector) = match text.split_once('=') {
            None => (None, text),
            Some((egress, connector)) => (Some(egress.parse()?), connector),
        };
        // A server's option of this name also has the topic or stream.
        let connector = connector.split(':').next().unwrap_or_default();
        Ok(Self { egress, connector: connector.parse().map_err(|_| expected())? })
    }
}

impl EgressConnectors {
    /// Writes the connectors into a contract.
    ///
    /// # Errors
    /// When an option names an egress that no function emits to.
    pub fn apply(&self, contract: &mut Contract) -> Result<(), BoxError> {
        // An option for one egress overrides the option for all.
        let (all, one): (Vec<_>, Vec<_>) = self.egresses.iter().partition(|option| option.egress.is_none());
        for EgressConnector { egress, connector } in all.into_iter().chain(one) {
            let mut found = false;
            for function in contract.functions.values_mut() {
                for (id, known) in &mut function.egresses {
                    if egress.as_ref().is_none_or(|egress| egress == id) {
                        *known = Some(*connector);
                        found = true;
                    }
                }
            }
            if let (Some(egress), false) = (egress, found) {
                return Err(format!("--egress {egress}: no function emits to it").into());
            }
        }
        Ok(())
    }

    /// The options as they are written on a command line.
    pub fn options(&self) -> Vec<(String, String)> {
        let options = self.egresses.iter().map(|EgressConnector { egress, connector }| match egress {
            None => connector.to_string(),
            Some(egress) => format!("{egress}={connector}"),
        });
        options.map(|option| ("--egress".to_owned(), option)).collect()
    }
}
