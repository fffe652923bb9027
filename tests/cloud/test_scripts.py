"""The scripts that operators run, against moto: `aws` and `statefun` are the real ones."""

import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import time
import unittest

from support import CLOUDFORMATION, ENVIRONMENT, ROOT, SECRET, Aws

SCRIPTS = ROOT / "scripts"
EVENTS = ROOT / "crates" / "applications" / "src" / "product_cart" / "events.jsonl"
GROUP = "/aws/kinesis-analytics/statefun"


class Scripts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.aws = Aws()
        cls.addClassCleanup(cls.aws.stop)

    def setUp(self):
        self.aws.reset()
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.environment = {
            "PATH": os.environ["PATH"],
            "STATEFUN_CLI": os.environ["STATEFUN_CLI"],
            "HOME": home.name,
            "AWS_ENDPOINT_URL": self.aws.url,
        } | ENVIRONMENT

    def run_script(self, name, *arguments, **options):
        script = options.pop("root", ROOT) / "scripts" / name
        options = {"env": self.environment, "text": True, "capture_output": True, "timeout": 60} | options
        return subprocess.run([script, *arguments], **options)

    def printed(self, name, *arguments):
        ended = self.run_script(name, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout.splitlines()

    def refused(self, name, *arguments):
        ended = self.run_script(name, *arguments)
        self.assertNotEqual(ended.returncode, 0)
        self.assertEqual(ended.stdout, "")
        return ended.stderr

    def stream(self, name):
        kinesis = self.aws.client("kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=2)
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})


class Events(Scripts):
    def test_each_tells_how_it_is_used(self):
        for name in "send-events", "get-events", "tail-logs", "build_lambda_packages.sh":
            self.assertIn(f"scripts/{name}", "\n".join(self.printed(name, "--help")))
            self.assertIn("--help", self.refused(name, "--nonsense"))

    def test_what_is_sent_is_printed(self):
        self.stream("example-ingress")
        sent = self.run_script("send-events")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        options = ["--stream", "example-ingress", "--", "--from-beginning", "--to-end"]
        received = [json.loads(line)["value"] for line in self.printed("get-events", *options)]
        sent = [json.loads(line) for line in EVENTS.read_text().splitlines()]
        # Test directives are for whoever sends.
        sent = [event for event in sent if not event["type"].startswith("test.")]
        order = lambda events: sorted(json.dumps(event, sort_keys=True) for event in events)
        self.assertEqual(order(received), order(sent))

    def test_a_stack_knows_its_streams(self):
        self.aws.client("s3").create_bucket(Bucket="code")
        self.aws.client("s3").put_object(Bucket="code", Key="1.zip", Body=b"PK")
        parameters = {"CodeBucket": "code", "FunctionsKey": "1.zip", "SecretPath": SECRET, "Application": "greeter"}
        self.aws.client("cloudformation").create_stack(
            StackName="demo",
            TemplateBody=(CLOUDFORMATION / "statefun.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        options = ["--stack", "demo", "-", "--", "--key-pointer", "/user_name"]
        sent = self.run_script("send-events", *options, input='{"user_name": "ann"}\n')
        self.assertEqual(sent.returncode, 0, sent.stderr)
        options = ["--from-beginning", "--to-end"]
        [line] = self.printed("get-events", "--stream", "demo-logins", "--", *options)
        self.assertEqual(json.loads(line)["key"], "ann")
        self.aws.client("kinesis").put_record(StreamName="greetings", Data=b"Hello ann", PartitionKey="ann")
        [line] = self.printed("get-events", "--stack", "demo", "--", *options)
        self.assertEqual(json.loads(line)["value_text"], "Hello ann")
        self.assertEqual(self.printed("tail-logs", "--stack", "demo", "--once"), [])

    def test_what_is_wrong_is_said(self):
        self.assertIn("no file at nowhere.jsonl", self.refused("send-events", "nowhere.jsonl"))
        self.assertIn("either --stream or --stack", self.refused("get-events", "--stream", "a", "--stack", "b"))
        self.assertIn("cannot be read", self.refused("send-events", "--stack", "none"))
        self.environment["STATEFUN_CLI"] = "/nowhere"
        self.assertIn("STATEFUN_CLI=/nowhere is no program", self.refused("send-events"))


class Logs(Scripts):
    def setUp(self):
        super().setUp()
        self.logs = self.aws.client("logs")
        self.logs.create_log_group(logGroupName=GROUP)
        for stream in "one", "two":
            self.logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        self.now = int(time.time() * 1000)

    def log(self, stream, seconds_ago, message):
        event = {"timestamp": self.now - 1000 * seconds_ago, "message": message}
        self.logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=[event])

    def tail(self, *arguments):
        """The lines without their times."""
        return [line.split(" ", 1)[1] for line in self.printed("tail-logs", "--once", *arguments)]

    def test_goes_on_where_it_left_off(self):
        flink = {"messageType": "INFO", "logger": "org.apache.flink.Job", "message": "Job is RUNNING\n"}
        self.log("two", 100, "second")
        self.log("one", 200, "first")
        self.log("one", 50, json.dumps(flink))
        self.assertEqual(self.tail(), ["first", "second", "INFO org.apache.flink.Job Job is RUNNING"])
        self.assertEqual(self.tail(), [])

        # What CloudWatch took in late, as old as what was printed before, and what came at the same time.
        self.log("two", 100, "late")
        self.log("one", 50, "at the same time")
        self.log("one", 10, "third")
        self.assertEqual(self.tail(), ["late", "at the same time", "third"])
        self.assertEqual(self.tail(), [])
        self.assertEqual(len(self.tail("--restart")), 6)
        self.assertEqual(self.tail("--restart", "--since", "40s"), ["third"])

    def test_prints_events_as_they_are(self):
        self.log("one", 5, '{"level":"INFO","request":"1"}')
        self.log("one", 4, "{half")
        self.assertEqual(self.tail(), ['{"level":"INFO","request":"1"}', "{half"])
        [event, _] = [json.loads(line) for line in self.printed("tail-logs", "--once", "--restart", "--raw")]
        self.assertEqual((event["logStreamName"], event["message"]), ("one", '{"level":"INFO","request":"1"}'))

    def test_follows_until_it_is_told_to_end(self):
        self.log("one", 5, "before")
        running = subprocess.Popen([SCRIPTS / "tail-logs"], env=self.environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(running.stdout.close)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        self.assertIn("before", self.line(running))
        self.log("one", 0, "while it runs")
        self.assertIn("while it runs", self.line(running))
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(30), 0)

    def line(self, running):
        ready, _, _ = select.select([running.stdout], [], [], 30)
        self.assertTrue(ready, "nothing was printed for 30 s")
        return running.stdout.readline()

    def test_groups_are_kept_apart(self):
        self.log("one", 5, "of the one")
        self.logs.create_log_group(logGroupName="/aws/kinesis/analytics/statefun")
        self.assertEqual(self.tail(), ["of the one"])
        self.assertEqual(self.tail("/aws/kinesis/analytics/statefun"), [])
        self.assertEqual(self.tail(), [])

    def test_what_is_wrong_is_said(self):
        self.assertIn("/aws/none cannot be read", self.refused("tail-logs", "--once", "/aws/none"))
        # Without --once as well: it is no passing fault.
        self.assertIn("/aws/none cannot be read", self.refused("tail-logs", "/aws/none"))
        self.assertIn("expected a number and s, m, h or d", self.refused("tail-logs", "--since", "yesterday"))
        self.log("one", 5, "still there")
        self.tail()
        [state] = pathlib.Path(self.environment["HOME"]).glob(".local/state/statefun/logs/*analytics%statefun.json")
        state.write_text('{"from": 1, "pri')
        self.assertIn("--restart begins anew", self.refused("tail-logs", "--once"))
        self.assertEqual(self.tail("--restart"), ["still there"])


class Packages(Scripts):
    """lambda/build.sh is tested by itself."""

    def setUp(self):
        super().setUp()
        root = tempfile.TemporaryDirectory()
        self.addCleanup(root.cleanup)
        self.root = pathlib.Path(root.name)
        (self.root / "lambda").mkdir()
        (self.root / "scripts").symlink_to(SCRIPTS)
        self.build('mkdir -p target/lambda && echo "$1" >target/lambda/statefun-lambda-$1.zip')

    def build(self, line):
        build = self.root / "lambda" / "build.sh"
        build.write_text(f"#!/bin/sh\nset -eu\ncd {self.root}\n{line}\n")
        build.chmod(0o755)

    def packages(self, *arguments):
        return self.run_script("build_lambda_packages.sh", *arguments, root=self.root, cwd=self.root)

    def test_builds_both_and_says_where_they_go(self):
        built = self.packages()
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertRegex(built.stdout, r"aws s3 cp target/lambda/statefun-lambda-arm64.zip s3://BUCKET/functions/\w{16}.zip")
        self.assertEqual(sorted(zip.name for zip in self.root.glob("target/lambda/*")),
                         ["statefun-lambda-arm64.zip", "statefun-lambda-x86_64.zip"])

    def test_builds_one(self):
        self.assertEqual(self.packages("x86_64").returncode, 0)
        self.assertEqual([zip.name for zip in self.root.glob("target/lambda/*")], ["statefun-lambda-x86_64.zip"])

    def test_a_build_that_fails_fails(self):
        self.build("exit 1")
        self.assertIn("lambda/build.sh arm64 failed", self.packages("arm64").stderr)
        self.build("true")
        self.assertIn("left no", self.packages("arm64").stderr)


if __name__ == "__main__":
    unittest.main()
