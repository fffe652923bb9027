#!/usr/bin/env bash
# Builds the packages of the functions for AWS Lambda, which run all of this server's functions behind an API.
#
#   scripts/build_lambda_packages.sh [x86_64|arm64]...
#
# Without an argument it builds both. Each is a zip under target/lambda ($CARGO_TARGET_DIR/lambda where that is set) for the
# runtime provided.al2023; lambda/build.sh makes it, and says what it needs. The same sources give the same bytes, hence the
# same key in the bucket.
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
        *) die "$1: expected x86_64 or arm64; see --help" ;;
    esac
    shift
done
[ "${#architectures[@]}" -gt 0 ] || architectures=(x86_64 arm64)

for architecture in "${architectures[@]}"; do
    "$root/lambda/build.sh" "$architecture" || die "lambda/build.sh $architecture failed, see above"
    zip=${CARGO_TARGET_DIR:-$root/target}/lambda/statefun-lambda-$architecture.zip
    [ -f "$zip" ] || die "lambda/build.sh left no $zip"
    key=functions/$(sha256sum "$zip" | cut -c1-16).zip
    echo "Upload it:  aws s3 cp ${zip#"$PWD/"} s3://BUCKET/$key"
done
