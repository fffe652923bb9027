//! Endpoints and their URLs.

use super::support::assert_findings;

#[test]
fn endpoints() {
    for (from, to, expected) in [
        (
            "functions: example/*",
            "functions: example",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example), line 3, spec.functions: \"example\" cannot be read as a name: that is two parts with one '/' between them",
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 50, spec.topics[0].targets[0]: no endpoint covers example/router",
            ][..],
        ),
        (
            "functions: example/*",
            "functions: a/b/c",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http a/b/c), line 3, spec.functions: \"a/b/c\" cannot be read as a name: that is two parts with one '/' between them",
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 50, spec.topics[0].targets[0]: no endpoint covers example/router",
            ][..],
        ),
        (
            "functions: elsewhere/*",
            "functions: else*/*",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http else*/*), line 32, spec.functions: a wildcard may only stand for all of a namespace",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 73, spec.streams[0].targets[1]: no endpoint covers elsewhere/function",
            ][..],
        ),
        (
            "functions: elsewhere/*",
            "functions: elsewhere/fun*",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http elsewhere/fun*), line 32, spec.functions: a wildcard may only stand for all of a namespace",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 73, spec.streams[0].targets[1]: no endpoint covers elsewhere/function",
            ][..],
        ),
        (
            "  functions: elsewhere/*\n",
            "",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http), line 31, spec: functions is missing",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 72, spec.streams[0].targets[1]: no endpoint covers elsewhere/function",
            ][..],
        ),
        (
            "  functions: demo/greeter\n  urlPathTemplate: http+unix:///run/functions.sock/statefun\n",
            "  functions: demo/greeter\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 19, spec: urlPathTemplate is missing",
            ][..],
        ),
        (
            "maxNumBatchRequests: 500",
            "maxNumBatchRequests: many",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 5, spec.maxNumBatchRequests: a text where a whole number of at most 32 bits is expected",
            ][..],
        ),
        (
            "maxNumBatchRequests: 500",
            "maxBatch: 500",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 5, spec.maxBatch: there is no such field",
            ][..],
        ),
        (
            "  maxNumBatchRequests: 1000\n  timeouts:\n    call: 1min",
            "  transport:\n    type: io.statefun.transports.v1/async",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 34, spec.transport: endpoints.v1 always uses okhttp",
            ][..],
        ),
        (
            "  maxNumBatchRequests: 500\n",
            "  timeouts:\n    call: 1min\n",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 5, spec.timeouts: endpoints.v2 has its time-outs under transport",
            ][..],
        ),
        (
            "functions: elsewhere/*",
            "functions: demo/greeter",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http demo/greeter), line 32, spec.functions: an endpoint for demo/greeter is there already, in document 2",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 73, spec.streams[0].targets[1]: no endpoint covers elsewhere/function",
            ][..],
        ),
        (
            "functions: demo/greeter\n",
            "functions: demo/greeter\n  functions: demo/greeter\n",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 21, spec.functions: functions is there twice, first in line 20",
            ][..],
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
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: \"localhost:8000/statefun\": it does not begin with http:// or https://",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https://my_functions:8000/statefun",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: \"https://my_functions:8000/statefun\": '_' may not be in a host's name",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https:///statefun",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: \"https:///statefun\": there is no host",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https://functions:port/statefun",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: \"https://functions:port/statefun\": \"port\" is no port",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "\"https://functions/{function.namespace}\"",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: \"https://functions/{function.namespace}\": there is a brace at \"{function.namespace}\"; the only placeholder is {function.name}",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "https://functions/state fun",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: \"https://functions/state fun\": ' ' may not be in a URL",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "http+unix:///run/functions.sock/statefun",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: async knows no Unix sockets",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "ftp://functions/statefun",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 4, spec.urlPathTemplate: ftp is neither http nor https",
            ][..],
        ),
        (
            "https://functions:8000/{function.name}?a=b",
            "http://functions:8000",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 13, spec.transport.trust_cacerts: an option of TLS, but the URL is http",
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 14, spec.transport.client_cert: an option of TLS, but the URL is http",
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 15, spec.transport.client_key: an option of TLS, but the URL is http",
                "error: document 1 (io.statefun.endpoints.v2/http example/*), line 16, spec.transport.client_key_password: an option of TLS, but the URL is http",
            ][..],
        ),
        (
            "http+unix:///run/functions.sock/statefun",
            "ftp://functions/statefun",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 21, spec.urlPathTemplate: ftp is neither http nor https",
            ][..],
        ),
        (
            "http+unix:///run/functions.sock/statefun",
            "http+unix:///run/functions/statefun",
            &[
                "error: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 21, spec.urlPathTemplate: no part of the path ends in .sock",
            ][..],
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
            &[
                "warning: document 1 (io.statefun.endpoints.v2/http example/*), line 8, spec.transport.call: call is 30s, and an answer of AWS Lambda may take 30s",
            ],
        ),
        (
            "http+unix:///run/functions.sock/statefun",
            "https://abc.lambda-url.us-east-1.on.aws/".to_owned(),
            &[
                "warning: document 2 (io.statefun.endpoints.v2/http demo/greeter), line 27, spec.transport.timeouts.read: read is 10s, and an answer of AWS Lambda may take 30s",
            ],
        ),
        (
            "http://[::1]:9000",
            lambda.to_owned(),
            &[
                "warning: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 33, spec.urlPathTemplate: read is 10s by default, and an answer of AWS Lambda may take 30s",
            ],
        ),
    ] {
        assert_findings(from, &to, expected);
    }
}
