#!/usr/bin/env bash
# Builds the packages of the functions for AWS Lambda, which run all of this server's functions behind an API.
#
#   scripts/build_lambda_packages.sh [arm64|x86_64]...
#
# Without an argument it builds both. Each is a zip under target/lambda for the runtime provided.al2023; lambda/build.sh
# makes it, and says what it needs. The same sources give the same bytes, hence the same key in the bucket.
#
# What comes then: deploy/cloudformation/README.md, or deploy/terraform/README.md.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.bash
. "$root/scripts/lib.bash"

architectures=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        arm64 | x86_64) architectures+=("$1") ;;
        *) die "$1: expected arm64 or x86_64; see --help" ;;
    esac
    shift
done
[ "${#architectures[@]}" -gt 0 ] || architectures=(arm64 x86_64)

for architecture in "${architectures[@]}"; do
    "$root/lambda/build.sh" "$architecture" || die "lambda/build.sh $architecture failed, see above"
    zip=$root/target/lambda/statefun-lambda-$architecture.zip
    [ -f "$zip" ] || die "lambda/build.sh left no $zip"
    key=functions/$(sha256sum "$zip" | cut -c1-16).zip
    echo "Upload it:  aws s3 cp ${zip#"$PWD/"} s3://BUCKET/$key"
done
