use std::borrow::Cow;
use std::fmt;

use crate::batch::{Erased, ErasedFunction};
use crate::declarations::Declarations;
use crate::stateful_function::{AsyncClosure, StatefulFunction, WithDependencies};
use crate::{Egress, FailurePolicy, InvalidTypeName, Type, TypeName, Typed, ValueSpec};

/// A function type: its name, its logic and what it declares.
///
/// The declarations are all that is known of it before it runs. States are what the runtime learns; targets and egresses
/// are checked here, because a message to a target or an egress that the cluster does not know fails the whole job over
/// and over.
///
/// ```
/// # use statefun_sdk::{Context, Egress, Function, FunctionError, Message, ValueSpec};
/// const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
///
/// async fn count(context: &mut Context, _message: Message) -> Result<(), FunctionError> {
///     context.update(&SEEN, |seen| *seen += 1)
/// }
///
/// let counter = Function::new("demo/counter", count).state(&SEEN);
/// ```
pub struct Function {
    pub(crate) type_name: Result<TypeName, InvalidTypeName>,
    pub(crate) logic: Box<dyn ErasedFunction>,
    pub(crate) declarations: Declarations,
}

impl Function {
    /// A function of this name with this logic. The name is checked when the registry is built.
    pub fn new(type_name: impl Into<Cow<'static, str>>, logic: impl StatefulFunction) -> Self {
        Self {
            type_name: TypeName::parse(type_name),
            logic: Box::new(Erased(logic)),
            declarations: Declarations::default(),
        }
    }

    /// A function whose logic is an `async` closure with dependencies.
    ///
    /// ```
    /// # use statefun_sdk::{Context, Function, FunctionError, Message};
    /// # struct Rates;
    /// # impl Rates { async fn of(&self, _: &str) -> Result<f64, std::io::Error> { Ok(1.0) } }
    /// let converter = Function::with("shop/converter", Rates, async |rates: &Rates, context: &mut Context, _: Message| {
    ///     let rate = rates.of(context.self_id()).await.map_err(FunctionError::retry)?;
    ///     context.reply(rate)
    /// })
    /// .replies();
    /// ```
    pub fn with<D: Send + Sync + 'static>(
        type_name: impl Into<Cow<'static, str>>,
        dependencies: D,
        logic: impl for<'a> AsyncClosure<'a, D>,
    ) -> Self {
        Self::new(type_name, WithDependencies { dependencies, function: logic })
    }

    /// Declares a state.
    #[must_use]
    pub fn state<T: Type>(mut self, spec: &ValueSpec<T>) -> Self {
        self.declarations.states.push(spec.declaration());
        self
    }

    /// Declares that it reads messages of type `T`. With at least one such declaration, messages of other types are
    /// ignored with one line in the log and do not reach the function; without any, all do.
    #[must_use]
    pub fn accepts<T: Typed>(mut self) -> Self {
        self.declarations.accepts.push(T::TYPE_NAME);
        self
    }

    /// Declares that it sends to functions of this type, in whatever language they are served.
    #[must_use]
    pub fn sends_to(mut self, target: TypeName) -> Self {
        self.declarations.targets.push(target);
        self
    }

    /// Declares that it answers whoever asked: any caller is a target while its message is handled.
    #[must_use]
    pub fn replies(mut self) -> Self {
        self.declarations.replies = true;
        self
    }

    /// Declares that it emits to this egress.
    #[must_use]
    pub fn emits(mut self, egress: Egress) -> Self {
        self.declarations.egresses.push(egress);
        self
    }

    /// Says what becomes of messages that will fail for ever. The egress of dead letters counts as declared.
    #[must_use]
    pub fn on_failure(mut self, policy: FailurePolicy) -> Self {
        self.declarations.on_failure = policy;
        self
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("type_name", &self.type_name).finish_non_exhaustive()
    }
}
