use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::dead_letter_budget::{DeadLetterBudget, DeadLetterUsage};
use crate::declarations::{Declarations, Target};
use crate::handlers::Handlers;
use crate::{
    Address, Connector, Egress, FailurePolicy, Function, Ingress, InvalidTypeName, StateDeclaration, TypeName,
    UnexpectedTypePolicy,
};

/// All functions of a process, checked.
///
/// ```
/// # use statefun_sdk::{Context, Function, FunctionError, Registry};
/// # async fn greet(_: &mut Context, _: String) -> Result<(), FunctionError> { Ok(()) }
/// # fn main() -> Result<(), statefun_sdk::RegistryError> {
/// let registry = Registry::builder().function(Function::new("demo/greeter").on(greet)).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Registry {
    functions: Vec<RegisteredFunction>,
    /// Positions in `functions`, by namespace and name.
    positions: BTreeMap<String, BTreeMap<String, usize>>,
    ingresses: Vec<Ingress>,
}

/// A function of a [`Registry`] and what it declared.
pub struct RegisteredFunction {
    type_name: TypeName,
    pub(crate) handlers: Handlers<()>,
    pub(crate) declarations: Arc<Declarations>,
    pub(crate) dead_letter_budget: DeadLetterBudget,
}

impl Registry {
    /// Begins an empty registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder { functions: Vec::new(), ingresses: Vec::new() }
    }

    /// The functions in the order in which they were registered.
    pub fn functions(&self) -> &[RegisteredFunction] {
        &self.functions
    }

    /// The ingresses in the order in which they were declared.
    pub fn ingresses(&self) -> &[Ingress] {
        &self.ingresses
    }

    pub(crate) fn position(&self, address: &Address) -> Option<usize> {
        self.positions.get(address.namespace())?.get(address.name()).copied()
    }
}

impl RegisteredFunction {
    /// The function's type name.
    pub fn type_name(&self) -> &TypeName {
        &self.type_name
    }

    /// Its states.
    pub fn states(&self) -> &[StateDeclaration] {
        &self.declarations.states
    }

    /// The types of messages that it handles; empty where it has a [`fallback`](Function::fallback), which handles any.
    pub fn accepts(&self) -> &[TypeName] {
        if self.handlers.fallback.is_some() { &[] } else { &self.declarations.accepts }
    }

    /// The function types that it sends to.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = &TypeName> {
        self.declarations.targets.iter().map(|target| &target.type_name)
    }

    /// The types of the messages that it sends to this function type; empty where they were not [declared](Function::sends).
    pub fn messages_to(&self, target: &TypeName) -> &[TypeName] {
        let target = self.declarations.targets.iter().find(|declared| declared.type_name == *target);
        target.map(|target| &*target.messages).unwrap_or_default()
    }

    /// Whether it replies to senders.
    pub fn replies(&self) -> bool {
        self.declarations.replies
    }

    /// The egresses that it emits to, that of its dead letters included.
    pub fn egresses(&self) -> impl ExactSizeIterator<Item = &Egress> {
        self.declarations.egresses.iter().map(|(egress, _)| egress)
    }

    /// Whether its records to this egress are of Kafka or of Kinesis; `None` where it did not declare it.
    pub fn connector_of(&self, egress: &Egress) -> Option<Connector> {
        let declared = self.declarations.egresses.iter().find(|(declared, _)| declared == egress);
        declared.and_then(|(_, connector)| *connector)
    }

    /// What becomes of poison.
    pub fn on_failure(&self) -> &FailurePolicy {
        &self.declarations.on_failure
    }

    /// What becomes of messages of a type that it does not read.
    pub fn on_unexpected_type(&self) -> UnexpectedTypePolicy {
        self.declarations.on_unexpected_type
    }

    /// How many dead letters it has made lately, in this process.
    pub fn dead_letter_usage(&self) -> DeadLetterUsage {
        self.dead_letter_budget.usage()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.functions).finish()
    }
}

impl fmt::Debug for RegisteredFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredFunction")
            .field("type_name", &self.type_name)
            .field("states", &self.states())
            .field("accepts", &self.accepts())
            .field("targets", &self.targets().collect::<Vec<_>>())
            .field("replies", &self.replies())
            .field("egresses", &self.declarations.egresses)
            .finish_non_exhaustive()
    }
}

/// Collects functions for a [`Registry`].
#[derive(Debug)]
#[must_use]
pub struct RegistryBuilder {
    functions: Vec<Function>,
    ingresses: Vec<Ingress>,
}

impl RegistryBuilder {
    /// Adds a function.
    pub fn function(mut self, function: Function) -> Self {
        self.functions.push(function);
        self
    }

    /// Adds several functions.
    pub fn functions(mut self, functions: impl IntoIterator<Item = Function>) -> Self {
        self.functions.extend(functions);
        self
    }

    /// Declares an ingress. What serves requests has no use for it; it is for those who write or check a module.yaml.
    pub fn ingress(mut self, ingress: Ingress) -> Self {
        self.ingresses.push(ingress);
        self
    }

    /// Declares several ingresses.
    pub fn ingresses(mut self, ingresses: impl IntoIterator<Item = Ingress>) -> Self {
        self.ingresses.extend(ingresses);
        self
    }

    /// Checks the functions and ingresses.
    ///
    /// # Errors
    /// When a name is not `namespace/name`, two functions have the same name, two states of a function do, a function has no
    /// handler or two for one type, it declares an egress for two connectors, it sends messages to another of the registry that
    /// does not accept them, or two ingresses have the same id.
    pub fn build(self) -> Result<Registry, RegistryError> {
        let mut registry = Registry::default();
        for function in self.functions {
            registry.add(function)?;
        }
        for ingress in self.ingresses {
            if registry.ingresses.iter().any(|other| other.id() == ingress.id()) {
                return Err(RegistryError::DuplicateIngress(ingress.id().clone()));
            }
            registry.ingresses.push(ingress);
        }
        registry.check_messages()?;
        Ok(registry)
    }
}

impl Registry {
    fn add(&mut self, function: Function) -> Result<(), RegistryError> {
        let type_name = function.type_name.map_err(RegistryError::InvalidTypeName)?;
        let mut declarations = function.declarations;
        for (position, state) in declarations.states.iter().enumerate() {
            if declarations.states[..position].iter().any(|other| other.name() == state.name()) {
                return Err(RegistryError::DuplicateState { function: type_name, state: state.name() });
            }
        }
        let accepts = &declarations.accepts;
        if accepts.is_empty() && function.handlers.fallback.is_none() {
            return Err(RegistryError::NoHandler(type_name));
        }
        if let Some((_, twice)) = accepts.iter().enumerate().find(|(at, accepted)| accepts[..*at].contains(accepted)) {
            return Err(RegistryError::DuplicateHandler { function: type_name, message_type: twice.clone() });
        }
        if let FailurePolicy::DeadLetter(dead_letter) = &declarations.on_failure {
            let connector = dead_letter.destination().connector();
            declarations.egresses.push((dead_letter.egress().clone(), Some(connector)));
        }
        declarations.egresses = merged(&type_name, declarations.egresses)?;
        if declarations.on_unexpected_type == UnexpectedTypePolicy::DeadLetter
            && declarations.on_failure.dead_letter().is_none()
        {
            return Err(RegistryError::NoDeadLetters(type_name));
        }
        let names = self.positions.entry(type_name.namespace().to_owned()).or_default();
        if names.insert(type_name.name().to_owned(), self.functions.len()).is_some() {
            return Err(RegistryError::DuplicateFunction(type_name));
        }
        self.functions.push(RegisteredFunction {
            type_name,
            handlers: function.handlers,
            declarations: Arc::new(declarations),
            dead_letter_budget: DeadLetterBudget::default(),
        });
        Ok(())
    }

    /// A function of this registry accepts what the others declare that they send to it.
    fn check_messages(&self) -> Result<(), RegistryError> {
        for function in &self.functions {
            for Target { type_name, messages } in &function.declarations.targets {
                let target = self.functions.iter().find(|other| other.type_name == *type_name);
                let Some(accepts) = target.map(RegisteredFunction::accepts).filter(|accepts| !accepts.is_empty())
                else {
                    continue;
                };
                if let Some(message) = messages.iter().find(|message| !accepts.contains(message)) {
                    return Err(RegistryError::NotAccepted {
                        function: function.type_name.clone(),
                        target: type_name.clone(),
                        message_type: message.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Each egress once: who declared no connector takes that of another declaration.
fn merged(
    function: &TypeName,
    declared: Vec<(Egress, Option<Connector>)>,
) -> Result<Vec<(Egress, Option<Connector>)>, RegistryError> {
    let mut egresses: Vec<(Egress, Option<Connector>)> = Vec::with_capacity(declared.len());
    for (egress, connector) in declared {
        match egresses.iter_mut().find(|(known, _)| *known == egress) {
            None => egresses.push((egress, connector)),
            Some((_, known)) if known.is_none() || connector.is_none() || *known == connector => {
                *known = known.or(connector);
            }
            Some(_) => return Err(RegistryError::TwoConnectors { function: function.clone(), egress }),
        }
    }
    Ok(egresses)
}

/// What is wrong with the functions of a [`Registry`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// A function's name is not `namespace/name`.
    InvalidTypeName(InvalidTypeName),
    /// Two functions have the same name.
    DuplicateFunction(TypeName),
    /// A function has two states of the same name.
    DuplicateState {
        /// The function.
        function: TypeName,
        /// The state's name.
        state: &'static str,
    },
    /// A function that handles nothing.
    NoHandler(TypeName),
    /// A function has two handlers for one type of message.
    DuplicateHandler {
        /// The function.
        function: TypeName,
        /// The type of the messages.
        message_type: TypeName,
    },
    /// A function sends messages to another of the registry that has no handler for them.
    NotAccepted {
        /// The sender.
        function: TypeName,
        /// The receiver.
        target: TypeName,
        /// The type of the messages.
        message_type: TypeName,
    },
    /// Messages of unexpected types are to be dead letters, and the function has no egress for those.
    NoDeadLetters(TypeName),
    /// Two ingresses have the same id.
    DuplicateIngress(TypeName),
    /// A function declares an egress with two connectors, dead letters included; an egress is of one.
    TwoConnectors {
        /// The function.
        function: TypeName,
        /// The egress.
        egress: Egress,
    },
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidTypeName(error) => write!(f, "a function cannot be registered: {error}"),
            Self::DuplicateFunction(name) => {
                write!(f, "function {name} is registered twice: every function type needs a name of its own")
            }
            Self::DuplicateState { function, state } => {
                write!(f, "function {function} declares state {state:?} twice: every state needs a name of its own")
            }
            Self::NoHandler(name) => {
                write!(f, "function {name} handles nothing: add .on(…) or .fallback(…) where it is made")
            }
            Self::DuplicateHandler { function, message_type } => {
                write!(f, "function {function} has two handlers for {message_type}: bind one")
            }
            Self::TwoConnectors { function, egress } => {
                write!(
                    f,
                    "function {function} declares egress {egress} for Kafka and for Kinesis, dead letters included: give each \
                     connector an egress of its own"
                )
            }
            Self::NotAccepted { function, target, message_type } => {
                write!(
                    f,
                    "function {function} sends messages of type {message_type} to {target}, which has no handler for them: add \
                     .on(…) where {target} is made"
                )
            }
            Self::NoDeadLetters(name) => {
                write!(
                    f,
                    "function {name} makes dead letters of unexpected types, and has no egress for them: add \
                     .on_failure(FailurePolicy::DeadLetter(…)) where it is made"
                )
            }
            Self::DuplicateIngress(id) => {
                write!(f, "ingress {id} is declared twice: every ingress needs an id of its own")
            }
        }
    }
}

impl std::error::Error for RegistryError {}
