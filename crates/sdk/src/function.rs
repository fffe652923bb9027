use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use crate::batch::{Erased, ErasedFunction};
use crate::{
    Context, DeadLetter, Egress, FunctionError, InvalidTypeName, Message, StateDeclaration, Type, TypeName, Typed,
    ValueSpec,
};

/// The logic of a function type.
///
/// An `async fn(&mut Context, Message) -> Result<(), FunctionError>` is one, and so is an `async` closure that captures
/// nothing. Implement it for a struct that holds dependencies (clients, configuration), or hand them over with
/// [`Function::with`].
///
/// One value serves all instances and all requests, many at a time: what belongs to an instance belongs in its states.
pub trait StatefulFunction: Send + Sync + 'static {
    /// Handles one message. Messages of one batch come one after the other.
    fn invoke(&self, context: &mut Context, message: Message)
    -> impl Future<Output = Result<(), FunctionError>> + Send;
}

impl<F> StatefulFunction for F
where
    F: for<'a> AsyncFunction<'a>,
{
    fn invoke(
        &self,
        context: &mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send {
        self.call(context, message)
    }
}

/// `Fn(&'a mut Context, Message) -> impl Future + Send + 'a`, which stable Rust cannot say of an `AsyncFn` bound.
#[doc(hidden)]
pub trait AsyncFunction<'a>: Send + Sync + 'static {
    fn call(
        &self,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a;
}

impl<'a, F, O> AsyncFunction<'a> for F
where
    F: Fn(&'a mut Context, Message) -> O + Send + Sync + 'static,
    O: Future<Output = Result<(), FunctionError>> + Send + 'a,
{
    fn call(
        &self,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a {
        self(context, message)
    }
}

/// An `async` closure or function that takes its dependencies as its first argument; see [`Function::with`].
pub trait AsyncClosure<'a, D>: Send + Sync + 'static {
    #[doc(hidden)]
    fn call(
        &self,
        dependencies: &'a D,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a;
}

impl<'a, D, F, O> AsyncClosure<'a, D> for F
where
    D: 'a,
    F: Fn(&'a D, &'a mut Context, Message) -> O + Send + Sync + 'static,
    O: Future<Output = Result<(), FunctionError>> + Send + 'a,
{
    fn call(
        &self,
        dependencies: &'a D,
        context: &'a mut Context,
        message: Message,
    ) -> impl Future<Output = Result<(), FunctionError>> + Send + 'a {
        self(dependencies, context, message)
    }
}

struct WithDependencies<D, F> {
    dependencies: D,
    function: F,
}

impl<D, F> StatefulFunction for WithDependencies<D, F>
where
    D: Send + Sync + 'static,
    F: for<'a> AsyncClosure<'a, D>,
{
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        self.function.call(&self.dependencies, context, message).await
    }
}

/// What becomes of a message that will fail for ever: one that cannot be read, an undeclared target, a panic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// The batch fails. The runtime sends it again until its call time-out and then restarts the job, for ever.
    #[default]
    Fail,
    /// A record of it goes to an egress, what it did is dropped, and the batch goes on.
    DeadLetter(DeadLetter),
}

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

/// What a function declares; shared by its batches.
#[derive(Clone, Default)]
pub(crate) struct Declarations {
    pub(crate) states: Vec<StateDeclaration>,
    pub(crate) targets: Vec<TypeName>,
    pub(crate) replies: bool,
    pub(crate) egresses: Vec<Egress>,
    pub(crate) accepts: Vec<TypeName>,
    pub(crate) on_failure: FailurePolicy,
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
