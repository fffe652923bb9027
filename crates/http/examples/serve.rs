//! A function of one's own, served: `cargo run -p statefun-http --example serve`.

use statefun_http::{Options, serve};
use statefun_sdk::{Context, Egress, Function, FunctionError, KafkaRecord, Message, Registry, ValueSpec};

const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
const GREETINGS: Egress = Egress::new("demo/greetings");

async fn greet(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let name: String = message.as_()?;
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let record =
        KafkaRecord::topic("greetings").key(context.self_id().clone()).utf8(format!("Hello {name}, time {seen}!"));
    context.emit(GREETINGS, record)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let greeter = Function::new("demo/greeter", greet).state(&SEEN).accepts::<String>().emits(GREETINGS);
    serve(Registry::builder().function(greeter).build()?, Options::default()).await?;
    Ok(())
}
