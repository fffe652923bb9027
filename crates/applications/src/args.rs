//! The options of all applications on a command line.

use std::str::FromStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};
use statefun_sdk::{BoxError, Connector, Destination, Registry};

use crate::application::Application;
use crate::destinations::{Destinations, EgressSetting, UnknownEgress};
use crate::list::{applications, registry};
use crate::settings::Settings;

/// The options of all applications, and of where their egresses lead: those of `serve`, `module` and `contract`.
#[derive(Debug, Clone)]
pub struct ApplicationArgs {
    egresses: EgressArgs,
    /// What the applications read their own options from.
    matches: ArgMatches,
}

impl Args for ApplicationArgs {
    fn augment_args(command: Command) -> Command {
        let command = EgressArgs::augment_args(command);
        applications().iter().fold(command, |command, application| {
            (application.options.augment)(command).next_help_heading(None::<&'static str>)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ApplicationArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self { egresses: EgressArgs::from_arg_matches(matches)?, matches: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ApplicationArgs {
    /// The functions of all applications with these options, and their ingresses.
    ///
    /// # Errors
    /// When an application's options are invalid, or one names an egress that none has.
    pub fn registry(&self) -> Result<Registry, BoxError> {
        self.registry_of(|_| true)
    }

    /// The same of some of the applications, which are chosen by their names.
    ///
    /// # Errors
    /// When an application's options are invalid, or one names an egress that none has.
    pub fn registry_of(&self, is_chosen: impl Fn(&str) -> bool) -> Result<Registry, BoxError> {
        let mut settings = Settings::default();
        for application in applications() {
            (application.options.configure)(&self.matches, &mut settings)?;
        }
        let chosen: Vec<&Application> =
            applications().iter().filter(|application| is_chosen(application.name)).collect();
        Ok(registry(chosen, &self.egresses.destinations()?, &settings)?)
    }

    /// The options that a module of this registry depends on, as they are written on a command line: the connectors of its
    /// egresses, and what was given of the applications' options, but for those whose values help does not show.
    pub fn given(&self, registry: &Registry) -> Vec<(String, String)> {
        let mut given = self.given_egresses(registry);
        let options = applications().iter().fold(Command::new(""), |all, one| (one.options.augment)(all));
        for option in options.get_arguments().filter(|option| !option.is_hide_env_values_set()) {
            let is_given = self.matches.value_source(option.get_id().as_str()) != Some(ValueSource::DefaultValue);
            if let (Some(name), true) = (option.get_long(), is_given) {
                given.extend(self.raw(option).map(|value| (format!("--{name}"), value)));
            }
        }
        given
    }

    fn raw(&self, option: &Arg) -> impl Iterator<Item = String> {
        let values = self.matches.get_raw(option.get_id().as_str()).into_iter().flatten();
        values.map(|value| value.to_string_lossy().into_owned())
    }

    /// A single option if all egresses have the same connector.
    fn given_egresses(&self, registry: &Registry) -> Vec<(String, String)> {
        let used = |egress| registry.functions().iter().any(|one| one.egresses().any(|declared| declared == egress));
        // Those of a registry are known.
        let destinations = self.egresses.destinations().unwrap_or_default();
        let all: Vec<_> = destinations.iter().filter(|(egress, _)| used(*egress)).collect();
        let kinesis: Vec<String> = all
            .iter()
            .filter_map(|(egress, destination)| match destination {
                Destination::Kinesis(stream) => Some(format!("{egress}=kinesis:{stream}")),
                Destination::Kafka(_) => None,
            })
            .collect();
        let options = match kinesis.len() {
            0 => vec![Connector::Kafka.to_string()],
            count if count == all.len() => vec![Connector::Kinesis.to_string()],
            _ => kinesis,
        };
        options.into_iter().map(|option| ("--egress".to_owned(), option)).collect()
    }
}

/// The destinations of egresses.
#[derive(Debug, Clone, Args)]
struct EgressArgs {
    /// The destination of egresses: kafka or kinesis for all, ID=kafka:TOPIC or ID=kinesis:STREAM for one
    ///
    /// Can be repeated; a setting for one egress overrides the setting for all. GET / lists the egresses of all
    /// functions; by default, each has a Kafka topic of its own. Pass the same values to `serve`, `module` and
    /// `contract`.
    #[arg(long = "egress", env = "STATEFUN_EGRESS", value_name = "KIND|ID=KIND:NAME", value_delimiter = ',')]
    egresses: Vec<EgressOption>,
}

/// The value of one `--egress`.
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
    /// The destinations of all egresses.
    ///
    /// # Errors
    /// When an option names an egress that no function has.
    fn destinations(&self) -> Result<Destinations, UnknownEgress> {
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
