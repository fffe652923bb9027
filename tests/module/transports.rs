//! How endpoints are reached.

use super::support::assert_findings;

#[test]
fn transports() {
    for (from, to, expected) in [
        ("v1/async", "v1/sync", &["error[unknown-transport] 1:spec.transport.type"][..]),
        (
            "type: io.statefun.transports.v1/async",
            "type: async",
            &["error[unknown-transport] 1:spec.transport.type"][..],
        ),
        ("pool_ttl: 15s", "pool_time: 15s", &["error[unknown-field] 1:spec.transport.pool_time"][..]),
        ("pool_ttl: 15s", "pool_ttl: 15 parsecs", &["error[invalid-duration] 1:spec.transport.pool_ttl"][..]),
        ("pool_ttl: 15s", "pool_ttl: soon", &["error[invalid-duration] 1:spec.transport.pool_ttl"][..]),
        ("pool_ttl: 15s", "pool_ttl: []", &["error[wrong-type] 1:spec.transport.pool_ttl"][..]),
        ("pool_size: 1024", "pool_size: 0", &["error[number-below-one] 1:spec.transport.pool_size"][..]),
        ("call: 2 min", "call: 0 min", &["error[zero-duration] 1:spec.transport.call"][..]),
        ("pool_ttl: 15s", "read: 10s", &["error[okhttp-only] 1:spec.transport.read"][..]),
        (
            "    call: 2 min\n    connect: 20s\n",
            "    timeouts:\n      call: 2min\n      write: 10s\n",
            &["error[okhttp-only] 1:spec.transport.timeouts.write"][..],
        ),
        (
            "    connect: 20s\n",
            "    timeouts:\n      connect: 20s\n",
            &["warning[call-too-short] 1:spec.urlPathTemplate", "error[timeout-overridden] 1:spec.transport.call"][..],
        ),
        ("call: 2 min", "call: 90s", &[][..]),
        ("call: 2 min", "call: 89s", &["warning[call-too-short] 1:spec.transport.call"][..]),
        (
            "    call: 2 min\n    connect: 20s\n",
            "    connect: 20s\n    timeouts:\n      call: 2min\n",
            &["error[timeout-overridden] 1:spec.transport.connect"][..],
        ),
        (
            "    call: 2 min\n    connect: 20s\n",
            "    timeouts:\n      call: 0s\n",
            &["error[zero-duration] 1:spec.transport.timeouts.call"][..],
        ),
        ("    client_key: /key.pem\n", "", &["error[incomplete-client-certificate] 1:spec.transport.client_cert"][..]),
        (
            "    client_cert: file:/cert.pem\n",
            "",
            &["error[incomplete-client-certificate] 1:spec.transport.client_key"][..],
        ),
        (
            "      write: 10000\n",
            "      write: 10000\n    call: 2min\n",
            &["error[misplaced-timeouts] 2:spec.transport.call"][..],
        ),
        (
            "      write: 10000\n",
            "      write: 10000\n    pool_size: 5\n",
            &["error[async-only] 2:spec.transport.pool_size"][..],
        ),
        (
            "      write: 10000\n",
            "      write: 10000\n    anything: 5\n",
            &["error[unknown-field] 2:spec.transport.anything"][..],
        ),
        ("      write: 10000\n", "      white: 10000\n", &["error[unknown-field] 2:spec.transport.timeouts.white"][..]),
        (
            "      read: 10s\n",
            "      read: 3min\n",
            &["error[timeout-longer-than-call] 2:spec.transport.timeouts.read"][..],
        ),
        ("      read: 10s\n", "      read: 0\n", &["error[zero-duration] 2:spec.transport.timeouts.read"][..]),
        (
            "    call: 2min\n---",
            "    call: 5s\n---",
            &[
                "error[timeout-longer-than-call] 3:spec.timeouts.connect",
                "error[timeout-longer-than-call] 3:spec.timeouts.read",
                "error[timeout-longer-than-call] 3:spec.timeouts.write",
                "warning[call-too-short] 3:spec.timeouts.call",
            ][..],
        ),
        (
            "    call: 2min\n---",
            "    call: 10s\n    connect: 5s\n    write: 11s\n---",
            &["warning[call-too-short] 3:spec.timeouts.call", "error[timeout-longer-than-call] 3:spec.timeouts.write"]
                [..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
