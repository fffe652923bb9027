//! The greeter in the embedded runtime: `cargo run -p statefun-sdk --example greeter --features local`.

use serde::{Deserialize, Serialize};
use statefun_sdk::local::LocalRuntime;
use statefun_sdk::{
    BoxError, Context, Egress, Function, FunctionError, Json, KafkaRecord, Message, Registry, TypeName, Typed,
    TypedValue, ValueSpec,
};

#[derive(Serialize, Deserialize)]
struct Login {
    user_name: String,
}

impl Typed for Login {
    const TYPE_NAME: TypeName = TypeName::new("demo/login");
}

const GREETER: TypeName = TypeName::new("demo/greeter");
const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
const GREETINGS: Egress = Egress::new("demo/greetings");

async fn greet(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let login: Login = message.json()?;
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let text = format!("Hello {}, this is visit number {seen}.", login.user_name);
    context.emit(GREETINGS, KafkaRecord::topic("greetings").key(context.self_id().clone()).utf8(text))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let greeter = Function::new(GREETER, greet).state(&SEEN).accepts::<Login>().emits(GREETINGS);
    let mut runtime = LocalRuntime::in_process(Registry::builder().function(greeter).build()?);
    for user_name in ["Ann", "Bob", "Ann"] {
        let login = Login { user_name: user_name.to_owned() };
        runtime.send(GREETER.with_id(user_name), TypedValue::of(Json(login))?)?;
    }
    runtime.run().await?;
    for emitted in runtime.take_emitted() {
        println!("{}: {}", emitted.egress, String::from_utf8_lossy(emitted.record.value()));
    }
    Ok(())
}
