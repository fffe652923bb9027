//! Threads that meet at a budget of memory, in thousands of orders: the module is compiled anew, with shuttle's atomics.

#[allow(dead_code, unreachable_pub, reason = "not all of it is called")]
#[path = "../src/memory_budget.rs"]
mod memory_budget;

/// In place of the crate's.
mod sync {
    pub(crate) use shuttle::sync::atomic;
    pub(crate) use statefun_test_support::interleavings::Notify;
}

use futures_util::FutureExt;
use shuttle::future::block_on;
use shuttle::thread;
use statefun_test_support::interleavings::check;

use crate::memory_budget::MemoryBudget;

const LIMIT: usize = 10;

#[test]
fn bytes_that_become_free_go_to_one_that_waits_for_them() {
    check(|| {
        let budget = MemoryBudget::new(LIMIT);
        let requests = [3, 6, 9].map(|bytes| {
            let budget = budget.clone();
            thread::spawn(move || {
                let mut permit = budget.permit();
                block_on(permit.grow(bytes));
                assert!(budget.used() <= LIMIT);
                // A response finds room or fails; it does not wait.
                permit.try_grow(4);
                assert!(budget.used() <= LIMIT);
            })
        });
        requests.into_iter().for_each(|request| request.join().unwrap());
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn one_that_goes_away_while_it_waits_holds_nothing_and_keeps_no_other_waiting() {
    check(|| {
        let budget = MemoryBudget::new(LIMIT);
        let requests = [true, false, true].map(|waits| {
            let budget = budget.clone();
            thread::spawn(move || {
                let mut permit = budget.permit();
                if waits {
                    block_on(permit.grow(LIMIT));
                } else {
                    let _ = permit.grow(LIMIT).now_or_never();
                }
                assert!(budget.used() <= LIMIT);
            })
        });
        requests.into_iter().for_each(|request| request.join().unwrap());
        assert_eq!(budget.used(), 0);
    });
}
