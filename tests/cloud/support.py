"""What the tests share: a stand-in of AWS, and CloudFormation templates as data."""

import logging
import os
import pathlib
import urllib.request

import boto3
import yaml
from botocore.config import Config
from moto.server import ThreadedMotoServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLOUDFORMATION = ROOT / "deploy" / "cloudformation"
# The answers of custom resources name no region, so that moto looks for them here.
REGION = "us-east-1"
ACCOUNT = "123456789012"
SECRET = "0123456789abcdef0123456789abcdef"
APPLICATIONS = "product-cart", "shopping-cart", "fraud", "greeter"

SCORING_URL = "https://scores.example.org/v1?key=0123"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
# What CloudFormation and Terraform watch: {(namespace, metric, dimension): (statistic, threshold, minutes, of minutes)}.
ALARMS = {
    ("AWS/Lambda", "Errors", "FunctionName"): ("Sum", 0, 3, 5),
    ("AWS/Lambda", "Throttles", "FunctionName"): ("Sum", 0, 3, 5),
    ("AWS/Lambda", "Duration", "FunctionName"): ("Maximum", 20_000, 3, 5),
    ("AWS/ApiGateway", "5xx", "ApiId"): ("Sum", 0, 3, 5),
    ("AWS/Kinesis", "IncomingRecords", "StreamName"): ("Sum", 0, 1, 1),
    ("AWS/KinesisAnalytics", "downtime", "Application"): ("Maximum", 0, 3, 5),
}

# Of the stand-in; nothing of the machine's own settings may come in.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
os.environ.update(ENVIRONMENT)
os.environ.pop("AWS_PROFILE", None)
# A line for each request.
logging.getLogger("werkzeug").setLevel(logging.ERROR)


class Aws:
    """moto on loopback, on a free port."""

    def __init__(self):
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.url = f"http://{host}:{port}"

    def client(self, service):
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        return boto3.client(service, endpoint_url=self.url, config=config)

    def reset(self):
        """Forgets all resources."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def stop(self):
        self.server.stop()


class Tag:
    """A short form of an intrinsic function, such as `!Ref`."""

    def __init__(self, name, value):
        self.name, self.value = name, value


class Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation."""


def _tag(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return Tag(suffix, loader.construct_scalar(node))
    if isinstance(node, yaml.SequenceNode):
        return Tag(suffix, loader.construct_sequence(node, deep=True))
    return Tag(suffix, loader.construct_mapping(node, deep=True))


Loader.add_multi_constructor("!", _tag)


def watched(alarms):
    """Alarms as `describe_alarms` has them, in the form of ALARMS, and what each of them watches."""
    found, what = {}, {}
    for alarm in alarms:
        [dimension] = alarm["Dimensions"]
        key = alarm["Namespace"], alarm["MetricName"], dimension["Name"]
        minutes = alarm["EvaluationPeriods"]
        found[key] = alarm["Statistic"], alarm["Threshold"], alarm.get("DatapointsToAlarm", minutes), minutes
        what[key] = dimension["Value"]
        # A stack that nobody calls is no reason for an alarm.
        rest = alarm["Period"], alarm["ComparisonOperator"], alarm["TreatMissingData"]
        assert rest == (60, "GreaterThanThreshold", "notBreaching"), alarm
        assert alarm["AlarmDescription"], alarm
    return found, what


def template(name):
    return yaml.load((CLOUDFORMATION / name).read_text(), Loader)
