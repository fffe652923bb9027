//! Where the contract of functions comes from: a running server, a file, or this program itself.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use statefun_module::command::{EgressConnectors, read_contract};
use statefun_sdk::{BoxError, Contract};
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};

/// What `statefun-server contract` prints: the applications that come with this project.
const BUILT_IN: &str = include_str!("../applications.json");

/// A server answers at once.
const TIMEOUT: Duration = Duration::from_secs(10);

/// More than the largest contract, in bytes: the HTTP client needs a bound of its own.
const LARGEST_BODY: u64 = 32 * 1024 * 1024;

/// Which functions a command is about.
#[derive(Debug, Args)]
pub struct FunctionsArgs {
    /// The functions: the URL of a server that runs, a file with what it returns at GET / or `contract` printed, - for standard
    /// input, or built-in for the applications of statefun-server
    ///
    /// Can be repeated, for functions of several servers.
    #[arg(long, env = "STATEFUN_FUNCTIONS", value_name = "URL|FILE", default_value = "http://localhost:8000")]
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
        const URL: &str = "expected http://HOST:PORT or https://HOST, without user and password";

        Ok(match text {
            "" => return Err("expected a URL or a file".into()),
            "built-in" => Self::BuiltIn,
            "-" => Self::StandardInput,
            _ if text.starts_with("http://") || text.starts_with("https://") => {
                let url: Uri = text.parse()?;
                // A password would stand in messages, and in the module that is rendered.
                if url.authority().is_none_or(|authority| authority.as_str().contains('@')) {
                    return Err(URL.into());
                }
                Self::Url(url)
            }
            _ if text.contains("://") => return Err(URL.into()),
            _ => Self::File(text.into()),
        })
    }
}

impl FunctionsArgs {
    /// The contract of all functions; `input_is_taken` says whether the command reads something else from standard input.
    /// Blocks while it waits for a server.
    ///
    /// # Errors
    /// When a contract cannot be had or read, or when two sources have the same function or ingress.
    pub fn contract(&self, input_is_taken: bool) -> Result<Contract, BoxError> {
        let inputs = self.functions.iter().filter(|source| **source == Source::StandardInput).count();
        if inputs + usize::from(input_is_taken) > 1 {
            return Err("--functions -: standard input is read already, and only once".into());
        }
        let mut sources = self.functions.iter();
        let mut contract = sources.next().ok_or("--functions: expected a URL or a file")?.contract()?;
        for source in sources {
            let more = source.contract()?;
            let function = more.functions.keys().find(|name| contract.functions.contains_key(*name));
            let ingress = more.ingresses.keys().find(|id| contract.ingresses.contains_key(*id));
            for (what, twice) in [("function", function), ("ingress", ingress)] {
                if let Some(twice) = twice {
                    return Err(format!("--functions {}: {what} {twice} is there twice", source.name()).into());
                }
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
    /// Without the query of a URL, which may hold a key.
    fn name(&self) -> String {
        match self {
            Self::Url(url) => {
                let authority = url.authority().map(ToString::to_string).unwrap_or_default();
                let path = url.path().trim_end_matches('/');
                format!("{}://{authority}{path}", url.scheme_str().unwrap_or("http"))
            }
            Self::File(path) => path.display().to_string(),
            Self::StandardInput => "-".to_owned(),
            Self::BuiltIn => "built-in".to_owned(),
        }
    }

    fn contract(&self) -> Result<Contract, BoxError> {
        self.read().map_err(|error| format!("--functions {}: {error}", self.name()).into())
    }

    fn read(&self) -> Result<Contract, BoxError> {
        match self {
            Self::Url(url) => read_contract(&*get(url)?),
            Self::File(path) => match File::open(path) {
                Ok(file) => read_contract(file),
                // What is no URL to us may be meant as one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Err(format!("{error}; expected a file, or a URL that begins with http:// or https://").into())
                }
                Err(error) => Err(error.into()),
            },
            Self::StandardInput => read_contract(io::stdin().lock()),
            Self::BuiltIn => read_contract(BUILT_IN.as_bytes()),
        }
    }
}

fn get(url: &Uri) -> Result<Vec<u8>, BoxError> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).tls_config(tls).build();
    match Agent::new_with_config(config).get(url).call() {
        Ok(mut response) => {
            let body = response.body_mut().with_config().limit(LARGEST_BODY).read_to_vec();
            Ok(body.map_err(|error| format!("GET {}: {error}", url.path()))?)
        }
        Err(error @ ureq::Error::StatusCode(_)) => {
            Err(format!("GET {}: {error}; expected 200 and the functions", url.path()).into())
        }
        Err(error) => {
            Err(format!("GET {}: {error}; start the functions, or name them by --functions URL|FILE", url.path())
                .into())
        }
    }
}
