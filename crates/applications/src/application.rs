//! What an application consists of.

use clap::{ArgMatches, Args, Command};
use statefun_sdk::{BoxError, Function, Ingress};

use crate::demo::Demo;
use crate::destinations::{ConfigurableEgress, Destinations};
use crate::settings::Settings;

/// An application: its name, ingresses, egresses, functions, options and demo.
pub struct Application {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) ingresses: &'static [Ingress],
    pub(crate) egresses: &'static [ConfigurableEgress],
    pub(crate) functions: fn(&Destinations, &Settings) -> Vec<Function>,
    pub(crate) options: Options,
    pub(crate) demo: DemoOptions,
    pub(crate) events: &'static str,
}

impl Application {
    /// The application's name on the command line.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does, in one line.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The sources of its messages.
    pub fn ingresses(&self) -> &'static [Ingress] {
        self.ingresses
    }

    /// Its functions.
    pub fn functions(&self, destinations: &Destinations, settings: &Settings) -> Vec<Function> {
        (self.functions)(destinations, settings)
    }

    /// What a line of its demo's events is.
    pub fn events(&self) -> &'static str {
        self.events
    }

    /// Its demo's options.
    pub fn demo(&self) -> &DemoOptions {
        &self.demo
    }
}

/// An application's options on a command line, which become its settings.
pub(crate) trait ApplicationOptions: Args {
    /// Writes them into the settings.
    ///
    /// # Errors
    /// When they are invalid; the error names the option.
    fn configure(self, settings: &mut Settings) -> Result<(), BoxError>;
}

/// The options of an application that has none.
#[derive(Debug, Args)]
// Several applications of a command have none, and groups need names of their own.
#[group(skip)]
pub(crate) struct NoOptions {}

impl ApplicationOptions for NoOptions {
    fn configure(self, _: &mut Settings) -> Result<(), BoxError> {
        Ok(())
    }
}

/// An application's options, their type erased.
pub(crate) struct Options {
    pub(crate) augment: fn(Command) -> Command,
    pub(crate) configure: fn(&ArgMatches, &mut Settings) -> Result<(), BoxError>,
}

impl Options {
    pub(crate) const fn of<A: ApplicationOptions>() -> Self {
        Self {
            augment: A::augment_args,
            configure: |matches, settings| A::from_arg_matches(matches)?.configure(settings),
        }
    }
}

/// A demo's options on a command line, their type erased.
pub struct DemoOptions {
    augment: fn(Command) -> Command,
    demo: fn(&ArgMatches) -> Result<Box<dyn Demo>, BoxError>,
}

impl DemoOptions {
    pub(crate) const fn of<D: Demo + Args + 'static>() -> Self {
        Self { augment: D::augment_args, demo: |matches| Ok(Box::new(D::from_arg_matches(matches)?)) }
    }

    /// Adds the options to a command.
    pub fn augment(&self, command: Command) -> Command {
        (self.augment)(command)
    }

    /// The demo with the options that were given.
    ///
    /// # Errors
    /// When they are invalid.
    pub fn demo(&self, matches: &ArgMatches) -> Result<Box<dyn Demo>, BoxError> {
        (self.demo)(matches)
    }
}
