//! The messages of `proto/shopping_cart.proto`.

use statefun_sdk::{TypeName, Typed};

include!(concat!(env!("OUT_DIR"), "/shopping_cart.rs"));

macro_rules! typed {
    ($($message:ident)*) => {$(
        impl Typed for $message {
            const TYPE_NAME: TypeName = TypeName::new(concat!("com.googleapis/", stringify!($message)));
        }
    )*};
}

typed! {
    AddToCart AddToCartResult ItemReserved ItemUnavailable ItemsInCart NumInStock NumReserved RequestItem RestockItem
}
