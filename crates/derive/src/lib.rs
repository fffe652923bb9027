#![doc = include_str!("../README.md")]

use proc_macro::TokenStream;
use proc_macro2::Span;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, DeriveInput, Error, Ident, LitStr, Path, Result, Token};

/// Gives a type its name on the wire, and the encoding of its values.
///
/// | attribute | encoding |
/// |---|---|
/// | `#[typed("namespace/name")]` | JSON, by serde: `Serialize` to write it, `Deserialize` to read it |
/// | `#[typed("namespace/name", proto)]` | protobuf, by prost: the type is a `prost::Message` |
/// | `#[typed("namespace/name", with = path)]` | one of its own: `path::encode(&T, &mut Vec<u8>)` and `path::decode(&Bytes)` return `Result<_, TypeError>` |
/// | `#[typed("namespace/name", name_only)]` | none: `Encode` and `Decode` are implemented by hand, or not at all |
///
/// The name is checked when the program is compiled.
///
/// A type that is only read needs no `Serialize`, one that is only written no `Deserialize`. A type with a lifetime, which borrows
/// from the message, has no `Decode`: bind its handler with `Function::on_message`, and read it with `Message::json`.
///
/// `statefun-sdk` has to be a dependency under its own name.
#[proc_macro_derive(Typed, attributes(typed))]
pub fn typed(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

struct Arguments {
    name: LitStr,
    encoding: Encoding,
}

enum Encoding {
    Json,
    Proto,
    With(Path),
    None,
}

const EXPECTED: &str = "expected #[typed(\"namespace/name\")], with `proto`, `with = path` or `name_only` after the name where it is not JSON";

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name: LitStr = input.parse().map_err(|error| Error::new(error.span(), EXPECTED))?;
        let mut arguments = Self { name, encoding: Encoding::Json };
        if input.is_empty() {
            return Ok(arguments);
        }
        input.parse::<Token![,]>()?;
        let encoding: Ident = input.parse().map_err(|error| Error::new(error.span(), EXPECTED))?;
        arguments.encoding = match encoding.to_string().as_str() {
            "proto" => Encoding::Proto,
            "name_only" => Encoding::None,
            "with" => {
                input.parse::<Token![=]>()?;
                Encoding::With(input.parse()?)
            }
            _ => return Err(Error::new(encoding.span(), EXPECTED)),
        };
        Ok(arguments)
    }
}

type Tokens = proc_macro2::TokenStream;

fn expand(input: &DeriveInput) -> Result<Tokens> {
    let Arguments { name, encoding } = arguments(&input.attrs)?;
    check(&name)?;
    let ident = &input.ident;
    let (impl_generics, generics, wheres) = input.generics.split_for_impl();
    let typed = quote! {
        #[automatically_derived]
        impl #impl_generics ::statefun_sdk::Typed for #ident #generics #wheres {
            const TYPE_NAME: ::statefun_sdk::TypeName = ::statefun_sdk::TypeName::new(#name);
        }
    };
    let (encode, decode) = match encoding {
        Encoding::None => return Ok(typed),
        Encoding::Json => (
            (Some(quote!(::statefun_sdk::__private::Serialize)), quote!(::statefun_sdk::__private::encode_json)),
            (Some(quote!(::statefun_sdk::__private::DeserializeOwned)), quote!(::statefun_sdk::__private::decode_json)),
        ),
        Encoding::Proto => {
            let message = Some(quote!(::statefun_sdk::__private::ProtoMessage));
            let owned = Some(quote!(::statefun_sdk::__private::ProtoMessage + ::core::default::Default));
            (
                (message, quote!(::statefun_sdk::__private::encode_proto)),
                (owned, quote!(::statefun_sdk::__private::decode_proto)),
            )
        }
        Encoding::With(path) => ((None, quote!(#path::encode)), (None, quote!(#path::decode))),
    };
    let ((encode_bound, encode), (decode_bound, decode)) = (encode, decode);
    let (encode_where, decode_where) = (where_clause(input, encode_bound), where_clause(input, decode_bound));
    let decode = quote! {
        #[automatically_derived]
        impl #impl_generics ::statefun_sdk::Decode for #ident #generics #decode_where {
            fn decode(bytes: &::statefun_sdk::Bytes) -> ::core::result::Result<Self, ::statefun_sdk::TypeError> {
                #decode(bytes)
            }
        }
    };
    // It cannot be read without something to borrow from. Without an implementation the errors lead on; with one that never
    // holds they speak of lifetimes.
    let borrows = input.generics.lifetimes().next().is_some();
    let decode = (!borrows).then_some(decode);
    Ok(quote! {
        #typed
        #[automatically_derived]
        impl #impl_generics ::statefun_sdk::Encode for #ident #generics #encode_where {
            fn encode(
                &self,
                out: &mut ::statefun_sdk::__private::Vec<u8>,
            ) -> ::core::result::Result<(), ::statefun_sdk::TypeError> {
                #encode(self, out)
            }
        }
        #decode
    })
}

/// The where clause of an implementation that is there only if the type is what its encoding needs.
///
/// A bound without type parameters that does not hold is a compile error. The lifetime in front of it defers the check to where the
/// implementation is used.
fn where_clause(input: &DeriveInput, bound: Option<Tokens>) -> Tokens {
    let (_, generics, wheres) = input.generics.split_for_impl();
    let ident = &input.ident;
    let bound = bound.map(|bound| quote!(for<'__typed> #ident #generics: #bound,));
    let given = wheres.map(|wheres| &wheres.predicates);
    let given = given.filter(|given| !given.is_empty()).map(|given| match given.trailing_punct() {
        true => quote!(#given),
        false => quote!(#given,),
    });
    if bound.is_some() || given.is_some() { quote!(where #given #bound) } else { Tokens::new() }
}

fn arguments(attributes: &[Attribute]) -> Result<Arguments> {
    let given: Vec<_> = attributes.iter().filter(|attribute| attribute.path().is_ident("typed")).collect();
    match given[..] {
        [attribute] => attribute.parse_args(),
        [] => Err(Error::new(Span::call_site(), format!("no type name: {EXPECTED}"))),
        [_, second, ..] => Err(Error::new_spanned(second, "a second type name: expected one")),
    }
}

/// As `TypeName::new`, which says the same later and elsewhere.
fn check(name: &LitStr) -> Result<()> {
    let text = name.value();
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => Ok(()),
        _ => Err(Error::new(
            name.span(),
            format!("{text:?} is not a type name: exactly one '/' with something on both sides, \"namespace/name\""),
        )),
    }
}
