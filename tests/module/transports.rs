//! How endpoints are reached.

use super::support::assert_findings;

#[test]
fn transports() {
    for (from, to, expected) in [
        (
            "v1/async",
            "v1/sync",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 7, spec.transport.type: there is no transport \"io.statefun.transports.v1/sync\"",
            ][..],
        ),
        (
            "type: io.statefun.transports.v1/async",
            "type: async",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 7, spec.transport.type: there is no transport \"async\"",
            ][..],
        ),
        (
            "pool_ttl: 15s",
            "pool_time: 15s",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 10, spec.transport.pool_time: there is no such field",
            ][..],
        ),
        (
            "pool_ttl: 15s",
            "pool_ttl: 15 parsecs",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 10, spec.transport.pool_ttl: \"parsecs\" is no unit of time; expected a whole number and ms, s, min, h or d, such as 30s or 1 min",
            ][..],
        ),
        (
            "pool_ttl: 15s",
            "pool_ttl: soon",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 10, spec.transport.pool_ttl: \"soon\" does not begin with a number; expected a whole number and ms, s, min, h or d, such as 30s or 1 min",
            ][..],
        ),
        (
            "pool_ttl: 15s",
            "pool_ttl: []",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 10, spec.transport.pool_ttl: a list where a duration is expected",
            ][..],
        ),
        (
            "pool_size: 1024",
            "pool_size: 0",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 11, spec.transport.pool_size: a pool without a connection",
            ][..],
        ),
        (
            "call: 2 min",
            "call: 0 min",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 8, spec.transport.call: no time at all",
            ][..],
        ),
        (
            "pool_ttl: 15s",
            "read: 10s",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 10, spec.transport.read: only okhttp knows this time-out",
            ][..],
        ),
        (
            "    call: 2 min\n    connect: 20s\n",
            "    timeouts:\n      call: 1min\n      write: 10s\n",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 10, spec.transport.timeouts.write: only okhttp knows this time-out",
            ][..],
        ),
        (
            "    connect: 20s\n",
            "    timeouts:\n      connect: 20s\n",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 8, spec.transport.call: timeouts takes its place, even for what is not in it: call is 1 min",
            ][..],
        ),
        (
            "    call: 2 min\n    connect: 20s\n",
            "    connect: 20s\n    timeouts:\n      call: 1min\n",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 8, spec.transport.connect: timeouts takes its place, even for what is not in it: connect is 10s",
            ][..],
        ),
        (
            "    call: 2 min\n    connect: 20s\n",
            "    timeouts:\n      call: 0s\n",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 9, spec.transport.timeouts.call: no time at all",
            ][..],
        ),
        (
            "    client_key: /key.pem\n",
            "",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 14, spec.transport.client_cert: client_cert without client_key",
            ][..],
        ),
        (
            "    client_cert: file:/cert.pem\n",
            "",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 14, spec.transport.client_key: client_key without client_cert",
            ][..],
        ),
        (
            "      write: 10000\n",
            "      write: 10000\n    call: 1min\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 29, spec.transport.call: okhttp has its time-outs under timeouts",
            ][..],
        ),
        (
            "      write: 10000\n",
            "      write: 10000\n    pool_size: 5\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 29, spec.transport.pool_size: only async knows this option",
            ][..],
        ),
        (
            "      write: 10000\n",
            "      write: 10000\n    anything: 5\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 29, spec.transport.anything: there is no such field",
            ][..],
        ),
        (
            "      write: 10000\n",
            "      white: 10000\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 28, spec.transport.timeouts.white: there is no such field",
            ][..],
        ),
        (
            "      read: 10s\n",
            "      read: 2min\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 27, spec.transport.timeouts.read: read is longer than call",
            ][..],
        ),
        (
            "      read: 10s\n",
            "      read: 0\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 27, spec.transport.timeouts.read: no time at all",
            ][..],
        ),
        (
            "    call: 1min\n---",
            "    call: 5s\n---",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 35, spec.timeouts: connect is longer than call, as it is 10s by default",
                "error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 35, spec.timeouts: read is longer than call, as it is 10s by default",
                "error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 35, spec.timeouts: write is longer than call, as it is 10s by default",
            ][..],
        ),
        (
            "    call: 1min\n---",
            "    call: 10s\n    connect: 5s\n    write: 11s\n---",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 38, spec.timeouts.write: write is longer than call",
            ][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
