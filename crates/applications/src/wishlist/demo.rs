use clap::Args;
use statefun_sdk::{BoxError, Bytes, TypedValue};

use super::{Settings, WISHLIST};
use crate::demo::{Demo, Event};
use crate::settings;

#[derive(Debug, Args)]
pub(super) struct WishlistDemo {
    /// Whose wishes
    #[arg(long, default_value = "ann")]
    user: String,
}

impl Demo for WishlistDemo {
    fn configure(&self, settings: &mut settings::Settings) {
        settings.set(Settings { limit: 1 });
    }

    fn events(&self) -> Bytes {
        Bytes::from_static(b"a bicycle\na cat\n")
    }

    fn event(&self, line: Bytes) -> Result<Event, BoxError> {
        let wish = String::from_utf8(line.to_vec())?;
        let message = TypedValue::new(&wish)?;
        Ok(Event { target: WISHLIST.with_id(self.user.as_str()), message, kind: "wish".to_owned(), id: wish })
    }
}
