"""The templates, made in moto; what was made is asked of each service, since moto says CREATE_COMPLETE of anything."""

import ast
import json
import re
import time
import unittest
import urllib.request
from unittest import mock

import yaml
from moto.awslambda.models import LambdaFunction
from support import ACCOUNT, ALARMS, APPLICATIONS, CLOUDFORMATION, REGION, ROOT, SCORING_URL, SECRET, TOPIC
from support import Aws, Loader, Tag, template, watched

# moto makes none of these, whatever it says.
NOT_MADE = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::KinesisAnalyticsV2::Application",
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
    "AWS::Logs::LogStream",
}


class Stacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.aws = Aws()
        cls.addClassCleanup(cls.aws.stop)

    def setUp(self):
        self.aws.reset()
        # Lambda would run it in a container.
        self.invoked = []
        invoke = mock.patch.object(LambdaFunction, "invoke", lambda _, body, *__: self.invoked.append(json.loads(body)))
        invoke.start()
        self.addCleanup(invoke.stop)
        self.bucket = self.created("bucket.yaml", "code")["BucketName"]
        for key in "functions/1.zip", "flink/1.jar":
            self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=b"PK")

    def created(self, name, stack, **parameters):
        """Its outputs, when all of the stack is there."""
        cloudformation = self.aws.client("cloudformation")
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=(CLOUDFORMATION / name).read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        deadline = time.monotonic() + 20
        while True:
            [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            if described["StackStatus"] == "CREATE_COMPLETE":
                return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
            self.assertEqual(described["StackStatus"], "CREATE_IN_PROGRESS", described.get("StackStatusReason"))
            self.assertLess(time.monotonic(), deadline, "the stack is not done")
            self.run_custom_resource()
            time.sleep(0.02)

    def run_custom_resource(self):
        """Answers as the starter would, which is tested by itself. (moto does not know the name of the application.)"""
        while self.invoked:
            event = self.invoked.pop()
            self.custom_resource = event
            answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
            answer |= {"Status": "SUCCESS", "PhysicalResourceId": "demo", "Data": {}}
            path = event["ResponseURL"].split("/", 3)[3]
            url = f"{self.aws.url}/{path}"
            request = urllib.request.Request(url, json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")
            urllib.request.urlopen(request, timeout=10).close()

    def statefun(self, **parameters):
        given = {"CodeBucket": self.bucket, "FunctionsKey": "functions/1.zip", "SecretPath": SECRET}
        return self.created("statefun.yaml", "demo", **(given | parameters))

    def resources(self):
        listed = self.aws.client("cloudformation").list_stack_resources(StackName="demo")["StackResourceSummaries"]
        return {one["LogicalResourceId"]: one for one in listed}

    def role(self, name):
        """Who may take a role on, and what it allows: {policy: [statement…]}."""
        iam = self.aws.client("iam")
        role = self.resources()[name]["PhysicalResourceId"]
        self.assertEqual(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"], [])
        policies = {
            # moto keeps it as Python writes it.
            policy: ast.literal_eval(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])["Statement"]
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        return iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"], policies

    def test_bucket_is_encrypted(self):
        """The rest of a bucket moto does not set; checkov sees that the template has it."""
        [rule] = self.aws.client("s3").get_bucket_encryption(Bucket=self.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        self.assertEqual(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")

    def test_all_that_moto_can_make_is_there(self):
        outputs = self.statefun(JarKey="flink/1.jar", Shards="3", LogRetentionDays="7", ReservedConcurrency="20")
        kinesis, logs, functions = (self.aws.client(service) for service in ("kinesis", "logs", "lambda"))
        checked = set()

        for name, stream, shards in (
            ("Ingress", "example-ingress", 3),
            ("Egress", "example-egress", 3),
            ("DeadLetter", "example-dead-letter", 1),
        ):
            summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
            self.assertEqual((summary["OpenShardCount"], summary["RetentionPeriodHours"]), (shards, 24))
            checked.add(name)

        for name, group in (
            ("FunctionsLogs", "/aws/lambda/demo-functions"),
            ("ApiLogs", "/aws/apigateway/demo"),
            ("FlinkLogs", "/aws/kinesis-analytics/demo"),
            ("StarterLogs", "/aws/lambda/demo-starter"),
        ):
            [described] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
            self.assertEqual((described["logGroupName"], described["retentionInDays"]), (group, 7))
            checked.add(name)

        deployed = functions.get_function(FunctionName="demo-functions")
        configuration = deployed["Configuration"]
        self.assertEqual(
            (configuration["Runtime"], configuration["Timeout"], configuration["MemorySize"]), ("provided.al2023", 28, 512)
        )
        self.assertEqual(configuration["Environment"]["Variables"], {"STATEFUN_EGRESS": "kinesis", "STATEFUN_FUNCTION_TIMEOUT": "25s"})
        concurrency = functions.get_function_concurrency(FunctionName="demo-functions")
        self.assertEqual(concurrency["ReservedConcurrentExecutions"], 20)
        [statement] = json.loads(functions.get_policy(FunctionName="demo-functions")["Policy"])["Statement"]
        self.assertEqual(statement["Principal"], {"Service": "apigateway.amazonaws.com"})
        self.assertEqual(statement["Action"], "lambda:InvokeFunction")
        self.assertIn("execute-api", statement["Condition"]["ArnLike"]["AWS:SourceArn"])
        configuration = functions.get_function(FunctionName="demo-starter")["Configuration"]
        self.assertEqual((configuration["Handler"], configuration["Timeout"]), ("index.handler", 900))
        checked |= {"Functions", "ApiPermission", "Starter"}

        for role in "FunctionsRole", "FlinkRole", "StarterRole":
            self.role(role)
            checked.add(role)

        self.assertEqual(self.custom_resource["RequestType"], "Create")
        properties = self.custom_resource["ResourceProperties"]
        self.assertEqual((properties["JarKey"], properties["Runs"]), ("flink/1.jar", "true"))
        self.assertEqual(properties["AllowNonRestoredState"], "false")
        checked.add("FlinkRunning")

        resources = template("statefun.yaml")["Resources"]
        unchecked = {name for name, resource in resources.items() if resource["Type"] in NOT_MADE}
        self.assertEqual(set(resources) - {"SecondIngress", "ThirdIngress"}, checked | unchecked)
        self.assertEqual(self.aws.client("apigatewayv2").get_apis()["Items"], [], "moto makes APIs now: check them")
        made = self.aws.client("kinesisanalyticsv2").list_applications()["ApplicationSummaries"]
        self.assertEqual(made, [], "moto makes Flink applications now: check them")
        made = self.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        self.assertEqual(made, [], "moto makes alarms now: check them")
        print("not checked, as moto does not make them:", ", ".join(sorted(unchecked)))

        self.assertEqual(outputs["IngressStreams"], "example-ingress")
        self.assertEqual(outputs["EgressStream"], "example-egress")
        self.assertEqual(outputs["DeadLetterStream"], "example-dead-letter")
        self.assertEqual(outputs["FlinkLogGroup"], "/aws/kinesis-analytics/demo")
        self.assertEqual(outputs["FunctionsLogGroup"], "/aws/lambda/demo-functions")
        self.assertTrue(outputs["Endpoint"].endswith("/SECRET_PATH/statefun"), outputs["Endpoint"])

    def test_roles_allow_what_is_needed_and_no_more(self):
        self.statefun(Application="shopping-cart", JarKey="flink/1.jar")

        who, policies = self.role("FunctionsRole")
        self.assertEqual(who[0]["Principal"], {"Service": "lambda.amazonaws.com"})
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/demo-functions:*"
        self.assertEqual(allowed(policies), {("logs:CreateLogStream", group), ("logs:PutLogEvents", group)})

        who, policies = self.role("FlinkRole")
        application = f"arn:aws:kinesisanalytics:{REGION}:{ACCOUNT}:application/demo"
        self.assertEqual(who[0]["Principal"], {"Service": "kinesisanalytics.amazonaws.com"})
        self.assertEqual(who[0]["Condition"]["ArnEquals"], {"aws:SourceArn": application})
        self.assertEqual(who[0]["Condition"]["StringEquals"], {"aws:SourceAccount": ACCOUNT})
        flink = allowed(policies)
        stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/"
        reads = {resource.removeprefix(stream) for action, resource in flink if action == "kinesis:GetRecords"}
        writes = {resource.removeprefix(stream) for action, resource in flink if action == "kinesis:PutRecords"}
        self.assertEqual(reads, {"cart_events", "restock_events"})
        self.assertEqual(writes, {"cart_results", "shopping-cart-example-dead-letter"})
        self.assertIn(("s3:GetObject", f"arn:aws:s3:::{self.bucket}/*"), flink)
        self.assertEqual({action.split(":")[0] for action, _ in flink}, {"kinesis", "logs", "s3"})

        _, policies = self.role("StarterRole")
        own = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/demo-starter:*"
        self.assertEqual(
            allowed(policies),
            {("logs:CreateLogStream", own), ("logs:PutLogEvents", own)}
            | {(f"kinesisanalytics:{verb}Application", application) for verb in ("Describe", "Start", "Stop")},
        )

    def test_every_application_has_its_streams(self):
        for application in APPLICATIONS:
            self.setUp()
            outputs = self.statefun(Application=application)
            names = self.aws.client("kinesis").list_streams()["StreamNames"]
            named = [*outputs["IngressStreams"].split(","), outputs["EgressStream"], outputs["DeadLetterStream"]]
            self.assertEqual(sorted(named), sorted(names), application)

    def test_there_is_no_flink_without_a_jar(self):
        outputs = self.statefun()
        self.assertFalse([name for name in self.resources() if "Starter" in name or name in ("Flink", "FlinkRole")])
        self.assertNotIn("FlinkApplication", outputs)

    def test_flink_is_not_started_when_it_is_not_to_run(self):
        self.statefun(JarKey="flink/1.jar", FlinkRuns="false")
        # It stays while nothing is to run, so that a stop that fails is an update that fails.
        self.assertIn("FlinkRunning", self.resources())
        self.assertEqual(self.custom_resource["ResourceProperties"]["Runs"], "false")

    def test_states_are_dropped_only_where_it_is_asked(self):
        parameter = template("statefun.yaml")["Parameters"]["AllowNonRestoredState"]
        self.assertEqual((parameter["Default"], parameter["AllowedValues"]), ("false", ["true", "false"]))
        self.statefun(JarKey="flink/1.jar", AllowNonRestoredState="true")
        self.assertEqual(self.custom_resource["ResourceProperties"]["AllowNonRestoredState"], "true")

    def test_the_service_would_take_the_flink_application(self):
        """Its properties, against the service's own description of the request."""
        properties = template("statefun.yaml")["Resources"]["Flink"]["Properties"]
        values = {"Parallelism": 2, "CheckpointSeconds": 60, "AllowNonRestoredState": "false", "JarKey": "flink/1.jar"}
        request = resolved(properties, values | {"CodeBucket": "code", "AWS::Partition": "aws", "AWS::StackName": "demo"})
        # CloudFormation hands it over with updates, not when it makes the application.
        run = request.pop("RunConfiguration")
        self.assertEqual(run["ApplicationRestoreConfiguration"], {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"})
        self.assertEqual(run["FlinkRunConfiguration"], {"AllowNonRestoredState": "false"})
        flink = request["ApplicationConfiguration"]["FlinkApplicationConfiguration"]
        checkpoints = flink["CheckpointConfiguration"]
        checkpoints["CheckpointInterval"] = int(checkpoints["CheckpointInterval"])
        self.assertEqual(checkpoints["CheckpointInterval"], 60_000)
        made = self.aws.client("kinesisanalyticsv2").create_application(**request)["ApplicationDetail"]
        self.assertEqual(made["RuntimeEnvironment"], "FLINK-1_18")

    def test_the_service_would_take_the_alarms(self):
        """Their properties, against the service's own description of the request."""
        cloudwatch = self.aws.client("cloudwatch")
        named = {"Functions": "demo-functions", "Api": "api-1", "Flink": "demo", "DeadLetter": "example-dead-letter"}
        for name, resource in template("statefun.yaml")["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                request = dict(resource["Properties"])
                actions = request.pop("AlarmActions")
                condition, [topic], none = actions.value
                self.assertEqual((condition, topic.value, none.value), ("HasAlarmTopic", "AlarmTopicArn", "AWS::NoValue"))
                cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=[TOPIC], **resolved(request, named))
                self.assertEqual(resource.get("Condition"), "HasFlink" if name == "FlinkDowntime" else None)
        found, what = watched(cloudwatch.describe_alarms()["MetricAlarms"])
        self.assertEqual(found, ALARMS)
        self.assertEqual(set(what.values()), set(named.values()))

    def test_functions_ask_a_scoring_service_where_one_is_given(self):
        self.statefun(Application="fraud", ScoringUrl=SCORING_URL)
        variables = self.aws.client("lambda").get_function(FunctionName="demo-functions")["Configuration"]["Environment"]["Variables"]
        self.assertEqual(variables["STATEFUN_SCORING_URL"], SCORING_URL)
        # It may hold a key.
        self.assertTrue(template("statefun.yaml")["Parameters"]["ScoringUrl"]["NoEcho"])

    def test_the_stack_of_functions_alone_has_the_same_defaults(self):
        parameters = template("statefun.yaml")["Parameters"]
        alone = yaml.load((ROOT / "lambda" / "template.yaml").read_text(), Loader)["Parameters"]
        for name in "RequestRate", "RequestBurst", "ReservedConcurrency", "MemorySize", "LogRetentionDays":
            for key in "Default", "AllowedValues", "MinValue", "MaxValue":
                self.assertEqual(parameters[name].get(key), alone[name].get(key), (name, key))
        for name in "SecretPath", "ScoringUrl", "AlarmTopicArn":
            self.assertEqual(parameters[name]["AllowedPattern"].strip("^$"), alone[name]["AllowedPattern"], name)

    def test_parameters_are_refused_before_anything_is_made(self):
        parameters = template("statefun.yaml")["Parameters"]
        for name, fine, wrong in (
            ("SecretPath", [SECRET, "a" * 32], ["", "short", SECRET + "/", SECRET[:31]]),
            ("JarKey", ["", "flink/1.jar"], ["/flink/1.jar", "flink/1.zip", "flink/*.jar", 'x".jar']),
            ("FunctionsKey", ["functions/1.zip"], ["", "functions/1", "/x.zip", "functions/?.zip"]),
            ("ScoringUrl", ["", SCORING_URL, "http://scores:80"], ["scores", "ftp://scores", "https://", "https://a b"]),
            ("AlarmTopicArn", ["", TOPIC, "arn:aws-cn:sns:cn-north-1:1:a"], ["alarms", "arn:aws:sqs:eu-central-1:1:a"]),
            ("CodeBucket", ["code-1"], ["", "s3://code", "Code", "code/1"]),
        ):
            pattern = re.compile(parameters[name]["AllowedPattern"])
            for value in fine:
                self.assertTrue(pattern.search(value), (name, value))
            for value in wrong:
                self.assertFalse(pattern.search(value), (name, value))
        for name, parameter in parameters.items():
            self.assertTrue(parameter.get("Description"), name)

    def test_nothing_shows_the_secret(self):
        document = template("statefun.yaml")
        self.assertTrue(document["Parameters"]["SecretPath"]["NoEcho"])
        shown = json.dumps([document["Outputs"], document["Resources"]["ApiStage"]], default=vars)
        self.assertNotIn("${SecretPath}", shown)
        for variable in "path", "routeKey", "resourcePath":
            self.assertNotIn(f"$context.{variable}", shown)


def allowed(policies):
    """All pairs of action and resource."""
    pairs = set()
    for statement in (statement for statements in policies.values() for statement in statements):
        assert statement["Effect"] == "Allow", statement
        for action in listed(statement["Action"]):
            assert "*" not in action, statement
            pairs |= {(action, resource) for resource in listed(statement["Resource"])}
    return pairs


def listed(value):
    """A list; moto leaves a None where there is `AWS::NoValue`."""
    return [one for one in value if one] if isinstance(value, list) else [value]


def resolved(value, values):
    """Properties with parameters filled in; what else is made has some ARN."""
    if isinstance(value, dict):
        return {key: resolved(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [resolved(one, values) for one in value]
    if not isinstance(value, Tag):
        return value
    if value.name == "Ref":
        return values[value.value]
    if value.name == "Sub":
        return re.sub(r"\$\{([^}]+)\}", lambda name: str(values[name[1]]), value.value)
    assert value.name == "GetAtt", value.name
    return f"arn:aws:iam::{ACCOUNT}:role/{value.value}"


if __name__ == "__main__":
    unittest.main()
