//! The check of module.yaml.

use std::cell::LazyCell;

use statefun_sdk::Contract;

use crate::registry;

thread_local! {
    static CONTRACT: LazyCell<Contract> = LazyCell::new(|| Contract::of(&registry()));
}

pub(crate) fn checked(bytes: &[u8]) {
    CONTRACT.with(|contract| {
        // A terminal shows what is printed.
        let printed = statefun_module::check(bytes, contract).to_string();
        assert!(!printed.contains('\u{1b}'), "{printed:?}");
    });
}
