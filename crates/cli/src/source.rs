//! Where the contract of functions comes from: a running server, a file, or this program itself.

use std::fs;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use statefun_module::command::EgressConnectors;
use statefun_sdk::{BoxError, Contract};
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};

/// What `statefun-server contract` prints: the applications that come with this project.
const BUILT_IN: &str = include_str!("../applications.json");

/// A server answers at once.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest contract, in bytes: one of tens of thousands of functions.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Which functions a command is about.
#[derive(Debug, Args)]
pub struct FunctionsArgs {
    /// The functions: the URL of a server that runs, a file with what it returns at GET / or `contract` printed, - for standard
    /// input, or built-in for the applications of statefun-server
    ///
    /// Can be repeated, for functions of several servers.
    #[arg(
        long,
        env = "STATEFUN_FUNCTIONS",
        value_name = "URL|FILE",
        default_value = "http://localhost:8000",
        value_delimiter = ','
    )]
    functions: Vec<Source>,
    #[command(flatten)]
    connectors: EgressConnectors,
}

/// Where a contract comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Url(Uri),
    File(PathBuf),
    StandardInput,
    BuiltIn,
}

impl FromStr for Source {
    type Err = BoxError;

    fn from_str(text: &str) -> Result<Self, BoxError> {
        Ok(match text {
            "built-in" => Self::BuiltIn,
            "-" => Self::StandardInput,
            _ if text.starts_with("http://") || text.starts_with("https://") => Self::Url(text.parse()?),
            _ if text.contains("://") => return Err("expected a URL that begins with http:// or https://".into()),
            _ => Self::File(text.into()),
        })
    }
}

impl FunctionsArgs {
    /// The contract of all functions. Blocks while it waits for a server.
    ///
    /// # Errors
    /// When a contract cannot be had or read, or when two sources have the same function.
    pub fn contract(&self) -> Result<Contract, BoxError> {
        let mut sources = self.functions.iter();
        let mut contract = sources.next().ok_or("--functions: expected a URL or a file")?.contract()?;
        for source in sources {
            let more = source.contract()?;
            if let Some(twice) = more.functions.keys().find(|name| contract.functions.contains_key(*name)) {
                return Err(format!("--functions {}: function {twice} is there twice", source.name()).into());
            }
            contract.functions.extend(more.functions);
            contract.ingresses.extend(more.ingresses);
        }
        self.connectors.apply(&mut contract)?;
        Ok(contract)
    }

    /// The options as they are written on a command line.
    pub fn given(&self) -> Vec<(String, String)> {
        let functions = self.functions.iter().map(|source| ("--functions".to_owned(), source.name()));
        functions.chain(self.connectors.options()).collect()
    }
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::Url(url) => url.to_string().trim_end_matches('/').to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::StandardInput => "-".to_owned(),
            Self::BuiltIn => "built-in".to_owned(),
        }
    }

    fn contract(&self) -> Result<Contract, BoxError> {
        let name = self.name();
        let json = self.read().map_err(|error| format!("--functions {name}: {error}"))?;
        Contract::from_json(&json).map_err(|error| format!("--functions {name}: {error}").into())
    }

    fn read(&self) -> Result<Vec<u8>, BoxError> {
        match self {
            Self::Url(url) => get(url),
            Self::File(path) => Ok(fs::read(path)?),
            Self::StandardInput => {
                let mut text = Vec::new();
                io::stdin().lock().take(LARGEST).read_to_end(&mut text)?;
                Ok(text)
            }
            Self::BuiltIn => Ok(BUILT_IN.into()),
        }
    }
}

fn get(url: &Uri) -> Result<Vec<u8>, BoxError> {
    const REMEDY: &str = "start the functions, or name them by --functions URL|FILE";

    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).tls_config(tls).build();
    let mut response =
        Agent::new_with_config(config).get(url).call().map_err(|error| format!("GET /: {error}; {REMEDY}"))?;
    let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
    Ok(body.map_err(|error| format!("GET /: {error}"))?)
}
