//! An application that only tests have: what adding one takes is this folder, a line of `list` and its `mod` in lib.rs.

mod demo;
#[cfg(test)]
mod tests;

use clap::Args;
use statefun_sdk::{
    BoxError, Context, Destination, Egress, Function, FunctionError, Ingress, TypeName, Typed, ValueSpec,
};

use crate::application::{Application, ApplicationOptions, DemoOptions, Options};
use crate::destinations::{ConfigurableEgress, Destinations};
use crate::settings;
use demo::WishlistDemo;

pub(crate) const APPLICATION: Application = Application {
    name: "wishlist",
    about: "Wishes, counted up to a limit",
    ingresses: &[Ingress::new("wishes/ingress", "wishes", String::TYPE_NAME, WISHLIST)],
    egresses: &[FULL],
    functions: |destinations, settings| vec![function(destinations, settings.get())],
    options: Options::of::<WishlistArgs>(),
    demo: DemoOptions::of::<WishlistDemo>(),
    events: "a text",
};

const WISHLIST: TypeName = TypeName::new("wishes/wishlist");
const WISHES: ValueSpec<i32> = ValueSpec::new("wishes");
const FULL: ConfigurableEgress = ConfigurableEgress::new(Egress::new("wishes/full"), "full-wishlists");

#[derive(Debug, Clone)]
struct Settings {
    limit: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limit: 3 }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Wishlist")]
struct WishlistArgs {
    /// The most wishes of a list
    #[arg(long, value_name = "N", default_value_t = Settings::default().limit)]
    wishes: i32,
}

impl ApplicationOptions for WishlistArgs {
    fn configure(self, settings: &mut settings::Settings) -> Result<(), BoxError> {
        settings.set(Settings { limit: self.wishes });
        Ok(())
    }
}

struct Wishlist {
    full: Destination,
    limit: i32,
}

fn function(destinations: &Destinations, settings: Settings) -> Function {
    let full = destinations.of_own(&FULL);
    Function::new(WISHLIST)
        .on(Wishlist::add)
        .state(&WISHES)
        .emits_to(FULL.egress, full.connector())
        .with(Wishlist { full, limit: settings.limit })
}

impl Wishlist {
    async fn add(&self, context: &mut Context, wish: String) -> Result<(), FunctionError> {
        let wishes = context.update(&WISHES, |wishes| {
            *wishes += 1;
            *wishes
        })?;
        match wishes > self.limit {
            true => context.emit(FULL.egress, self.full.record(context.self_id(), wish)),
            false => Ok(()),
        }
    }
}
