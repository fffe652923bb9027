"""The configuration, applied to moto with the real provider; Flink is planned only, as moto cannot start applications."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support import ACCOUNT, ALARMS, ENVIRONMENT, REGION, ROOT, SCORING_URL, SECRET, TOPIC, Aws, template, watched

TERRAFORM = ROOT / "deploy" / "terraform"

# What moto needs besides AWS_ENDPOINT_URL.
MOTO = """
provider "aws" {
  s3_use_path_style = true
}
"""
# moto denies whatever the conditions of a bucket policy are: until all is there, this one stands for ours.
POLICY = """
resource "aws_s3_bucket_policy" "code" {
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:*", Resource = "${aws_s3_bucket.code.arn}/*" }]
  })
}
"""
VARIABLES = "application=shopping-cart", "reserved_concurrency=20", f"scoring_url={SCORING_URL}", f"alarm_topic_arn={TOPIC}"


class Configuration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.aws = Aws()
        cls.addClassCleanup(cls.aws.stop)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for file in TERRAFORM.glob("*.tf"):
            shutil.copy(file, cls.folder)
        (cls.folder / "moto_override.tf").write_text(MOTO)
        (cls.folder / "policy_override.tf").write_text(POLICY)
        (cls.folder / "functions.zip").write_bytes(b"PK of functions")
        (cls.folder / "statefun.jar").write_bytes(b"PK of a jar")
        cls.environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder.name,
            "TF_CLI_CONFIG_FILE": os.environ["TF_CLI_CONFIG_FILE"],
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_VAR_secret_path": SECRET,
            "TF_VAR_functions_zip": "functions.zip",
            "AWS_ENDPOINT_URL": cls.aws.url,
        } | ENVIRONMENT
        ended = cls.terraform("init", "-input=false")
        assert ended.returncode == 0, ended.stderr

    @classmethod
    def terraform(cls, *arguments):
        command = ["terraform", *arguments, "-no-color"]
        return subprocess.run(command, cwd=cls.folder, env=cls.environment, text=True, capture_output=True, timeout=300)

    def done(self, *arguments):
        ended = self.terraform(*arguments)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout

    def test_is_valid_and_formatted(self):
        self.done("fmt", "-check", "-diff")
        self.assertIn("The configuration is valid", self.done("validate"))

    def test_what_is_wrong_is_refused_before_anything_is_made(self):
        # All at once, as each run takes seconds.
        wrong = {
            "secret_path=short": "A secret has 32 to 128 letters",
            "functions_zip=none.zip": "scripts/build_lambda_packages.sh makes one",
            "jar=none.jar": "deploy/managed-flink makes one",
            "application=shop": "There is product-cart, shopping-cart, fraud and greeter",
            "name=Statefun": "A name has 1 to 27 lower-case letters",
            "shards=0": "Shards are a whole number from 1 on",
            "parallelism=1.5": "Parallelism is a whole number from 1 to 64",
            "retention_hours=1": "Kinesis keeps records for 24 to 8760 hours",
            "memory_size=64": "Memory is a whole number of MB",
            "log_retention_days=8": "CloudWatch keeps logs for",
            "architecture=arm": "There is x86_64 and arm64",
            "checkpoint_seconds=0": "A checkpoint comes every 1 to 3600 seconds",
            "scoring_url=scores": "A scoring service has a URL with http:// or https://",
            "alarm_topic_arn=alarms": "A topic has an ARN such as",
            "reserved_concurrency=0": "Concurrency is a whole number from 1 on",
        }
        ended = self.terraform("plan", "-input=false", *options(*wrong))
        self.assertEqual(ended.returncode, 1, ended.stdout)
        said = " ".join(ended.stderr.replace("│", " ").split())
        for value, error in wrong.items():
            self.assertIn(error, said, value)

    def test_has_the_defaults_of_the_template(self):
        parameters = template("statefun.yaml")["Parameters"]
        variables = (TERRAFORM / "variables.tf").read_text()
        for name, parameter in {
            "request_rate": "RequestRate",
            "request_burst": "RequestBurst",
            "reserved_concurrency": "ReservedConcurrency",
            "memory_size": "MemorySize",
            "log_retention_days": "LogRetentionDays",
            "retention_hours": "RetentionHours",
            "shards": "Shards",
            "parallelism": "Parallelism",
            "checkpoint_seconds": "CheckpointSeconds",
        }.items():
            [default] = re.findall(rf'variable "{name}" {{\n(?:  .*\n|\n)*?  default     = (\d+)\n', variables)
            self.assertEqual(int(default), parameters[parameter]["Default"], name)

    def test_all_that_moto_can_make_is_there(self):
        self.done("apply", "-input=false", "-auto-approve", *options(*VARIABLES))
        outputs = {name: output["value"] for name, output in json.loads(self.done("output", "-json")).items()}
        self.assertEqual(outputs["ingress_streams"], ["cart_events", "restock_events"])
        self.assertTrue(outputs["endpoint"].endswith(f"/{SECRET}/statefun"))

        streams = {"cart_events": 2, "restock_events": 2, "cart_results": 2, "shopping-cart-example-dead-letter": 1}
        kinesis = self.aws.client("kinesis")
        self.assertEqual(sorted(kinesis.list_streams()["StreamNames"]), sorted(streams))
        for stream, shards in streams.items():
            summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
            self.assertEqual((summary["OpenShardCount"], summary["EncryptionType"]), (shards, "KMS"))

        s3, bucket = self.aws.client("s3"), outputs["code_bucket"]
        self.assertEqual(bucket, f"statefun-code-{ACCOUNT}-{REGION}")
        self.assertEqual(set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()), {True})
        self.assertEqual(s3.get_bucket_versioning(Bucket=bucket)["Status"], "Enabled")
        [archive] = s3.list_objects_v2(Bucket=bucket)["Contents"]
        self.assertRegex(archive["Key"], r"^functions/[0-9a-f]{64}\.zip$")

        functions = self.aws.client("lambda")
        configuration = functions.get_function(FunctionName="statefun-functions")["Configuration"]
        self.assertEqual((configuration["Runtime"], configuration["Timeout"]), ("provided.al2023", 28))
        self.assertEqual(configuration["Environment"]["Variables"], {
            "STATEFUN_EGRESS": "kinesis", "STATEFUN_FUNCTION_TIMEOUT": "25s", "STATEFUN_SCORING_URL": SCORING_URL})
        concurrency = functions.get_function_concurrency(FunctionName="statefun-functions")
        self.assertEqual(concurrency["ReservedConcurrentExecutions"], 20)

        gateway = self.aws.client("apigatewayv2")
        [api] = gateway.get_apis()["Items"]
        [route] = gateway.get_routes(ApiId=api["ApiId"])["Items"]
        [integration] = gateway.get_integrations(ApiId=api["ApiId"])["Items"]
        [stage] = gateway.get_stages(ApiId=api["ApiId"])["Items"]
        self.assertEqual(route["RouteKey"], f"POST /{SECRET}/statefun")
        self.assertEqual(route["Target"], f"integrations/{integration['IntegrationId']}")
        self.assertEqual(integration["IntegrationUri"], configuration["FunctionArn"])
        self.assertEqual(stage["DefaultRouteSettings"]["ThrottlingRateLimit"], 1000)
        self.assertNotIn("$context.path", stage["AccessLogSettings"]["Format"])
        self.assertNotIn("$context.routeKey", stage["AccessLogSettings"]["Format"])

        groups = {group["logGroupName"]: group.get("retentionInDays")
                  for group in self.aws.client("logs").describe_log_groups()["logGroups"]}
        self.assertEqual(groups, dict.fromkeys(
            ["/aws/lambda/statefun-functions", "/aws/apigateway/statefun", "/aws/kinesis-analytics/statefun"], 30))

        alarms = self.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        found, what = watched(alarms)
        self.assertEqual(found, {key: value for key, value in ALARMS.items() if key[2] != "Application"})
        self.assertEqual(set(what.values()), {"statefun-functions", api["ApiId"], "shopping-cart-example-dead-letter"})
        for alarm in alarms:
            self.assertEqual(alarm["AlarmActions"], [TOPIC])

        self.is_planned_with_flink()
        self.keeps_the_jar_until_flink_has_another()

    def is_planned_with_flink(self):
        """What comes with a JAR, and the bucket's own policy; what was applied before stays as it is."""
        (self.folder / "policy_override.tf").unlink()
        changes = self.planned_with_flink()
        planned = {(change["type"], *change["change"]["actions"]) for change in changes}
        self.assertEqual(planned, {
            ("aws_s3_bucket_policy", "update"),
            ("aws_s3_object", "create"),
            ("aws_iam_role", "create"),
            ("aws_iam_role_policy", "create"),
            ("aws_kinesisanalyticsv2_application", "create"),
            ("aws_cloudwatch_metric_alarm", "create"),
        })
        [alarm] = [change["change"]["after"] for change in changes if change["type"] == "aws_cloudwatch_metric_alarm"]
        self.assertEqual((alarm["metric_name"], alarm["dimensions"]), ("downtime", {"Application": "statefun"}))
        self.assertEqual((alarm["statistic"], alarm["threshold"]), ("Maximum", 0))
        [policy] = [change["change"]["after"]["policy"] for change in changes if change["type"] == "aws_s3_bucket_policy"]
        [statement] = json.loads(policy)["Statement"]
        self.assertEqual((statement["Effect"], statement["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))
        flink, configuration = application(changes)
        self.assertEqual((flink["runtime_environment"], flink["start_application"]), ("FLINK-1_18", True))
        [location] = configuration["application_code_configuration"][0]["code_content"][0]["s3_content_location"]
        self.assertRegex(location["file_key"], r"^flink/[0-9a-f]{64}\.jar$")
        self.assertIs(drops_states(configuration), False)
        _, configuration = application(self.planned_with_flink("allow_non_restored_state=true"))
        self.assertIs(drops_states(configuration), True)
        print("not applied, as moto cannot start applications: aws_kinesisanalyticsv2_application")

    def planned_with_flink(self, *variables):
        self.done("plan", "-input=false", "-out=flink", *options(*VARIABLES, "jar=statefun.jar", *variables))
        changes = json.loads(self.done("show", "-json", "flink"))["resource_changes"]
        return [change for change in changes if changed(change["change"])]

    def keeps_the_jar_until_flink_has_another(self):
        variables = options(*VARIABLES, "jar=statefun.jar")
        self.done("apply", "-input=false", "-auto-approve", "-target=aws_s3_object.jar", *variables)
        (self.folder / "statefun.jar").write_bytes(b"PK of another jar")
        self.done("plan", "-input=false", "-out=release", "-target=aws_s3_object.jar", *variables)
        [actions] = [change["change"]["actions"] for change in json.loads(self.done("show", "-json", "release"))["resource_changes"]
                     if change["address"] == "aws_s3_object.jar[0]"]
        self.assertEqual(actions, ["create", "delete"])


def options(*variables):
    return [option for variable in variables for option in ("-var", variable)]


def application(changes):
    """The planned Flink application, and its configuration."""
    [flink] = [change["change"]["after"] for change in changes if change["type"] == "aws_kinesisanalyticsv2_application"]
    [configuration] = flink["application_configuration"]
    return flink, configuration


def drops_states(configuration):
    [run] = configuration["run_configuration"]
    [flink] = run["flink_run_configuration"]
    return flink["allow_non_restored_state"]


def changed(change):
    """Whether a resource is to be another, but for what moto forgets."""
    forgotten = {"tags_all", "logging_config"}
    before, after = change["before"] or {}, change["after"] or {}
    return any(before.get(name) != value for name, value in after.items() if name not in forgotten)


if __name__ == "__main__":
    unittest.main()
