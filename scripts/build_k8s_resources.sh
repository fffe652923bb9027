#!/usr/bin/env bash
# Writes statefun-k8s.yaml: a StateFun cluster for Kubernetes whose functions are elsewhere, such as on AWS Lambda.
#
#   build_k8s_resources.sh -t IMAGE -e ENDPOINT -s|-c DIR [-n NAMESPACE] [-o FILE] [-- HELM-OPTION...]
#
#   -t IMAGE       image of the cluster: apache/flink-statefun:3.3.0, or one of your registry that is made of it
#   -e ENDPOINT    URL of the functions: https://ID.execute-api.REGION.amazonaws.com/statefun
#   -s, -c DIR     where checkpoints go: s3://BUCKET/FOLDER
#   -n NAMESPACE   where it will be; default: default
#   -o FILE        default: statefun-k8s.yaml; - is standard output
#
# What follows -- is for `helm template` with the chart in k8s/, whose values.yaml says what there is to set:
#
#   build_k8s_resources.sh -t apache/flink-statefun:3.3.0 -e https://abc.execute-api.us-east-1.amazonaws.com/statefun \
#       -s s3://my-bucket/statefun -- --set connector=kinesis --set kinesis.region=us-east-1 --set module.poolSize=45
#   kubectl apply --namespace default --filename statefun-k8s.yaml
#
# On Lambda, two workers with 45 requests each stay within the 100 processes that lambda/template.yaml reserves.
# Kafka is one broker in the cluster, for trying it out, unless kafka.address says otherwise. Needs helm (3.14 or later).
set -euo pipefail

chart=$(cd "$(dirname "${BASH_SOURCE[0]}")/../k8s" && pwd)

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

case ${1:-} in --help) usage && exit 0 ;; esac
image='' endpoint='' checkpoints='' namespace=default output=statefun-k8s.yaml
while getopts :t:e:s:c:n:o:h option; do
    case $option in
        t) image=$OPTARG ;;
        e) endpoint=$OPTARG ;;
        s | c) checkpoints=$OPTARG ;;
        n) namespace=$OPTARG ;;
        o) output=$OPTARG ;;
        h) usage && exit 0 ;;
        :) die "-$OPTARG needs a value; see --help" ;;
        *) die "unknown option -$OPTARG; see --help" ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$image" ] || die "which image? -t apache/flink-statefun:3.3.0; see --help"
[ -n "$endpoint" ] || die "where are the functions? -e https://…/statefun; see --help"
[ -n "$checkpoints" ] || die "where do checkpoints go? -s s3://BUCKET/FOLDER; see --help"
command -v helm >/dev/null || die "needs helm: https://helm.sh/docs/intro/install"

# What follows the last colon is a tag, unless it is the port of a registry.
tag=${image##*:}
case $image in
    *@*) die "$image: a tag is expected, not a digest" ;;
    *:*) case $tag in */*) die "$image has no tag: expected something like $image:3.3.0" ;; esac ;;
    *) die "$image has no tag: expected something like $image:3.3.0" ;;
esac

# Commas and the like mean something to --set.
literals=()
for pair in "statefun.image.repository=${image%:*}" "statefun.image.tag=$tag" "statefun.endpoint=$endpoint" \
    "statefun.checkpoints.dir=$checkpoints"; do
    literals+=(--set-literal "$pair")
done
rendered=$(helm template statefun "$chart" --namespace "$namespace" --kube-version 1.30.0 --skip-tests \
    "${literals[@]}" "$@")
if [ "$output" = - ]; then
    printf '%s\n' "$rendered"
else
    printf '%s\n' "$rendered" >"$output"
    echo "wrote $output: kubectl apply --namespace $namespace --filename $output"
fi
