"""XRDs, compositions and claims on a real API server; the compositions' templates rendered, and what they make refused or
taken by the kinds of the providers (schemas.py).

Neither Crossplane nor its providers run. What Crossplane does in between is done here: the kinds that it makes of an XRD,
the composite resource that it makes of a claim, and the run of the function.
"""

import copy
import json
import os
import ssl
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import yaml
from schemas import composite_definitions, definitions
from support import ROOT

CROSSPLANE = ROOT / "deploy" / "crossplane"
RESOURCE_NAME = "gotemplating.fn.crossplane.io/composition-resource-name"
EXTERNAL_NAME = "crossplane.io/external-name"


def documents(*paths):
    return [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]


class Refused(Exception):
    pass


class ApiServer:
    """The API server of $KUBECONFIG, which is strict about fields that it does not know."""

    def __init__(self):
        config = yaml.safe_load(open(os.environ["KUBECONFIG"]))
        self.url = config["clusters"][0]["cluster"]["server"]
        self.token = config["users"][0]["user"]["token"]
        # Its certificate is its own, made at its start.
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        self.plurals = {"CustomResourceDefinition": ("customresourcedefinitions", "Cluster")}

    def request(self, method, path, body=None, content="application/json"):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)["message"]) from None

    def path(self, resource):
        plural, scope = self.plurals[resource["kind"], resource["apiVersion"].split("/")[0]]
        namespace = "" if scope == "Cluster" else f"/namespaces/{resource['metadata']['namespace']}"
        return f"/apis/{resource['apiVersion']}{namespace}/{plural}"

    def define(self, definition):
        """Makes a kind, and waits until it can be used."""
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self.request("POST", f"{path}?fieldValidation=Strict", definition)
        spec, deadline = definition["spec"], time.monotonic() + 30
        self.plurals[spec["names"]["kind"], spec["group"]] = spec["names"]["plural"], spec["scope"]
        while True:
            status = self.request("GET", f"{path}/{definition['metadata']['name']}").get("status", {})
            conditions = {one["type"]: one for one in status.get("conditions") or []}
            # What Kubernetes does not take of a schema it says here, not when the kind is made.
            assert "NonStructuralSchema" not in conditions, conditions["NonStructuralSchema"]["message"]
            if conditions.get("Established", {}).get("status") == "True":
                return
            assert time.monotonic() < deadline, conditions
            time.sleep(0.05)

    def create(self, resource, keep=True):
        dry = "" if keep else "&dryRun=All"
        return self.request("POST", f"{self.path(resource)}?fieldValidation=Strict{dry}", resource)

    def change(self, resource, spec):
        path = f"{self.path(resource)}/{resource['metadata']['name']}?fieldValidation=Strict&dryRun=All"
        return self.request("PATCH", path, {"spec": spec}, "application/merge-patch+json")


class Crossplane(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ApiServer()
        for definition in definitions():
            cls.server.define(definition)
        for document in documents(CROSSPLANE / "packages.yaml", CROSSPLANE / "provider-config.yaml"):
            cls.server.create(document)
        cls.compositions = {}
        for document in documents(*sorted((CROSSPLANE / "apis").glob("*.yaml"))):
            cls.server.create(document)
            if document["kind"] == "CompositeResourceDefinition":
                for definition in composite_definitions(document):
                    cls.server.define(definition)
            else:
                cls.compositions[document["spec"]["compositeTypeRef"]["kind"]] = document
        # As it comes back: with the defaults.
        cls.claims = [cls.server.create(document) for document in documents(CROSSPLANE / "claims" / "product-cart.yaml")]

    def claim(self, kind):
        return copy.deepcopy(next(claim for claim in self.claims if claim["kind"] == kind))

    def composed(self, claim, observed=None):
        """What the composition makes of a claim, by name, each taken by the API server."""
        composite = {
            "apiVersion": claim["apiVersion"],
            "kind": f"X{claim['kind']}",
            "metadata": {"name": f"{claim['metadata']['name']}-x7k2p"},
            "spec": claim["spec"] | {"claimRef": {"kind": claim["kind"], "name": claim["metadata"]["name"]}},
        }
        composite = self.server.create(composite, keep=False)
        composition = self.compositions[composite["kind"]]
        render, ready = composition["spec"]["pipeline"]
        self.assertEqual(ready["functionRef"]["name"], "function-auto-ready")
        data = {"observed": {"composite": {"resource": composite}, "resources": observed or {}}}
        text = rendered(render["input"]["inline"]["template"], data)
        self.assertNotIn("<no value>", text)
        resources = {}
        for document in yaml.safe_load_all(text):
            name = document.get("metadata", {}).get("annotations", {}).get(RESOURCE_NAME, "composite")
            self.assertNotIn(name, resources)
            resources[name] = document
            if name != "composite":
                made = copy.deepcopy(document)
                made["metadata"]["generateName"] = "made-"
                self.server.create(made, keep=False)
        return resources

    def test_functions_and_providers_are_those_of_the_packages(self):
        packages = documents(CROSSPLANE / "packages.yaml")
        functions = {package["metadata"]["name"] for package in packages if package["kind"] == "Function"}
        used = {step["functionRef"]["name"] for one in self.compositions.values() for step in one["spec"]["pipeline"]}
        self.assertEqual(used, functions)
        providers = {package["metadata"]["name"] for package in packages if package["kind"] == "Provider"}
        groups = {
            resource["apiVersion"].split(".")[0] for claim in self.claims for resource in self.composed(claim).values()
        }
        self.assertEqual({f"provider-aws-{group}" for group in groups}, providers)

    def test_bucket(self):
        resources = self.composed(self.claim("CodeBucket"))
        self.assertEqual(set(resources), {"bucket", "public-access", "encryption", "versioning", "policy"})
        bucket = resources.pop("bucket")
        self.assertEqual(bucket["metadata"]["annotations"][EXTERNAL_NAME], "statefun-code-111122223333")
        for resource in resources.values():
            self.assertEqual(resource["spec"]["forProvider"]["bucketSelector"], {"matchControllerRef": True})
        [statement] = json.loads(resources["policy"]["spec"]["forProvider"]["policy"])["Statement"]
        self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})
        self.assertIn("arn:aws:s3:::statefun-code-111122223333/*", statement["Resource"])

    def test_stream(self):
        claim = self.claim("EventStream")
        # A name of digits alone stays a text.
        claim["spec"] |= {"name": "0042", "shards": 400, "retentionHours": 8760}
        [stream] = self.composed(claim).values()
        self.assertEqual(stream["metadata"]["annotations"][EXTERNAL_NAME], "0042")
        self.assertEqual((stream["spec"]["forProvider"]["shardCount"], stream["spec"]["forProvider"]["retentionPeriod"]),
                         (400, 8760))

    def test_flink_application(self):
        resources = self.composed(self.claim("FlinkApplication"))
        self.assertEqual(set(resources), {"log-group", "log-stream", "role", "application"})
        application = resources["application"]["spec"]["forProvider"]
        self.assertEqual((application["runtimeEnvironment"], application["startApplication"]), ("FLINK-1_18", True))
        configuration = application["applicationConfiguration"]
        self.assertNotIn("vpcConfiguration", configuration)
        location = configuration["applicationCodeConfiguration"]["codeContent"]["s3ContentLocation"]
        self.assertEqual(location, {"bucketArn": "arn:aws:s3:::statefun-code-111122223333", "fileKey": "flink/1.jar"})
        checkpoints = configuration["flinkApplicationConfiguration"]["checkpointConfiguration"]
        self.assertEqual(checkpoints["checkpointInterval"], 60_000)
        run = configuration["runConfiguration"]
        self.assertEqual(run["applicationRestoreConfiguration"], {"applicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"})
        self.assertEqual(run["flinkRunConfiguration"], {"allowNonRestoredState": False})

        role = resources["role"]["spec"]["forProvider"]
        [trust] = json.loads(role["assumeRolePolicy"])["Statement"]
        arn = "arn:aws:kinesisanalytics:eu-central-1:111122223333:application/product-cart"
        self.assertEqual(trust["Condition"]["ArnEquals"], {"aws:SourceArn": arn})
        allowed = permissions(role)
        stream = "arn:aws:kinesis:eu-central-1:111122223333:stream/"
        reads = {resource for action, resource in allowed if action == "kinesis:GetRecords"}
        writes = {resource for action, resource in allowed if action == "kinesis:PutRecords"}
        self.assertEqual(reads, {f"{stream}example-ingress"})
        self.assertEqual(writes, {f"{stream}example-egress", f"{stream}example-dead-letter"})
        # Whichever JAR: the application may have the one of before for longer than the role.
        code = "arn:aws:s3:::statefun-code-111122223333/*"
        self.assertEqual({resource for action, resource in allowed if action == "s3:GetObject"}, {code})
        self.assertEqual({action.split(":")[0] for action, _ in allowed}, {"kinesis", "logs", "s3"})

    def test_flink_application_elsewhere(self):
        claim = self.claim("FlinkApplication")
        claim["spec"] |= {
            "region": "us-gov-west-1",
            "running": False,
            "allowNonRestoredState": True,
            "streams": {"read": ["cart_events", "restock_events"], "write": ["cart_results"]},
            "vpc": {"subnetIds": ["subnet-0a1", "subnet-0b2"], "securityGroupIds": ["sg-0c3"]},
        }
        resources = self.composed(claim)
        application = resources["application"]["spec"]["forProvider"]
        self.assertIs(application["startApplication"], False)
        run = application["applicationConfiguration"]["runConfiguration"]
        self.assertEqual(run["flinkRunConfiguration"], {"allowNonRestoredState": True})
        self.assertEqual(
            application["applicationConfiguration"]["vpcConfiguration"],
            {"subnetIds": ["subnet-0a1", "subnet-0b2"], "securityGroupIds": ["sg-0c3"]},
        )
        allowed = permissions(resources["role"]["spec"]["forProvider"])
        self.assertIn(("ec2:CreateNetworkInterface", "*"), allowed)
        self.assertIn(
            ("kinesis:GetRecords", "arn:aws-us-gov:kinesis:us-gov-west-1:111122223333:stream/restock_events"), allowed
        )

    def test_claim_tells_what_becomes_of_the_application(self):
        arn = "arn:aws:kinesisanalytics:eu-central-1:111122223333:application/product-cart"
        observed = {"application": {"resource": {"status": {"atProvider": {"status": "RUNNING", "arn": arn}}}}}
        composite = self.composed(self.claim("FlinkApplication"), observed)["composite"]
        self.assertEqual(composite["status"], {"application": "RUNNING", "arn": arn})
        # Just made, nothing is known yet.
        observed = {"application": {"resource": {"metadata": {}}}}
        self.assertNotIn("composite", self.composed(self.claim("FlinkApplication"), observed))

    def test_wrong_claims_are_refused(self):
        for kind, wrong, error in (
            ("CodeBucket", {"name": "s3://code"}, "spec.name"),
            ("CodeBucket", {"region": "Frankfurt"}, "spec.region"),
            ("EventStream", {"shards": 0}, "spec.shards"),
            ("EventStream", {"shards": "many"}, "spec.shards"),
            ("EventStream", {"retentionHours": 12}, "spec.retentionHours"),
            ("EventStream", {"shard": 2}, 'unknown field "spec.shard"'),
            ("FlinkApplication", {"accountId": 111122223333}, "spec.accountId"),
            ("FlinkApplication", {"code": {"bucket": "code", "key": "flink/1.zip"}}, "spec.code.key"),
            ("FlinkApplication", {"code": {"bucket": "code", "key": 'a", "x": ".jar'}}, "spec.code.key"),
            ("FlinkApplication", {"code": {"bucket": "code"}}, "spec.code.key"),
            ("FlinkApplication", {"streams": {"read": [], "write": ["out"]}}, "spec.streams.read"),
            ("FlinkApplication", {"streams": {"read": ["*"], "write": ["out"]}}, "spec.streams.read[0]"),
            ("FlinkApplication", {"vpc": {"subnetIds": ["subnet-1"]}}, "spec.vpc.securityGroupIds"),
            ("FlinkApplication", {"parallelism": 65}, "spec.parallelism"),
            ("FlinkApplication", {"logRetentionDays": 8}, "spec.logRetentionDays"),
            ("FlinkApplication", {"running": "yes"}, "spec.running"),
            ("FlinkApplication", {"allowNonRestoredState": "yes"}, "spec.allowNonRestoredState"),
        ):
            claim = self.claim(kind)
            claim["metadata"] = {"name": "wrong", "namespace": "default"}
            claim["spec"] |= wrong
            with self.subTest(kind=kind, wrong=wrong), self.assertRaises(Refused) as refused:
                self.server.create(claim, keep=False)
            self.assertIn(error, str(refused.exception))
        for missing in "accountId", "streams", "code", "name", "region":
            claim = self.claim("FlinkApplication")
            claim["metadata"] = {"name": "wrong", "namespace": "default"}
            del claim["spec"][missing]
            with self.subTest(missing=missing), self.assertRaises(Refused) as refused:
                self.server.create(claim, keep=False)
            self.assertIn(f"spec.{missing}", str(refused.exception))

    def test_what_would_leave_a_resource_behind_is_refused(self):
        for kind, spec, error in (
            ("CodeBucket", {"name": "another"}, "a bucket cannot be renamed"),
            ("EventStream", {"name": "another"}, "a stream cannot be renamed"),
            ("FlinkApplication", {"region": "eu-west-1"}, "an application cannot move to another region"),
        ):
            with self.assertRaises(Refused) as refused:
                self.server.change(self.claim(kind), spec)
            self.assertIn(error, str(refused.exception))
        self.server.change(self.claim("FlinkApplication"), {"code": {"key": "flink/2.jar"}, "parallelism": 4})

    def test_misspelt_fields_of_providers_are_refused(self):
        """The schemas here are strict, or the other tests would say little."""
        resource = self.composed(self.claim("EventStream"))["stream"]
        resource["metadata"]["generateName"] = "made-"
        resource["spec"]["forProvider"]["shards"] = 2
        with self.assertRaises(Refused) as refused:
            self.server.create(resource, keep=False)
        self.assertIn('unknown field "spec.forProvider.shards"', str(refused.exception))


def rendered(template, data):
    command = [os.environ["RENDER"]]
    text = json.dumps({"template": template, "data": data})
    ended = subprocess.run(command, input=text, text=True, capture_output=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def permissions(role):
    """All pairs of action and resource."""
    pairs = set()
    for policy in role["inlinePolicy"]:
        for statement in json.loads(policy["policy"])["Statement"]:
            assert statement["Effect"] == "Allow", statement
            for action in statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]:
                assert "*" not in action, statement
                resources = statement["Resource"]
                pairs |= {(action, resource) for resource in (resources if isinstance(resources, list) else [resources])}
    return pairs


if __name__ == "__main__":
    unittest.main()
