use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::declarations::{Declarations, Target};
use crate::handlers::{ErasedHandler, Handlers, Logic};
use crate::message_handler::{FromMessage, MessageHandler};
use crate::{
    Connector, Decode, Egress, Encode, FailurePolicy, InvalidTypeName, Message, TypeError, TypeName, Typed,
    UnexpectedTypePolicy, ValueSpec,
};

/// A function type: its name, a handler for each type of message, and what it declares.
///
/// The declarations are all that is known of it before it runs. States are what the runtime learns; targets and egresses
/// are checked here, because a message to a target or an egress that the cluster does not know makes the whole job restart over
/// and over.
///
/// ```
/// use serde::Deserialize;
/// use statefun_sdk::{Context, Function, FunctionError, Typed, ValueSpec};
///
/// #[derive(Deserialize, Typed)]
/// #[typed("shop/visit")]
/// struct Visit { pages: i32 }
///
/// const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
///
/// async fn count(context: &mut Context, visit: Visit) -> Result<(), FunctionError> {
///     context.update(&SEEN, |seen| *seen += visit.pages)
/// }
///
/// let counter: Function = Function::new("shop/counter").on(count).state(&SEEN);
/// ```
///
/// With dependencies, which all handlers of the function share:
///
/// ```
/// # use serde::Deserialize;
/// # use statefun_sdk::{Context, Function, FunctionError, ResultExt, Typed};
/// # #[derive(Deserialize, Typed)]
/// # #[typed("shop/amount")]
/// # struct Amount { euros: f64 }
/// # struct Rates;
/// # impl Rates { async fn of(&self, _: &str) -> Result<f64, std::io::Error> { Ok(1.0) } }
/// struct Converter { rates: Rates }
///
/// impl Converter {
///     async fn convert(&self, context: &mut Context, amount: Amount) -> Result<(), FunctionError> {
///         let rate = self.rates.of(context.self_id()).await.or_transient()?;
///         context.reply(amount.euros * rate)
///     }
/// }
///
/// let converter = Function::new("shop/converter").on(Converter::convert).with(Converter { rates: Rates }).replies();
/// ```
///
/// `D` is the type of dependencies that are still to be given; a registry takes functions to which all were given.
#[must_use = "a function does nothing before it is registered"]
pub struct Function<D = ()> {
    pub(crate) type_name: Result<TypeName, InvalidTypeName>,
    pub(crate) handlers: Handlers<D>,
    pub(crate) declarations: Declarations,
}

impl<D: Send + Sync + 'static> Function<D> {
    /// A function of this name. The name is checked when the registry is built.
    pub fn new(type_name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            type_name: TypeName::parse(type_name),
            handlers: Handlers::default(),
            declarations: Declarations::default(),
        }
    }

    /// Binds the handler of the messages of one type: the type of its last argument. See [`MessageHandler`] for what can be
    /// bound.
    ///
    /// Messages of other types do not reach it; what becomes of those for which nothing is bound, unless there is a
    /// [`fallback`](Self::fallback), is set by [`on_unexpected_type`](Self::on_unexpected_type). A message that does not hold what its type says is poison. Two handlers of one type
    /// are an error of [`RegistryBuilder::build`](crate::RegistryBuilder::build).
    pub fn on<T, Form>(self, handler: impl for<'a> MessageHandler<'a, D, T, Form>) -> Self
    where
        T: FromMessage + 'static,
        Form: 'static,
    {
        let read = T::from_message;
        self.bind(T::TYPE_NAME, handler, read)
    }

    /// Binds a handler of the messages of type `T` that takes them raw, as [`Message`]: to borrow from them with
    /// [`Message::json`], or to read them in parts.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use statefun_sdk::{Context, Function, FunctionError, Message, Typed};
    /// #[derive(Deserialize, Typed)]
    /// #[typed("shop/visit")]
    /// struct Visit<'a> { page: &'a str }
    ///
    /// async fn count(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    ///     let visit: Visit<'_> = message.json()?;
    /// #   let _ = visit.page;
    ///     // …
    /// #   Ok(())
    /// }
    ///
    /// let counter: Function = Function::new("shop/counter").on_message::<Visit<'_>, _>(count);
    /// ```
    pub fn on_message<T, Form>(self, handler: impl for<'a> MessageHandler<'a, D, Message, Form>) -> Self
    where
        T: Typed,
        Form: 'static,
    {
        self.bind(T::TYPE_NAME, handler, Ok)
    }

    /// Binds the handler of the messages for whose type no other is bound.
    ///
    /// It replaces an earlier one. What it cannot handle either, it returns as [`FunctionError::unexpected_type`](crate::FunctionError::unexpected_type).
    pub fn fallback<Form>(mut self, handler: impl for<'a> MessageHandler<'a, D, Message, Form>) -> Self
    where
        Form: 'static,
    {
        self.handlers.fallback = Some(erased(handler, Ok));
        self
    }

    fn bind<T: Send + 'static, Form: 'static>(
        mut self,
        type_name: TypeName,
        handler: impl for<'a> MessageHandler<'a, D, T, Form>,
        read: fn(Message) -> Result<T, TypeError>,
    ) -> Self {
        self.declarations.accepts.push(type_name);
        self.handlers.by_type.push(erased(handler, read));
        self
    }

    /// Gives the handlers bound so far their dependencies. One value serves all instances and all requests, many at a time: what
    /// belongs to an instance belongs in its states.
    pub fn with(self, dependencies: D) -> Function {
        let Self { type_name, handlers, declarations } = self;
        Function { type_name, handlers: handlers.with(dependencies), declarations }
    }

    /// Declares a state.
    pub fn state<T: Encode + Decode + Send + Sync + 'static>(mut self, spec: &ValueSpec<T>) -> Self {
        self.declarations.states.push(spec.declaration());
        self
    }

    /// Declares that it sends to functions of this type, in whatever language they are served. A function may always send to
    /// instances of its own type.
    pub fn sends_to(mut self, target: TypeName) -> Self {
        self.target(target).messages.clear();
        self
    }

    /// Declares that it sends messages of type `T` to functions of this type; call it once for each type. Messages of other types
    /// are then bugs.
    ///
    /// What is declared so can be checked: that the target accepts it, when both are in one registry, and that no release goes
    /// out before one whose target accepts it (`statefun contract check`).
    pub fn sends<T: Typed>(mut self, target: TypeName) -> Self {
        self.target(target).messages.push(T::TYPE_NAME);
        self
    }

    fn target(&mut self, type_name: TypeName) -> &mut Target {
        let targets = &mut self.declarations.targets;
        let position = targets.iter().position(|target| target.type_name == type_name).unwrap_or_else(|| {
            targets.push(Target { type_name, messages: Vec::new() });
            targets.len() - 1
        });
        &mut targets[position]
    }

    /// Declares that it replies: the sender of a message is a target while that message is handled.
    pub fn replies(mut self) -> Self {
        self.declarations.replies = true;
        self
    }

    /// Declares that it emits to this egress.
    pub fn emits(mut self, egress: Egress) -> Self {
        self.declarations.egresses.push((egress, None));
        self
    }

    /// Declares that it emits to this egress, and that all its records are of this connector, so that a check of module.yaml
    /// can compare the egress's kind: a record of Kafka at an egress of Kinesis makes the job restart over and over.
    pub fn emits_to(mut self, egress: Egress, connector: Connector) -> Self {
        self.declarations.egresses.push((egress, Some(connector)));
        self
    }

    /// Sets what becomes of poison. The egress of dead letters counts as declared.
    pub fn on_failure(mut self, policy: FailurePolicy) -> Self {
        self.declarations.on_failure = policy;
        self
    }

    /// Sets what becomes of messages of a type that it does not read. Default: their batch fails.
    pub fn on_unexpected_type(mut self, policy: UnexpectedTypePolicy) -> Self {
        self.declarations.on_unexpected_type = policy;
        self
    }
}

fn erased<D, T, Form, H>(handler: H, read: fn(Message) -> Result<T, TypeError>) -> Box<dyn ErasedHandler<D>>
where
    D: Send + Sync + 'static,
    T: Send + 'static,
    Form: 'static,
    H: for<'a> MessageHandler<'a, D, T, Form>,
{
    Box::new(Logic { handler, read, form: PhantomData })
}

impl<D> fmt::Debug for Function<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("type_name", &self.type_name)
            .field("accepts", &self.declarations.accepts)
            .finish_non_exhaustive()
    }
}
