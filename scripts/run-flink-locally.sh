#!/usr/bin/env bash
# Starts the StateFun cluster and the functions of docker-compose.yml with the AWS credentials of an SSO profile, or ends
# them.
#
#   run-flink-locally.sh [on] --profile=NAME --chip=amd64|arm64 [--module=FILE]
#   run-flink-locally.sh off
#
#   --profile=NAME     profile of the AWS CLI; its user is asked to log in where that is due. It must have a region.
#   --chip=NAME        the machine's: amd64, or arm64 as Macs have since 2020. The cluster is amd64 on
#                      both, which Docker emulates on arm64
#   --module=FILE      the cluster's module.yaml, such as one for Confluent Cloud or for Kinesis streams in AWS, with the
#                      functions at http://functions:8000/statefun. Default: deploy/compose/module-kafka.yaml, and with it
#                      the Kafka of docker-compose.yml
#
# The cluster gets the credentials as environment variables and cannot renew them. When they have expired, run it again:
# that starts the job anew, without its state, so this is for trying things out. TRANSPORT=kinesis says that the results
# of the functions go to Kinesis. `off` keeps what the volumes hold. Needs Docker with compose 2.20, and AWS CLI 2.
set -euo pipefail

die() {
    echo "run-flink-locally.sh: $*" >&2
    exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command=on profile='' chip='' module=''
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        on | off) command=$1 ;;
        --profile=*) profile=${1#*=} ;;
        --chip=*) chip=${1#*=} ;;
        --module=*) module=${1#*=} ;;
        *) die "unknown argument $1: see --help" ;;
    esac
    shift
done
command -v docker >/dev/null || die "needs docker"
compose=(docker compose --project-directory "$here" --file "$here/docker-compose.yml")
if [ "$command" = off ]; then
    exec "${compose[@]}" --profile all down
fi

[ -n "$profile" ] || die "which profile of the AWS CLI? --profile=NAME"
case $chip in
    amd64 | arm64) ;;
    '') die "which chip has this machine? --chip=amd64 or --chip=arm64" ;;
    *) die "unknown chip $chip: expected amd64 or arm64" ;;
esac
if [ -n "$module" ]; then
    [ -f "$module" ] || die "no file at $module"
    module=$(realpath "$module")
fi
command -v aws >/dev/null || die "needs aws, the AWS CLI 2"
# Or they would go before the profile.
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE

region=$(aws configure get region --profile "$profile") ||
    die "profile $profile has no region, or there is no such profile: aws configure sso --profile $profile"
if ! aws sts get-caller-identity --profile "$profile" >/dev/null 2>&1; then
    aws sso login --profile "$profile" >&2 || die "no log-in for profile $profile"
fi
credentials=$(aws configure export-credentials --profile "$profile" --format env-no-export) ||
    die "the AWS CLI does not tell the credentials of profile $profile"
AWS_SESSION_TOKEN=
# Not split by `read`, which drops the last = of a token that holds no other.
while IFS= read -r line; do
    name=${line%%=*} value=${line#*=}
    case $name in
        AWS_ACCESS_KEY_ID | AWS_SECRET_ACCESS_KEY | AWS_SESSION_TOKEN) declare "$name=$value" ;;
        AWS_CREDENTIAL_EXPIRATION) echo "The credentials expire at $value." ;;
    esac
done <<<"$credentials"
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION=$region DOCKER_DEFAULT_PLATFORM=linux/$chip

compose+=(--file "$here/deploy/compose/aws.yml")
if [ -n "$module" ]; then
    export MODULE=$module
    # Named, as the profile would bring a Kafka that nobody asks, and alone: to name services is to switch on all of their
    # profiles, and so what they depend on, down to that Kafka and a stand-in of Kinesis. (Where the functions come up last,
    # the job asks again until they answer.)
    "${compose[@]}" up --detach --no-deps functions jobmanager taskmanager
else
    "${compose[@]}" --profile statefun up --detach
fi
echo "The Flink WebUI is at http://localhost:8081. To end it: $0 off"
