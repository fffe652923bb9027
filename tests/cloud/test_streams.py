"""The streams of all templates are those that the functions read and write."""

import json
import os
import re
import subprocess
import unittest

import yaml
from support import APPLICATIONS, ROOT, template

SERVER = os.environ["STATEFUN_SERVER"]


def read(application):
    """The streams of the module's ingresses."""
    command = [SERVER, "module", "render", "--ingress", "kinesis", "--egress", "kinesis", "--application", application]
    module = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    ingresses = [one["spec"] for one in yaml.safe_load_all(module) if one and one["kind"] == "io.statefun.kinesis.v1/ingress"]
    return {stream["stream"] for ingress in ingresses for stream in ingress["streams"]}


def documented():
    """{application: the names in the table of the main README}"""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \|$", (ROOT / "README.md").read_text(), re.M)
    return {name: set(re.findall(r"`([^`]+)`", reads + emits)) for name, reads, emits in rows}


class Streams(unittest.TestCase):
    def test_cloudformation(self):
        table = template("statefun.yaml")["Mappings"]["Streams"]
        self.assertEqual(set(table), set(APPLICATIONS))
        for application, streams in table.items():
            ingresses = {stream for name, stream in streams.items() if name.endswith("Ingress") and stream}
            self.assertEqual(ingresses, read(application))
            self.assertEqual(ingresses | {streams["Egress"]}, documented()[application])

    def test_terraform_is_the_same(self):
        text = (ROOT / "deploy" / "terraform" / "streams.tf").read_text()
        block = re.search(r"  applications = \{\n(.*?)\n  \}\n", text, re.S)[1]
        table = dict(re.findall(r"^    ([a-z-]+) = \{\n(.*?)\n    \}$", block, re.S | re.M))
        for application, streams in template("statefun.yaml")["Mappings"]["Streams"].items():
            of_terraform = json.loads("[" + ", ".join(re.findall(r'"[^"]+"', table[application])) + "]")
            self.assertEqual(set(of_terraform), {stream for stream in streams.values() if stream})


if __name__ == "__main__":
    unittest.main()
