use serde::{Deserialize, Serialize};
use statefun_sdk::{Address, TypeError, TypeName};

/// The data of an `example.function-subscription`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionSubscription {
    pub(super) publisher: FunctionAddress,
    pub(super) subscriber: FunctionAddress,
    pub(super) action: Action,
    #[serde(default)]
    pub(super) correlation_id: Option<String>,
}

/// What a subscriber requests from a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Action {
    /// The current details, and every later change.
    Subscribe,
    /// No more changes.
    Unsubscribe,
    /// The current details, once.
    Query,
}

/// The address of a function, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionAddress {
    /// The namespace of the function's type.
    pub namespace: String,
    /// The name of the function's type.
    pub r#type: String,
    /// The function's id.
    pub id: String,
}

impl FunctionAddress {
    /// Converts to an [`Address`].
    ///
    /// # Errors
    /// When namespace and type are not a valid type name.
    pub(super) fn to_address(&self) -> Result<Address, TypeError> {
        let type_name = TypeName::parse(format!("{}/{}", self.namespace, self.r#type));
        // Without the cause, which contains the text.
        let type_name = type_name
            .map_err(|_| TypeError::new("a function's address: expected texts without '/' in namespace and type"))?;
        Ok(type_name.with_id(self.id.as_str()))
    }
}

impl From<&Address> for FunctionAddress {
    fn from(address: &Address) -> Self {
        Self {
            namespace: address.namespace().to_owned(),
            r#type: address.name().to_owned(),
            id: address.id().to_string(),
        }
    }
}
