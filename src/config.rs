//! Options of the server, each also an environment variable that begins with `STATEFUN_`.

mod fraud;

pub use fraud::FunctionArgs;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use statefun_http::{Options, TlsOptions};
use statefun_sdk::BoxError;

use crate::functions::{Connector, Destinations, EgressSetting, Settings, UnknownEgress, shopping_cart};

/// How to serve.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen
    #[arg(long, env = "STATEFUN_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8000")]
    listen: SocketAddr,
    /// Take invocations at every path, not at /statefun alone
    #[arg(long, env = "STATEFUN_ANY_PATH", value_parser = clap::builder::FalseyValueParser::new())]
    any_path: bool,
    /// The largest request body; more is answered with 413
    #[arg(long, env = "STATEFUN_BODY_LIMIT", value_name = "SIZE", default_value = "64MiB")]
    body_limit: ByteSize,
    /// The most requests at once; one more is answered with 503
    #[arg(long, env = "STATEFUN_MAX_IN_FLIGHT", value_name = "N", default_value_t = Options::default().max_in_flight)]
    max_in_flight: usize,
    /// The most requests a second; more wait for their turn [default: no limit]
    ///
    /// The cluster has one request under way for an address, and sends what arrives meanwhile with the next. So a limit
    /// makes larger requests, which cost the cluster less; but where every message is for another address there is
    /// nothing to gather, and it limits the messages.
    #[arg(long, env = "STATEFUN_RATE_LIMIT", value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    /// How many threads serve; one for each core that the process may use unless told otherwise
    #[arg(long, env = "STATEFUN_WORKERS", value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// How long requests are still taken after SIGTERM
    ///
    /// As long as whatever balances load needs to see that /readyz fails.
    #[arg(long, env = "STATEFUN_DRAIN_DELAY", value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    drain_delay: Duration,
    /// Serve HTTPS with this certificate chain (PEM)
    #[arg(long, env = "STATEFUN_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, env = "STATEFUN_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Take only clients with a certificate of one of these authorities (PEM)
    #[arg(long, env = "STATEFUN_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
}

impl ServeArgs {
    /// The options as the server takes them.
    ///
    /// # Errors
    /// When the body limit is more than this machine can address.
    pub fn options(self) -> Result<Options, std::num::TryFromIntError> {
        let tls = self.tls_cert.zip(self.tls_key);
        let default = Options::default();
        Ok(Options {
            listen: self.listen,
            any_path: self.any_path,
            body_limit: self.body_limit.as_u64().try_into()?,
            drain_delay: self.drain_delay,
            max_in_flight: self.max_in_flight,
            rate_limit: self.rate_limit,
            workers: self.workers.unwrap_or(default.workers),
            tls: tls.map(|(cert, key)| TlsOptions { cert, key, client_ca: self.tls_client_ca }),
        })
    }
}

/// Where egresses lead.
#[derive(Debug, Args)]
pub struct EgressArgs {
    /// Where egresses lead: kafka or kinesis for all, ID=kafka:TOPIC or ID=kinesis:STREAM for one
    ///
    /// May be given several times; what is said of one egress goes before what is said of all. GET / lists the egresses
    /// of all functions; each leads to a Kafka topic of its own unless told otherwise. Give the server that answers the
    /// cluster, `module render` and `module check` the same.
    #[arg(long = "egress", env = "STATEFUN_EGRESS", value_name = "KIND|ID=KIND:NAME", value_delimiter = ',')]
    egresses: Vec<EgressOption>,
}

/// What one `--egress` says.
#[derive(Debug, Clone)]
enum EgressOption {
    All(Connector),
    One(EgressSetting),
}

impl FromStr for EgressOption {
    type Err = BoxError;

    fn from_str(text: &str) -> Result<Self, BoxError> {
        match text.parse() {
            Ok(connector) => Ok(Self::All(connector)),
            Err(_) if text.contains('=') => Ok(Self::One(text.parse()?)),
            Err(_) => Err(format!("{text:?}: expected kafka, kinesis, ID=kafka:TOPIC or ID=kinesis:STREAM").into()),
        }
    }
}

impl EgressArgs {
    /// Where all egresses lead.
    ///
    /// # Errors
    /// When an egress is set that no function has.
    pub fn destinations(&self) -> Result<Destinations, UnknownEgress> {
        let mut destinations = Destinations::default();
        for option in &self.egresses {
            if let EgressOption::All(connector) = option {
                destinations.set_all(*connector);
            }
        }
        for option in &self.egresses {
            if let EgressOption::One(EgressSetting { egress, destination }) = option {
                destinations.set(egress, destination.clone())?;
            }
        }
        Ok(destinations)
    }
}

/// What is configuration of each application.
#[derive(Debug, Args)]
pub struct ApplicationArgs {
    #[command(flatten)]
    shopping_cart: ShoppingCartArgs,
    #[command(flatten)]
    fraud: fraud::FraudArgs,
}

impl ApplicationArgs {
    /// The settings of all applications.
    ///
    /// # Errors
    /// When options of an application are not what it needs.
    pub fn settings(&self) -> Result<Settings, BoxError> {
        Ok(Settings { shopping_cart: self.shopping_cart.settings(), fraud: self.fraud.settings()? })
    }
}

/// What is configuration of the shopping cart.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shopping cart")]
struct ShoppingCartArgs {
    /// How many there are of an item that was never stocked; unlimited unless told
    #[arg(
        long,
        env = "STATEFUN_INITIAL_STOCK",
        value_name = "N",
        default_value_t = shopping_cart::Settings::default().initial_stock,
        value_parser = clap::value_parser!(i32).range(0..),
        allow_negative_numbers = true,
    )]
    initial_stock: i32,
}

impl ShoppingCartArgs {
    fn settings(&self) -> shopping_cart::Settings {
        shopping_cart::Settings { initial_stock: self.initial_stock }
    }
}
