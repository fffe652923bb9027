//! The library as strangers use it: for functions that this project does not know.

use statefun_module::{RenderError, RenderOptions, Severity, check, compare, render};
use statefun_sdk::{
    Connector, Context, Contract, DeadLetter, Destination, Egress, FailurePolicy, Function, FunctionError, Ingress,
    Registry, TypeName, ValueSpec,
};

const ORDER: TypeName = TypeName::new("shop/order");
const TEXT: TypeName = TypeName::new("io.statefun.types/string");
const ORDERS: Ingress = Ingress::new("shop/orders", "orders", TEXT, ORDER);
const RECEIPTS: Egress = Egress::new("shop/receipts");

async fn place(_: &mut Context, _: String) -> Result<(), FunctionError> {
    Ok(())
}

fn order() -> Function {
    let dead_letters = DeadLetter::new(Egress::new("shop/dead-letters"), Destination::kafka("dead-letters"));
    Function::new(ORDER)
        .on(place)
        .emits_to(RECEIPTS, Connector::Kafka)
        .on_failure(FailurePolicy::DeadLetter(dead_letters))
}

fn contract(function: Function) -> Contract {
    Contract::of(&Registry::builder().function(function).ingress(ORDERS).build().unwrap())
}

/// The module of [`order`].
fn module() -> String {
    let (module, report) = render(&contract(order()), &RenderOptions::default()).unwrap();
    assert!(report.findings.is_empty(), "{report}");
    assert!(module.contains("consumerGroupId: shop\n"), "{module}");
    module
}

fn codes(module: &str, contract: &Contract) -> Vec<(Severity, &'static str)> {
    let findings = check(module.as_bytes(), contract).findings;
    findings.iter().map(|finding| (finding.severity(), finding.code())).collect()
}

#[test]
fn a_module_without_the_egress_of_dead_letters_has_an_error() {
    let module = module();
    assert_eq!(codes(&module, &contract(order())), []);
    let without = module.replace("shop/dead-letters", "shop/other-letters");
    assert_eq!(codes(&without, &contract(order())), [(Severity::Error, "missing-egress")]);
}

#[test]
fn functions_that_were_not_seen_are_said_to_be_unchecked() {
    let none = Contract::of(&Registry::builder().build().unwrap());
    let report = check(module().as_bytes(), &none);
    assert!(report.is_fine());
    let [unchecked] = &report.findings[..] else { panic!("{report}") };
    assert_eq!((unchecked.severity(), unchecked.code()), (Severity::Unchecked, "functions-not-seen"));
    assert_eq!(unchecked.path(), "spec.functions");
    assert_eq!(report.summary.unwrap().covered, [""; 0]);
}

#[test]
fn a_connector_that_was_not_declared_is_unchecked_and_cannot_be_rendered() {
    let undeclared = contract(Function::new(ORDER).on(place).emits(RECEIPTS));
    assert_eq!(codes(&module(), &undeclared), [(Severity::Unchecked, "egress-connector-not-declared")]);
    let error = render(&undeclared, &RenderOptions::default()).unwrap_err();
    assert!(matches!(&error, RenderError::Invalid(text) if text.contains("--egress shop/receipts=kafka")), "{error}");
}

#[test]
fn an_egress_of_the_other_connector_is_an_error() {
    let other = contract(order().emits_to(Egress::new("shop/mails"), Connector::Kinesis));
    let module = module() + "---\nkind: io.statefun.kafka.v1/egress\nspec:\n  id: shop/mails\n  address: kafka:9092\n";
    let found = codes(&module, &other);
    assert!(found.contains(&(Severity::Error, "egress-connector-mismatch")), "{found:?}");
}

#[test]
fn a_module_that_would_have_errors_is_not_rendered() {
    let options = RenderOptions { url: "functions:8000".to_owned(), ..RenderOptions::default() };
    let error = render(&contract(order()), &options).unwrap_err();
    let RenderError::Findings(findings) = error else { panic!("{error}") };
    assert_eq!(findings[0].code(), "invalid-url");
}

#[test]
fn without_an_ingress_a_job_does_not_start() {
    let without = Contract::of(&Registry::builder().function(order()).build().unwrap());
    let error = render(&without, &RenderOptions::default()).unwrap_err();
    assert!(error.to_string().contains("RegistryBuilder::ingress"), "{error}");
}

#[test]
fn any_text_is_checked() {
    let no_functions = Contract::of(&Registry::builder().build().unwrap());
    let large = vec![b' '; statefun_module::LARGEST_MODULE + 1];
    for (text, code) in
        [(&b"\xff"[..], "invalid-utf8"), (b"a: [", "invalid-yaml"), (&large, "too-large"), (b"", "missing-endpoint")]
    {
        let report = check(text, &no_functions);
        assert!(!report.is_fine() && report.findings[0].code() == code, "{report}");
    }
}

#[test]
fn a_contract_survives_its_json_and_findings_are_data() {
    let contract = contract(order());
    assert_eq!(Contract::from_json(contract.to_json().as_bytes()).unwrap(), contract);
    let json = serde_json::to_value(check(b"a: [", &contract)).unwrap();
    assert_eq!(
        (json["findings"][0]["severity"].as_str(), json["findings"][0]["code"].as_str()),
        (Some("error"), Some("invalid-yaml"))
    );
}

#[test]
fn a_release_is_compared_with_the_one_before() {
    const PLACED: ValueSpec<i32> = ValueSpec::new("placed");
    const PLACED_LONG: ValueSpec<i64> = ValueSpec::new("placed");
    let (old, new) = (contract(order().state(&PLACED)), contract(order().state(&PLACED_LONG)));
    assert!(compare(&old, &old).findings.is_empty());
    let report = compare(&old, &new);
    let [changed] = &report.findings[..] else { panic!("{report}") };
    assert_eq!((changed.code(), changed.place()), ("state-type-changed", "shop/order, state placed"));
}

#[test]
fn ingresses_and_egresses_that_change_are_told() {
    let codes = |old: &Contract, new: &Contract| -> Vec<_> {
        compare(old, new).findings.iter().map(|finding| (finding.severity(), finding.code())).collect()
    };
    let with = contract(order());
    let without = Contract::of(&Registry::builder().function(order()).build().unwrap());
    assert_eq!(codes(&with, &without), [(Severity::Warning, "ingress-removed")]);
    assert_eq!(codes(&without, &with), []);
    let moved = Ingress::new("shop/orders", "other-orders", TEXT, ORDER);
    let moved = Contract::of(&Registry::builder().function(order()).ingress(moved).build().unwrap());
    assert_eq!(codes(&with, &moved), [(Severity::Warning, "ingress-changed")]);
    let more = contract(order().emits_to(Egress::new("shop/mails"), Connector::Kafka));
    assert_eq!(codes(&with, &more), [(Severity::Warning, "egress-added")]);
    assert_eq!(codes(&more, &with), [(Severity::Note, "egress-removed")]);
}

/// With a rolling update, and after a rollback, the older receiver gets what the new sender sends.
#[test]
fn a_sender_is_not_released_before_its_receiver() {
    const MAILER: TypeName = TypeName::new("shop/mailer");
    let codes = |old: &Contract, new: &Contract| -> Vec<_> {
        compare(old, new).findings.iter().map(|finding| (finding.severity(), finding.code())).collect()
    };
    async fn texts(_: &mut Context, _: String) -> Result<(), FunctionError> {
        Ok(())
    }
    async fn numbers(_: &mut Context, _: i32) -> Result<(), FunctionError> {
        Ok(())
    }
    let mailer = || Function::new("shop/mailer").on(texts);
    let release = |order: Function, mailer: Function| {
        Contract::of(&Registry::builder().function(order).function(mailer).build().expect("a registry"))
    };
    let first = release(order().sends::<String>(MAILER), mailer());
    let receiver = release(order().sends::<String>(MAILER), mailer().on(numbers));
    let both = release(order().sends::<String>(MAILER).sends::<i32>(MAILER), mailer().on(numbers));
    assert_eq!(codes(&first, &both), [(Severity::Error, "sender-before-receiver")]);
    assert_eq!(codes(&first, &receiver), []);
    assert_eq!(codes(&receiver, &both), []);
}
