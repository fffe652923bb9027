//! The greeter in the embedded runtime: `cargo run -p statefun-sdk --example greeter --features local`.

use serde::{Deserialize, Serialize};
use statefun_sdk::local::LocalRuntime;
use statefun_sdk::{
    BoxError, Context, Egress, Function, FunctionError, KafkaRecord, Registry, TypeName, Typed, ValueSpec,
};

#[derive(Serialize, Deserialize, Typed)]
#[typed("demo/login")]
struct Login {
    user_name: String,
}

const GREETER: TypeName = TypeName::new("demo/greeter");
const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
const GREETINGS: Egress = Egress::new("demo/greetings");

async fn greet(context: &mut Context, login: Login) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let text = format!("Hello {}, this is visit number {seen}.", login.user_name);
    context.emit(GREETINGS, KafkaRecord::topic("greetings").key(context.self_id()).utf8(text))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let greeter = Function::new(GREETER).on(greet).state(&SEEN).emits(GREETINGS);
    let mut runtime = LocalRuntime::in_process(Registry::builder().function(greeter).build()?);
    for user_name in ["Ann", "Bob", "Ann"] {
        runtime.send(GREETER.with_id(user_name), Login { user_name: user_name.to_owned() })?;
    }
    runtime.run().await?;
    for emitted in runtime.take_emitted() {
        println!("{}: {}", emitted.egress, String::from_utf8_lossy(emitted.record.value()));
    }
    Ok(())
}
