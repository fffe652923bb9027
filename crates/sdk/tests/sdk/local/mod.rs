//! The embedded runtime does what the cluster's does.

mod answers;
mod context;
mod runtime;
mod simulation;

use std::time::Duration;

use statefun_sdk::local::{LocalRuntime, Transport};
use statefun_sdk::{
    CancellationToken, Context, Function, FunctionError, KafkaRecord, Message, Registry, TypeName, TypedValue,
};

use super::support::{OTHER, OUT, SEEN};

const FUNCTION: TypeName = TypeName::new("test/function");

fn text(text: &str) -> TypedValue {
    TypedValue::new(text).expect("encodes")
}

/// Does what its message says, and counts its messages.
async fn puppet(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    context.update(&SEEN, |seen| *seen += 1)?;
    let command = message.get::<String>()?;
    let words: Vec<&str> = command.split(' ').collect();
    let token = |text: &str| CancellationToken::new(text.to_owned()).map_err(FunctionError::poison);
    let seconds = |text: &str| Duration::from_secs(text.parse().unwrap_or(0));
    match words[..] {
        ["fan", count] => {
            for n in 0..count.parse::<u32>().unwrap_or(0) {
                context.send(FUNCTION.with_id("sink"), format!("emit {n}").as_str())?;
            }
            Ok(())
        }
        ["emit", word] => {
            context.emit(OUT, KafkaRecord::topic("out").key(context.self_id().clone()).utf8(word.to_owned()))
        }
        ["after", delay, word] => {
            context.send_after(seconds(delay), context.self_address().clone(), format!("emit {word}").as_str())
        }
        ["cancellable", delay, word] => context.send_cancellable(
            seconds(delay),
            &token(word)?,
            context.self_address().clone(),
            format!("emit {word}").as_str(),
        ),
        ["cancel", word] => {
            context.cancel(&token(word)?);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn function(name: TypeName) -> Function {
    Function::new(name).fallback(puppet).state(&SEEN).sends_to(FUNCTION).sends_to(OTHER).emits(OUT)
}

fn registry() -> Registry {
    Registry::builder().functions([function(FUNCTION), function(OTHER)]).build().expect("a valid registry")
}

fn emitted<T: Transport>(runtime: &mut LocalRuntime<T>) -> Vec<String> {
    let emitted = runtime.take_emitted().into_iter();
    emitted.map(|emitted| String::from_utf8(emitted.record.value().to_vec()).expect("UTF-8")).collect()
}
