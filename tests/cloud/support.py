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


def template(name):
    return yaml.load((CLOUDFORMATION / name).read_text(), Loader)
