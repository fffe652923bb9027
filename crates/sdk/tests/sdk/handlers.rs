//! Which handler a message reaches, and as what.

use serde::{Deserialize, Serialize};
use statefun_sdk::{
    Bytes, Context, Function, FunctionError, Json, Message, Proto, Registry, RegistryError, TypeError, TypeName, Typed,
    UnexpectedTypePolicy, ValueSpec,
};
use statefun_test_support::request::{Batch, address, effects, mutations, typed, value_of};

use super::support::{FUNCTION, failure};

const LOG: ValueSpec<String> = ValueSpec::new("log");

fn log(context: &mut Context, entry: impl AsRef<str>) -> Result<(), FunctionError> {
    context.update(&LOG, |log| {
        log.push_str(entry.as_ref());
        log.push(' ');
    })
}

/// What the handlers of `function` have written for these messages.
async fn logged(function: Function, messages: &[statefun_sdk::protocol::reqreply::TypedValue]) -> String {
    let request = Batch::to(FUNCTION, "a").state("log", None);
    let request = messages.iter().cloned().fold(request, Batch::message);
    let changes = mutations(&effects(function.state(&LOG), request).await);
    let [(_, Some(value))] = &changes[..] else { panic!("expected one change, got {changes:?}") };
    statefun_sdk::TypedValue::from_bytes("io.statefun.types/string", value.value.clone()).get().expect("a string")
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Typed)]
#[typed("test/document")]
struct Document {
    text: String,
}

#[derive(Clone, PartialEq, prost::Message, Typed)]
#[typed("test/protobuf", proto)]
struct Protobuf {
    #[prost(string, tag = "1")]
    text: String,
}

/// Its bytes are its text, reversed.
#[derive(Typed)]
#[typed("test/own", with = own)]
struct Own(String);

mod own {
    use super::{Bytes, Own, TypeError};

    pub(crate) fn encode(value: &Own, out: &mut Vec<u8>) -> Result<(), TypeError> {
        out.extend(value.0.bytes().rev());
        Ok(())
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Own, TypeError> {
        let reversed = bytes.iter().rev().copied().collect();
        String::from_utf8(reversed).map(Own).map_err(|_| TypeError::new("expected text"))
    }
}

#[derive(Deserialize, Typed)]
#[typed("test/borrowed")]
struct Borrowed<'a> {
    text: &'a str,
}

async fn on_int(context: &mut Context, number: i32) -> Result<(), FunctionError> {
    log(context, format!("int:{number}"))
}

async fn on_document(context: &mut Context, document: Document) -> Result<(), FunctionError> {
    log(context, format!("document:{}", document.text))
}

async fn on_protobuf(context: &mut Context, message: Protobuf) -> Result<(), FunctionError> {
    log(context, format!("protobuf:{}", message.text))
}

async fn on_own(context: &mut Context, own: Own) -> Result<(), FunctionError> {
    log(context, format!("own:{}", own.0))
}

async fn on_borrowed(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let Borrowed { text } = message.json()?;
    log(context, format!("borrowed:{text}"))
}

async fn on_any(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    log(context, format!("any:{}", message.type_name()))
}

#[tokio::test]
async fn each_message_reaches_the_handler_of_its_type_in_order() {
    let function = Function::new(FUNCTION)
        .on(on_int)
        .on(on_document)
        .on(on_protobuf)
        .on(on_own)
        .on_message::<Borrowed<'_>, _>(on_borrowed)
        .fallback(on_any);
    let document = || typed("test/document", r#"{"text":"d"}"#);
    let messages = [
        value_of(1),
        value_of(2),
        document(),
        value_of(3),
        typed("test/protobuf", vec![0x0a, 1, b'p']),
        typed("test/own", "nwo"),
        typed("test/borrowed", r#"{"text":"b"}"#),
        typed("no type name at all", ""),
        document(),
    ];
    let expected = "int:1 int:2 document:d int:3 protobuf:p own:own borrowed:b any:no type name at all document:d ";
    assert_eq!(logged(function, &messages).await, expected);
}

#[tokio::test]
async fn messages_without_a_handler_are_passed_over_where_they_are_to_be_ignored() {
    let function = Function::new(FUNCTION).on(on_int).on_unexpected_type(UnexpectedTypePolicy::Ignore);
    let messages = [typed("test/document", "{}"), value_of(1), typed("", ""), value_of(2)];
    assert_eq!(logged(function, &messages).await, "int:1 int:2 ");
}

#[tokio::test]
async fn a_message_that_does_not_hold_its_type_is_poison_and_says_where() {
    let request = Batch::to(FUNCTION, "a").state("log", None).message(value_of(1));
    let request = request.message(typed("test/document", r#"{"text":"secret","#));
    let failure = failure(Function::new(FUNCTION).on(on_int).on(on_document).state(&LOG), request).await;
    assert_eq!((failure.index, failure.message_type.as_str()), (1, "test/document"));
    assert_eq!(failure.reason, "not a valid test/document: the text ends too early (line 1, column 17)");
}

/// The wrappers, the message beside its value, dependencies in methods, functions and closures.
#[tokio::test]
async fn handlers_come_in_every_form() {
    struct Prefix(&'static str);
    impl Prefix {
        async fn method(&self, context: &mut Context, number: i32) -> Result<(), FunctionError> {
            tokio::task::yield_now().await;
            log(context, format!("{}{number}", self.0))
        }
    }
    async fn wrapped(context: &mut Context, Json(document): Json<Document>) -> Result<(), FunctionError> {
        log(context, document.text)
    }
    async fn pair(
        context: &mut Context,
        (Proto(parsed), message): (Proto<Protobuf>, Message),
    ) -> Result<(), FunctionError> {
        log(context, format!("{}:{}", parsed.text, message.value().len()))
    }
    let function = Function::new(FUNCTION)
        .on(Prefix::method)
        .on(wrapped)
        .on(pair)
        .on(async |prefix: &Prefix, context: &mut Context, flag: bool| log(context, format!("{}{flag}", prefix.0)))
        .on(async |context: &mut Context, text: String| log(context, text))
        .with(Prefix("p"));
    let messages = [
        value_of(1),
        typed("test/document", r#"{"text":"json"}"#),
        typed("test/protobuf", vec![0x0a, 1, b'x']),
        value_of(true),
        value_of("closure"),
    ];
    assert_eq!(logged(function, &messages).await, "p1 json x:3 ptrue closure ");
}

#[tokio::test]
async fn a_derived_type_travels_and_is_kept_by_its_encoding() {
    const DOCUMENT: ValueSpec<Document> = ValueSpec::new("document");
    async fn keep(context: &mut Context, document: Document) -> Result<(), FunctionError> {
        context.send(context.self_address().clone(), Own(document.text.clone()))?;
        context.send(context.self_address().clone(), Protobuf { text: document.text.clone() })?;
        context.set(&DOCUMENT, document)
    }
    let request = Batch::to(FUNCTION, "a").state("document", None);
    let request = request.message(typed("test/document", r#"{ "text" : "ab" }"#));
    let result = effects(Function::new(FUNCTION).on(keep).state(&DOCUMENT), request).await;
    let sent: Vec<_> = result.outgoing_messages.iter().map(|sent| sent.argument.clone().expect("a value")).collect();
    assert_eq!(sent, [typed("test/own", "ba"), typed("test/protobuf", vec![0x0a, 2, b'a', b'b'])]);
    assert!(result.outgoing_messages.iter().all(|sent| sent.target == Some(address(FUNCTION, "a"))));
    let kept = typed("test/document", r#"{"text":"ab"}"#);
    assert_eq!(mutations(&result), [("document".to_owned(), Some(kept))]);
}

#[tokio::test]
async fn a_state_is_taken_once() {
    async fn take(context: &mut Context, _: bool) -> Result<(), FunctionError> {
        let text = context.take(&LOG)?;
        assert!(context.get(&LOG)?.is_none());
        context.send(context.self_address().clone(), text.as_deref().unwrap_or("nothing"))
    }
    let function = || Function::new(FUNCTION).on(take).state(&LOG);
    for (before, expected, changes) in [(Some(value_of("kept")), ["kept", "nothing"], 1), (None, ["nothing"; 2], 0)] {
        let request = Batch::to(FUNCTION, "a").state("log", before).message(value_of(true)).message(value_of(true));
        let result = effects(function(), request).await;
        let sent: Vec<_> = result.outgoing_messages.iter().map(|sent| sent.argument.clone()).collect();
        assert_eq!(sent, expected.map(|text| Some(value_of(text))));
        assert_eq!(mutations(&result), vec![("log".to_owned(), None); changes]);
    }
}

#[test]
fn a_registry_takes_one_handler_a_type_and_no_function_without() {
    let build = |function: Function| Registry::builder().function(function).build().map(drop);
    let name = TypeName::new(FUNCTION);
    let twice = RegistryError::DuplicateHandler { function: name.clone(), message_type: i32::TYPE_NAME };
    assert_eq!(build(Function::new(FUNCTION).on(on_int).on(on_int)), Err(twice));
    assert_eq!(build(Function::new(FUNCTION).state(&LOG)), Err(RegistryError::NoHandler(name)));
    assert_eq!(build(Function::new(FUNCTION).fallback(on_any)), Ok(()));
}

#[test]
fn a_registry_tells_what_a_function_accepts() {
    let registry = Registry::builder()
        .function(Function::new("test/some").on(on_document).on(on_int))
        .function(Function::new("test/any").on(on_int).fallback(on_any))
        .build()
        .expect("a valid registry");
    assert_eq!(registry.functions()[0].accepts(), [TypeName::new("test/document"), i32::TYPE_NAME]);
    assert!(registry.functions()[1].accepts().is_empty());
}
