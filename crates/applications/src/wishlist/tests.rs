//! All that the server makes of an application comes from the list.
#![cfg(test)]

use clap::{Args as _, Command, FromArgMatches as _};
use statefun_sdk::local::LocalRuntime;
use statefun_sdk::{Connector, Contract, Egress};

use super::{APPLICATION, FULL, WISHLIST};
use crate::{ApplicationArgs, Destinations, Settings, all, list};

/// The options of `serve`, `module` and `contract`.
fn parse(options: &[&str]) -> ApplicationArgs {
    let command = ApplicationArgs::augment_args(Command::new("server").no_binary_name(true));
    ApplicationArgs::from_arg_matches(&command.get_matches_from(options)).expect("valid options")
}

#[test]
fn its_options_stand_with_those_of_the_others() {
    let help = ApplicationArgs::augment_args(Command::new("server")).render_long_help().to_string();
    let (_, wishlist) = help.split_once("Wishlist:").expect("its heading");
    assert!(wishlist.contains("--wishes <N>") && help.contains("--initial-stock"), "{help}");
}

#[test]
fn its_functions_egresses_and_ingresses_are_in_the_contract() {
    let contract = Contract::of(&parse(&[]).registry().expect("a registry"));
    assert_eq!(contract.functions[&WISHLIST].egresses[FULL.egress.id()], Some(Connector::Kafka));
    assert_eq!(contract.ingresses[APPLICATION.ingresses[0].id()].topic, "wishes");
    let args = parse(&["--egress", "wishes/full=kinesis:full", "--wishes", "7"]);
    let registry = args.registry_of(|name| name == "wishlist").expect("a registry");
    assert_eq!(Contract::of(&registry).functions[&WISHLIST].egresses[FULL.egress.id()], Some(Connector::Kinesis));
    let given = args.given(&registry);
    assert_eq!(
        given,
        [("--egress", "kinesis"), ("--wishes", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn its_options_reach_its_functions() {
    for (limit, full) in [("1", 1), ("2", 0)] {
        assert_eq!(emitted(parse(&["--wishes", limit])), full, "{limit}");
    }
}

fn emitted(args: ApplicationArgs) -> usize {
    let demo = demo(&[]);
    run(&*demo, args.registry().expect("a registry")).len()
}

fn demo(options: &[&str]) -> Box<dyn crate::demo::Demo> {
    let command = APPLICATION.demo().augment(Command::new("demo").no_binary_name(true));
    APPLICATION.demo().demo(&command.get_matches_from(options)).expect("a demo")
}

fn run(demo: &dyn crate::demo::Demo, registry: statefun_sdk::Registry) -> Vec<String> {
    let mut runtime = LocalRuntime::in_process(registry);
    for line in demo.events().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event = demo.event(line.to_vec().into()).expect("an event");
        runtime.send(event.target, event.message).expect("sent");
        futures_util::FutureExt::now_or_never(runtime.run()).expect("nothing waits").expect("handled");
    }
    runtime.take_emitted().iter().map(|emitted| demo.line(emitted).expect("a line")).collect()
}

#[test]
fn its_demo_has_options_and_settings_of_its_own() {
    let mut settings = Settings::default();
    let demo = demo(&["--user", "bob"]);
    demo.configure(&mut settings);
    let registry = list::registry(list::applications(), &Destinations::default(), &settings).expect("a registry");
    assert_eq!(all(&Destinations::default(), &settings).len(), registry.functions().len());
    assert_eq!(run(&*demo, registry), [r#"{"egress":"wishes/full","key":"bob","value":"a cat"}"#]);
}

#[test]
fn where_its_egress_leads_is_configuration() {
    let unknown = ApplicationArgs::augment_args(Command::new("server").no_binary_name(true));
    let unknown = ApplicationArgs::from_arg_matches(&unknown.get_matches_from(["--egress", "wishes/none=kafka:none"]));
    let error = unknown.expect("parsed").registry().expect_err("unknown").to_string();
    assert!(error.contains("unknown egress \"wishes/none\"") && error.contains("wishes/full"), "{error}");
    assert!(Destinations::default().of(&Egress::new("wishes/full")).is_some());
}
