"""The stack of lambda/template.yaml, created on moto: `tests/lambda/run` runs this.

moto says that a stack is complete also where it makes nothing of a resource: of HTTP APIs, stages, domains and alarms.
So resources are asked for, and of those that it does not make, the template.
"""

import json
import os
import unittest
import warnings

import boto3
from cfnlint.decode import cfn_yaml
from moto import mock_aws

TEMPLATE = os.path.join(os.path.dirname(__file__), "..", "..", "lambda", "template.yaml")
SECRET = "s" * 32
REGION = "eu-central-1"


@mock_aws
class Stack(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        warnings.simplefilter("ignore", UserWarning)
        with open(TEMPLATE) as file:
            self.text = file.read()
        self.template = cfn_yaml.load(TEMPLATE)
        s3 = self.client("s3")
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
        with open(os.environ["LAMBDA_ZIP"], "rb") as zip:
            s3.put_object(Bucket="code", Key="release-1.zip", Body=zip.read())

    def client(self, service):
        return boto3.client(service, region_name=REGION, aws_access_key_id="any", aws_secret_access_key="any")

    def create(self, **parameters):
        parameters = {"CodeBucket": "code", "CodeKey": "release-1.zip", "SecretPath": SECRET, **parameters}
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        stack = {"StackName": "tests", "TemplateBody": self.text, "Capabilities": ["CAPABILITY_IAM"]}
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(Parameters=parameters, **stack)
        outputs = cloudformation.describe_stacks(StackName="tests")["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def properties(self, name):
        return self.template["Resources"][name]["Properties"]

    def test_function(self):
        name = self.create(MemorySize="1024", ReservedConcurrency="7", Egress="kinesis")["FunctionName"]
        functions = self.client("lambda")
        function = functions.get_function_configuration(FunctionName=name)
        expected = {"Runtime": "provided.al2023", "Handler": "bootstrap", "MemorySize": 1024}
        self.assertEqual({key: function[key] for key in expected}, expected)
        self.assertEqual(self.properties("Function")["Architectures"], [{"Ref": "Architecture"}])
        self.assertEqual(function["CodeSize"], os.path.getsize(os.environ["LAMBDA_ZIP"]))
        variables = function["Environment"]["Variables"]
        self.assertEqual(variables["STATEFUN_EGRESS"], "kinesis")
        self.assertNotIn("STATEFUN_SCORING_URL", variables)
        # Functions are cut off before Lambda ends the process, and that is before the APIs give up.
        cut_off = int(variables["STATEFUN_FUNCTION_TIMEOUT"].removesuffix("s"))
        gateways = [self.properties("HttpIntegration"), self.properties("RestMethod")["Integration"]]
        self.assertLess(cut_off, function["Timeout"])
        for gateway in gateways:
            self.assertLess(function["Timeout"] * 1000, gateway["TimeoutInMillis"])
        concurrency = functions.get_function_concurrency(FunctionName=name)
        self.assertEqual(concurrency["ReservedConcurrentExecutions"], 7)

    def test_role_and_logs(self):
        name = self.create(LogRetentionDays="7")["FunctionName"]
        iam = self.client("iam")
        role = self.client("lambda").get_function_configuration(FunctionName=name)["Role"].split("/")[-1]
        self.assertEqual(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"], [])
        self.assertEqual(iam.list_role_policies(RoleName=role)["PolicyNames"], ["log"])
        policy = iam.get_role_policy(RoleName=role, PolicyName="log")["PolicyDocument"]
        if isinstance(policy, str):
            policy = json.loads(policy.replace("'", '"'))
        [statement] = policy["Statement"]
        self.assertEqual(sorted(statement["Action"]), ["logs:CreateLogStream", "logs:PutLogEvents"])
        self.assertTrue(statement["Resource"].endswith(":log-group:/statefun/tests/functions:*"), statement)
        groups = {group["logGroupName"]: group for group in self.client("logs").describe_log_groups()["logGroups"]}
        self.assertEqual(sorted(groups), ["/statefun/tests/api", "/statefun/tests/functions"])
        self.assertTrue(all(group["retentionInDays"] == 7 for group in groups.values()), groups)
        # The secret is in paths.
        self.assertNotIn("path", self.properties("HttpStage")["AccessLogSettings"]["Format"].lower())
        self.assertNotIn("routekey", self.properties("HttpStage")["AccessLogSettings"]["Format"].lower())
        self.assertNotIn("DetailedMetricsEnabled", self.properties("HttpStage")["DefaultRouteSettings"])
        [settings] = self.properties("RestStage")["MethodSettings"]
        self.assertNotIn("MetricsEnabled", settings)

    def test_http_api(self):
        outputs = self.create()
        self.assertTrue(outputs["Url"].startswith("https://") and outputs["Url"].endswith(f"/{SECRET}/statefun"), outputs)
        self.assertNotIn("DomainTarget", outputs)
        routes = [name for name, it in self.template["Resources"].items() if it["Type"] == "AWS::ApiGatewayV2::Route"]
        self.assertEqual(routes, ["HttpRoute"])
        self.assertEqual(self.properties("HttpRoute")["RouteKey"], {"Fn::Sub": "POST /${SecretPath}/statefun"})
        self.assertEqual(self.properties("HttpIntegration")["PayloadFormatVersion"], "2.0")
        settings = self.properties("HttpStage")["DefaultRouteSettings"]
        self.assertEqual(settings["ThrottlingRateLimit"], {"Ref": "RequestRate"})
        self.assertEqual(settings["ThrottlingBurstLimit"], {"Ref": "RequestBurst"})
        self.assertEqual(self.client("apigateway").get_rest_apis()["items"], [])

    def test_rest_api(self):
        outputs = self.create(Api="rest", VpcEndpointIds="vpce-1,vpce-2")
        self.assertTrue(outputs["Url"].startswith("https://") and outputs["Url"].endswith(f"/{SECRET}/statefun"), outputs)
        gateway = self.client("apigateway")
        [api] = gateway.get_rest_apis()["items"]
        methods = {it["path"]: it.get("resourceMethods", {}) for it in gateway.get_resources(restApiId=api["id"])["items"]}
        self.assertEqual(sorted(methods), ["/", f"/{SECRET}", f"/{SECRET}/statefun"])
        self.assertEqual([sorted(it) for _, it in sorted(methods.items())], [[], [], ["POST"]])
        integration = methods[f"/{SECRET}/statefun"]["POST"]["methodIntegration"]
        self.assertEqual(integration["type"], "AWS_PROXY")
        self.assertIn(f":function:{outputs['FunctionName']}/invocations", integration["uri"])
        policy = json.loads(self.client("lambda").get_policy(FunctionName=outputs["FunctionName"])["Policy"])
        [statement] = policy["Statement"]
        source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        self.assertEqual(source, f"arn:aws:execute-api:{REGION}:123456789012:{api['id']}/*/POST/{SECRET}/statefun")
        self.assertEqual(self.properties("RestApi")["BinaryMediaTypes"], ["*/*"])
        [settings] = self.properties("RestStage")["MethodSettings"]
        self.assertEqual(settings["ThrottlingRateLimit"], {"Ref": "RequestRate"})
        self.assertEqual(settings["ThrottlingBurstLimit"], {"Ref": "RequestBurst"})
        # Whether the API is private goes with who may call it.
        for name in ["EndpointConfiguration", "Policy"]:
            self.assertEqual(self.properties("RestApi")[name]["Fn::If"][0], "IsPrivate")

    def test_mutual_tls(self):
        for api, domain in [("HttpApi", "HttpDomain"), ("RestApi", "RestDomain")]:
            # There is no way around the domain.
            self.assertEqual(self.properties(api)["DisableExecuteApiEndpoint"], {"Fn::If": ["HasDomain", True, False]})
            authorities = self.properties(domain)["MutualTlsAuthentication"]
            self.assertEqual(authorities, {"TruststoreUri": {"Ref": "TruststoreUri"}})

    def test_alarms(self):
        resources = self.template["Resources"]
        alarms = [name for name, it in resources.items() if it["Type"] == "AWS::CloudWatch::Alarm"]
        self.assertEqual(sorted(alarms), ["DurationAlarm", "ErrorAlarm", "ServerErrorAlarm", "ThrottleAlarm"])
        for alarm in alarms:
            self.assertEqual(self.properties(alarm)["AlarmActions"]["Fn::If"][0], "HasAlarmTopic")


if __name__ == "__main__":
    unittest.main()
