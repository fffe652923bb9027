//! A minimal server: `cargo run -p statefun-http --example serve`.

use statefun_http::{Options, serve};
use statefun_sdk::{Context, Egress, Function, FunctionError, KafkaRecord, Registry, ValueSpec};

const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
const GREETINGS: Egress = Egress::new("demo/greetings");

async fn greet(context: &mut Context, name: String) -> Result<(), FunctionError> {
    let seen = context.update(&SEEN, |seen| {
        *seen += 1;
        *seen
    })?;
    let record = KafkaRecord::topic("greetings").key(context.self_id()).utf8(format!("Hello {name}, time {seen}!"));
    context.emit(GREETINGS, record)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let greeter = Function::new("demo/greeter").on(greet).state(&SEEN).emits(GREETINGS);
    serve(Registry::builder().function(greeter).build()?, Options::default()).await?;
    Ok(())
}
