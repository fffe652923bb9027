//! Options of the applications reach the functions.

use crate::server::Server;
use crate::stored::request;

/// Whether the answer to a stored request holds a message of this type.
fn is_answered_with(server: &Server, name: &str, type_name: &str) -> bool {
    let answer = server.post(&request(name), &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.windows(type_name.len()).any(|window| window == type_name.as_bytes())
}

#[test]
fn the_initial_stock_of_the_shopping_cart() {
    // The request is for 3.
    let enough = Server::start(&["--initial-stock", "3"]);
    assert!(is_answered_with(&enough, "inventory-never-stocked", "com.googleapis/ItemReserved"));
    let too_few = Server::start(&["--initial-stock", "2"]);
    assert!(is_answered_with(&too_few, "inventory-never-stocked", "com.googleapis/ItemUnavailable"));
}
