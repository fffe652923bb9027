//! Endpoints and their URLs.

use super::support::assert_findings;

#[test]
fn endpoints() {
    for (from, to, expected) in [
        (
            "functions: example/*",
            "functions: example",
            &[
                "error[invalid-type-name] 1:spec.functions",
                "error[target-without-endpoint] 4:spec.topics[0].targets[0]",
            ][..],
        ),
        (
            "functions: example/*",
            "functions: a/b/c",
            &[
                "error[invalid-type-name] 1:spec.functions",
                "error[target-without-endpoint] 4:spec.topics[0].targets[0]",
            ][..],
        ),
        (
            "functions: elsewhere/*",
            "functions: else*/*",
            &[
                "error[invalid-wildcard] 3:spec.functions",
                "error[target-without-endpoint] 5:spec.streams[0].targets[1]",
            ][..],
        ),
        (
            "functions: elsewhere/*",
            "functions: elsewhere/fun*",
            &[
                "error[invalid-wildcard] 3:spec.functions",
                "error[target-without-endpoint] 5:spec.streams[0].targets[1]",
            ][..],
        ),
        (
            "  functions: elsewhere/*\n",
            "",
            &["error[missing-field] 3:spec.functions", "error[target-without-endpoint] 5:spec.streams[0].targets[1]"][..],
        ),
        (
            "  functions: demo/greeter\n  urlPathTemplate: http+unix:///run/functions.sock/statefun\n",
            "  functions: demo/greeter\n",
            &["error[missing-field] 2:spec.urlPathTemplate"][..],
        ),
        (
            "maxNumBatchRequests: 500",
            "maxNumBatchRequests: many",
            &["error[wrong-type] 1:spec.maxNumBatchRequests"][..],
        ),
        ("maxNumBatchRequests: 500", "maxNumBatchRequests: 65536", &[][..]),
        (
            "maxNumBatchRequests: 500",
            "maxNumBatchRequests: 65537",
            &["error[batch-too-large] 1:spec.maxNumBatchRequests"][..],
        ),
        ("maxNumBatchRequests: 500", "maxBatch: 500", &["error[unknown-field] 1:spec.maxBatch"][..]),
        (
            "  maxNumBatchRequests: 1000\n  timeouts:\n    call: 2min",
            "  transport:\n    type: io.statefun.transports.v1/async",
            &["warning[call-too-short] 3:spec.urlPathTemplate", "error[misplaced-transport] 3:spec.transport"][..],
        ),
        (
            "  maxNumBatchRequests: 500\n",
            "  timeouts:\n    call: 2min\n",
            &["error[misplaced-timeouts] 1:spec.timeouts"][..],
        ),
        (
            "functions: elsewhere/*",
            "functions: demo/greeter",
            &[
                "error[duplicate-component] 3:spec.functions",
                "error[target-without-endpoint] 5:spec.streams[0].targets[1]",
            ][..],
        ),
        (
            "functions: demo/greeter\n",
            "functions: demo/greeter\n  functions: demo/greeter\n",
            &["error[duplicate-key] 2:spec.functions"][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}

#[test]
fn urls() {
    for (from, to, expected) in [
        (
            "https://functions:8000/{function.name}?a=b",
            "localhost:8000/statefun",
            &["error[invalid-url] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https://my_functions:8000/statefun",
            &["error[invalid-url] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https:///statefun",
            &["error[invalid-url] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https://functions:port/statefun",
            &["error[invalid-url] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "\"https://functions/{function.namespace}\"",
            &["error[invalid-url] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https://functions/state fun",
            &["error[invalid-url] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "http+unix:///run/functions.sock/statefun",
            &["error[async-unix-socket] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "ftp://functions/statefun",
            &["error[unknown-url-scheme] 1:spec.urlPathTemplate"][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "http://functions:8000",
            &[
                "error[tls-option-without-https] 1:spec.transport.trust_cacerts",
                "error[tls-option-without-https] 1:spec.transport.client_cert",
                "error[tls-option-without-https] 1:spec.transport.client_key",
                "error[tls-option-without-https] 1:spec.transport.client_key_password",
            ][..],
        ),
        (
            "http+unix:///run/functions.sock/statefun",
            "ftp://functions/statefun",
            &["error[unknown-url-scheme] 2:spec.urlPathTemplate"][..],
        ),
        (
            "http+unix:///run/functions.sock/statefun",
            "http+unix:///run/functions/statefun",
            &["error[unix-socket-path] 2:spec.urlPathTemplate"][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}

#[test]
fn times_of_lambda() {
    let lambda = "https://abcdefghij.execute-api.us-east-1.amazonaws.com/statefun";
    let to_async = "https://functions:8000/{function.name}?a=b\n  maxNumBatchRequests: 500\n  transport:\n    type: io.statefun.transports.v1/async\n    call: 2 min";
    for (from, to, expected) in [
        (to_async, to_async.replace("https://functions:8000/{function.name}?a=b", lambda), &[][..]),
        (
            to_async,
            to_async.replace("https://functions:8000/{function.name}?a=b", lambda).replace("2 min", "30s"),
            &["warning[lambda-timeout] 1:spec.transport.call"],
        ),
        (
            "http+unix:///run/functions.sock/statefun",
            "https://abc.lambda-url.us-east-1.on.aws/".to_owned(),
            &["warning[lambda-timeout] 2:spec.transport.timeouts.read"],
        ),
        ("http://[::1]:9000", lambda.to_owned(), &["warning[lambda-timeout] 3:spec.urlPathTemplate"]),
    ] {
        assert_findings(from, &to, expected);
    }
}
