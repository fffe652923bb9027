"""The kinds of Crossplane and of its providers for AWS that deploy/crossplane uses, as custom resource definitions.

They hold the fields that are used, with their types, from the APIs of Crossplane 2 and of provider-upjet-aws 2.0 (the same
in Crossplane 1.20 with the providers 1.21). Nothing else is taken, so that a misspelt field is refused.
"""

STRING, NUMBER, INTEGER, BOOLEAN = ({"type": name} for name in ("string", "number", "integer", "boolean"))
STRINGS = {"type": "object", "additionalProperties": STRING}
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def listed(items):
    return {"type": "array", "items": items}


def fields(**properties):
    """An object; a name that begins with `_` is required."""
    required = [name.removeprefix("_") for name in properties if name.startswith("_")]
    properties = {name.removeprefix("_"): schema for name, schema in properties.items()}
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


# Chooses the resource that another field is taken from.
SELECTOR = fields(matchControllerRef=BOOLEAN, matchLabels=STRINGS)
BUCKET = {"_region": STRING, "bucketSelector": SELECTOR}

MANAGED = {
    ("s3.aws.upbound.io/v1beta2", "Bucket"): fields(_region=STRING),
    ("s3.aws.upbound.io/v1beta1", "BucketPublicAccessBlock"): fields(
        **BUCKET, blockPublicAcls=BOOLEAN, blockPublicPolicy=BOOLEAN, ignorePublicAcls=BOOLEAN, restrictPublicBuckets=BOOLEAN
    ),
    ("s3.aws.upbound.io/v1beta2", "BucketServerSideEncryptionConfiguration"): fields(
        **BUCKET, rule=listed(fields(applyServerSideEncryptionByDefault=fields(sseAlgorithm=STRING)))
    ),
    ("s3.aws.upbound.io/v1beta2", "BucketVersioning"): fields(**BUCKET, versioningConfiguration=fields(status=STRING)),
    ("s3.aws.upbound.io/v1beta1", "BucketPolicy"): fields(**BUCKET, policy=STRING),
    ("kinesis.aws.upbound.io/v1beta2", "Stream"): fields(
        _region=STRING, shardCount=NUMBER, retentionPeriod=NUMBER, encryptionType=STRING, kmsKeyId=STRING
    ),
    ("cloudwatchlogs.aws.upbound.io/v1beta1", "Group"): fields(_region=STRING, retentionInDays=NUMBER),
    ("cloudwatchlogs.aws.upbound.io/v1beta1", "Stream"): fields(_region=STRING, name=STRING, logGroupNameSelector=SELECTOR),
    ("iam.aws.upbound.io/v1beta1", "Role"): fields(
        assumeRolePolicy=STRING, inlinePolicy=listed(fields(name=STRING, policy=STRING))
    ),
    ("kinesisanalyticsv2.aws.upbound.io/v1beta2", "Application"): fields(
        _region=STRING,
        description=STRING,
        runtimeEnvironment=STRING,
        serviceExecutionRoleSelector=SELECTOR,
        startApplication=BOOLEAN,
        cloudwatchLoggingOptions=fields(logStreamArnSelector=SELECTOR),
        applicationConfiguration=fields(
            applicationCodeConfiguration=fields(
                _codeContentType=STRING, codeContent=fields(s3ContentLocation=fields(bucketArn=STRING, fileKey=STRING))
            ),
            applicationSnapshotConfiguration=fields(_snapshotsEnabled=BOOLEAN),
            flinkApplicationConfiguration=fields(
                checkpointConfiguration=fields(
                    _configurationType=STRING,
                    checkpointingEnabled=BOOLEAN,
                    checkpointInterval=NUMBER,
                    minPauseBetweenCheckpoints=NUMBER,
                ),
                monitoringConfiguration=fields(_configurationType=STRING, logLevel=STRING, metricsLevel=STRING),
                parallelismConfiguration=fields(
                    _configurationType=STRING, parallelism=NUMBER, parallelismPerKpu=NUMBER, autoScalingEnabled=BOOLEAN
                ),
            ),
            runConfiguration=fields(
                applicationRestoreConfiguration=fields(applicationRestoreType=STRING, snapshotName=STRING),
                flinkRunConfiguration=fields(allowNonRestoredState=BOOLEAN),
            ),
            vpcConfiguration=fields(_subnetIds=listed(STRING), _securityGroupIds=listed(STRING)),
        ),
    ),
}

NAMED = fields(_name=STRING)
PACKAGE = fields(_package=STRING, runtimeConfigRef=NAMED)

CROSSPLANE = {
    ("pkg.crossplane.io/v1", "Provider"): PACKAGE,
    ("pkg.crossplane.io/v1", "Function"): PACKAGE,
    ("pkg.crossplane.io/v1beta1", "DeploymentRuntimeConfig"): fields(
        serviceAccountTemplate=fields(metadata=fields(name=STRING, annotations=STRINGS, labels=STRINGS))
    ),
    ("aws.upbound.io/v1beta1", "ProviderConfig"): fields(
        _credentials=fields(
            _source={"type": "string", "enum": ["None", "Secret", "IRSA", "WebIdentity", "PodIdentity", "Upbound"]}
        )
    ),
    ("apiextensions.crossplane.io/v1", "CompositeResourceDefinition"): fields(
        _group=STRING,
        _names=fields(_kind=STRING, _plural=STRING),
        claimNames=fields(_kind=STRING, _plural=STRING),
        _versions=listed(
            fields(
                _name=STRING,
                _served=BOOLEAN,
                _referenceable=BOOLEAN,
                schema=fields(openAPIV3Schema=ANYTHING),
                additionalPrinterColumns=listed(fields(_name=STRING, _type=STRING, _jsonPath=STRING)),
            )
        ),
    ),
    ("apiextensions.crossplane.io/v1", "Composition"): fields(
        _compositeTypeRef=fields(_apiVersion=STRING, _kind=STRING),
        mode={"type": "string", "enum": ["Resources", "Pipeline"]},
        pipeline=listed(
            fields(
                _step=STRING,
                _functionRef=NAMED,
                # The function's own kind, embedded.
                input=fields(
                    apiVersion={"type": "string", "enum": ["gotemplating.fn.crossplane.io/v1beta1"]},
                    kind={"type": "string", "enum": ["GoTemplate"]},
                    _source={"type": "string", "enum": ["Inline", "FileSystem"]},
                    inline=fields(template=STRING),
                ),
            )
        ),
    ),
}


def plural(kind):
    kind = kind.lower()
    return kind[:-1] + "ies" if kind.endswith("y") else kind + "s"


def definitions():
    """One for each kind."""
    kinds = {kind: fields(_spec=spec) for kind, spec in CROSSPLANE.items()}
    kinds |= {kind: fields(_spec=fields(_forProvider=spec)) for kind, spec in MANAGED.items()}
    for (api, kind), schema in kinds.items():
        group, version = api.split("/")
        yield definition(group, kind, plural(kind), [(version, schema, [])], "Cluster")


def composite_definitions(xrd):
    """What Crossplane makes of a CompositeResourceDefinition: the kinds of the composite resource and of its claim."""
    spec = xrd["spec"]
    for names, scope in (spec["names"], "Cluster"), (spec["claimNames"], "Namespaced"):
        versions = []
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            theirs = {"claimRef": ANYTHING} if scope == "Cluster" else {"resourceRef": ANYTHING}
            of_spec = schema["properties"]["spec"]
            of_spec = of_spec | {"properties": of_spec["properties"] | theirs}
            schema = schema | {"properties": schema["properties"] | {"spec": of_spec}}
            versions.append((version["name"], schema, version.get("additionalPrinterColumns", [])))
        yield definition(spec["group"], names["kind"], names["plural"], versions, scope)


def definition(group, kind, plural, versions, scope):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": scope,
            "versions": [
                {
                    "name": name,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "additionalPrinterColumns": columns,
                }
                for name, schema, columns in versions
            ],
        },
    }
