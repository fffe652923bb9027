# What the scripts next to this file share; it is sourced, never run.

me=$(basename "$0")

die() {
    echo "$me: $*" >&2
    exit 1
}

# usage: the comment at the top of the script
usage() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# need COMMAND=PACKAGE...
need() {
    local pair
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || die "needs ${pair%%=*} (${pair#*=})"
    done
}

# Prints the path of the command line, `statefun`.
statefun_cli() {
    local root candidate
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    for candidate in "${STATEFUN_CLI:-}" "${CARGO_TARGET_DIR:-$root/target}/release/statefun" statefun; do
        if [ -n "$candidate" ] && command -v "$candidate"; then
            return
        fi
        [ "$candidate" != "${STATEFUN_CLI:-}" ] || [ -z "$candidate" ] || die "STATEFUN_CLI=$candidate is no program"
    done
    die "needs the command line, statefun: cargo build --release -p statefun-cli --features kinesis"
}

# stack_output STACK NAME: an output of a CloudFormation stack
stack_output() {
    local value
    need aws='the AWS CLI'
    value=$(aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]") || die "the stack $1 cannot be read, see above"
    [ "$value" != None ] || die "the stack $1 has no output $2: is it one of deploy/cloudformation/statefun.yaml?"
    echo "$value"
}
