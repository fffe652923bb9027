use crate::TypeName;

/// An ingress of the cluster: the records of one Kafka topic or Kinesis stream become messages to one function type. A
/// record's key is the id of the instance that receives it.
///
/// The runtime learns ingresses from module.yaml alone. Declared with
/// [`RegistryBuilder::ingress`](crate::RegistryBuilder::ingress), they are part of the [`Contract`](crate::Contract), from
/// which `statefun-module` writes the module.
///
/// ```
/// use statefun_sdk::{Ingress, TypeName};
/// const LOGINS: Ingress = Ingress::new("demo/logins", "logins", TypeName::new("demo/login"), TypeName::new("demo/greeter"));
/// assert_eq!((LOGINS.id().name(), LOGINS.topic()), ("logins", "logins"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    id: TypeName,
    topic: &'static str,
    value_type: TypeName,
    target: TypeName,
}

impl Ingress {
    /// An ingress with this id in module.yaml: records of `topic`, a topic or a stream, as messages of type `value_type` to
    /// functions of type `target`.
    ///
    /// # Panics
    /// When the id is not `namespace/name`. In a `const` that is a compile error.
    pub const fn new(id: &'static str, topic: &'static str, value_type: TypeName, target: TypeName) -> Self {
        Self { id: TypeName::new(id), topic, value_type, target }
    }

    /// Its id in module.yaml.
    pub const fn id(&self) -> &TypeName {
        &self.id
    }

    /// The name of the topic or stream.
    pub const fn topic(&self) -> &'static str {
        self.topic
    }

    /// The type of the messages.
    pub const fn value_type(&self) -> &TypeName {
        &self.value_type
    }

    /// The function type that receives them.
    pub const fn target(&self) -> &TypeName {
        &self.target
    }
}
