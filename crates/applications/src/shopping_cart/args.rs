use clap::Args;
use statefun_sdk::BoxError;

use super::Settings;
use crate::application::ApplicationOptions;
use crate::settings;

/// Options of the shopping cart.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shopping cart")]
pub(super) struct ShoppingCartArgs {
    /// The stock of an item that was never restocked; unlimited by default
    #[arg(
        long,
        env = "STATEFUN_INITIAL_STOCK",
        value_name = "N",
        default_value_t = Settings::default().initial_stock,
        value_parser = clap::value_parser!(i32).range(0..),
        allow_negative_numbers = true,
    )]
    initial_stock: i32,
}

impl ApplicationOptions for ShoppingCartArgs {
    fn configure(self, settings: &mut settings::Settings) -> Result<(), BoxError> {
        settings.set(Settings { initial_stock: self.initial_stock });
        Ok(())
    }
}
