//! `module` and `contract` for functions that a server of somebody's runs.

use std::process::{Command, Output};

use serde_json::Value;
use statefun_http::{Options, Server};
use statefun_sdk::{
    Connector, Context, Contract, DeadLetter, Destination, Egress, FailurePolicy, Function, FunctionError, Ingress,
    Registry, TypeName,
};
use tokio::runtime::Runtime;

async fn place(_: &mut Context, _: String) -> Result<(), FunctionError> {
    Ok(())
}

fn functions() -> Registry {
    const ORDER: TypeName = TypeName::new("shop/order");
    let dead_letters = DeadLetter::new(Egress::new("shop/dead-letters"), Destination::kafka("dead-letters"));
    let order = Function::new(ORDER)
        .on(place)
        .emits_to(Egress::new("shop/receipts"), Connector::Kafka)
        .emits(Egress::new("shop/mails"))
        .on_failure(FailurePolicy::DeadLetter(dead_letters));
    let orders = Ingress::new("shop/orders", "orders", TypeName::new("io.statefun.types/string"), ORDER);
    Registry::builder().function(order).ingress(orders).build().expect("valid functions")
}

/// A server of the functions; it ends with the runtime.
fn server() -> (Runtime, String) {
    let runtime = Runtime::new().expect("a runtime");
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
    let server = Server::new(functions(), options).expect("a server").bind().expect("a free port");
    let url = format!("http://{}", server.local_addr());
    runtime.spawn(server.run(std::future::pending()));
    (runtime, url)
}

fn statefun(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statefun"))
        .args(arguments)
        .env_remove("STATEFUN_FUNCTIONS")
        .env_remove("STATEFUN_EGRESS")
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn a_missing_egress_of_dead_letters_is_found_by_the_url_of_the_server() {
    let (_runtime, url) = server();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("module.yaml");
    let file = path.to_str().expect("text");
    let from = ["--functions", &url, "--egress", "shop/mails=kafka"];
    let rendered = statefun(&[&["module", "render", "--output", file], &from[..]].concat());
    assert!(rendered.status.success(), "{rendered:?}");
    let module = std::fs::read_to_string(&path).expect("a module");
    let made_by = format!("statefun module render --ingress kafka --functions {url} --egress shop/mails=kafka ");
    assert!(module.contains(&made_by), "{module}");
    let checked = statefun(&[&["module", "check", file], &from[..]].concat());
    assert!(text(&checked.stdout).starts_with(&format!("{file}: fine (0 errors, 0 warnings)\n")), "{checked:?}");

    std::fs::write(&path, module.replace("shop/dead-letters", "shop/other")).expect("written");
    let checked = statefun(&[&["module", "check", file], &from[..]].concat());
    assert_eq!(checked.status.code(), Some(1));
    assert!(
        text(&checked.stdout).starts_with("error[missing-egress]: the module: egress shop/dead-letters "),
        "{checked:?}"
    );
    assert_eq!(text(&checked.stderr), format!("error: {file}: 1 error, 0 warnings\n"));
    let json = statefun(&[&["module", "check", file, "--json"], &from[..]].concat());
    let report: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((json.status.code(), &report["errors"]), (Some(1), &1.into()));
    assert_eq!(report["findings"][0]["code"], "missing-egress");
}

#[test]
fn the_contract_is_that_of_the_server_a_file_or_both() {
    let (_runtime, url) = server();
    let printed = statefun(&["contract", "--functions", &url]);
    assert_eq!(Contract::from_json(&printed.stdout), Ok(Contract::of(&functions())), "{printed:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("contract.json");
    std::fs::write(&path, &printed.stdout).expect("written");
    let file = path.to_str().expect("text");
    let both = statefun(&["contract", "--functions", file, "--functions", "built-in"]);
    let both = Contract::from_json(&both.stdout).expect("a contract");
    assert!(both.functions.len() > 2 && both.functions.contains_key(&TypeName::new("shop/order")));
    let twice = statefun(&["contract", "--functions", file, "--functions", &url]);
    assert!(text(&twice.stderr).contains("function shop/order is there twice"), "{twice:?}");
    let checked = statefun(&["contract", "--functions", &url, "check", file]);
    assert_eq!(text(&checked.stdout), format!("{file}: fine, nothing has changed\n"));
}

#[test]
fn what_is_not_there_or_no_contract_is_named_with_what_to_do() {
    let (_runtime, url) = server();
    for (functions, reasons) in [
        (
            "http://127.0.0.1:1",
            &["--functions http://127.0.0.1:1: ", "start the functions, or name them by --functions"][..],
        ),
        (
            &format!("{url}/healthz"),
            &["/healthz: not a contract of functions", "expected what a server returns at GET /"],
        ),
        (&format!("{url}/nothing"), &["GET /nothing: ", "404", "expected 200 and the functions"]),
        ("localhost:8000", &["expected a file, or a URL that begins with http://"]),
        ("no/such.json", &["--functions no/such.json: No such file"]),
    ] {
        let output = statefun(&["contract", "--functions", functions]);
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        assert!(reasons.iter().all(|reason| error.contains(reason)) && error.lines().count() == 1, "{error}");
    }
    let twice = statefun(&["module", "check", "-", "--functions", "-"]);
    assert_eq!(text(&twice.stderr), "error: --functions -: standard input is read already, and only once\n");
    let unknown = statefun(&["contract", "--functions", &url, "--egress", "shop/none=kafka"]);
    assert_eq!(text(&unknown.stderr), "error: --egress shop/none: no function emits to it\n");
}
