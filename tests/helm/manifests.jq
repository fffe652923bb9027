# Of an array of manifests.

# The one object of a kind whose name ends so.
def of($kind; $suffix): [.[] | select(.kind == $kind and (.metadata.name | endswith($suffix)))] | if length == 1 then .[0] else error("\(length) of \($kind) \($suffix)") end;

def none($kind): [.[] | select(.kind == $kind)] == [];

# What pods are made of.
def pods: .[] | if .kind == "Pod" then .spec elif .spec.template.spec then .spec.template.spec else empty end;

# A setting of flink-conf.yaml.
def conf($name): of("ConfigMap"; "-flink").data["flink-conf.yaml"] | split("\n") | map(select(startswith($name + ": "))[($name + ": " | length):]) | .[0];
