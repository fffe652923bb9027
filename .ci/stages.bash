# The stages of .ci/run and .ci/full, a function each; it is sourced, never run. A stage's long form is named after its short
# one: `cluster` and `cluster_full`.

# What is slow to build or to fetch is kept between runs.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/statefun-server
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# stage NAME COMMAND...: runs it, and prints how long it took
stage() {
    local name=$1 start=$SECONDS
    shift
    printf '\n=== %s\n' "$name"
    "$@"
    printf '=== %s: %d s\n' "$name" $((SECONDS - start))
}

# install COMMAND=PACKAGE[,PACKAGE]...: the Debian packages of the commands that there are not
install() {
    local pair some packages=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || { IFS=, read -ra some <<<"${pair#*=}" && packages+=("${some[@]}"); }
    done
    [ "${#packages[@]}" -eq 0 ] || { apt-get update --quiet && apt-get install --yes --quiet "${packages[@]}"; }
}

missing() {
    install shellcheck=shellcheck jq=jq patch=patch java=default-jdk-headless mvn=maven node=nodejs npm=npm \
        valgrind=valgrind objdump=binutils etcd=etcd-server kubectl=kubernetes-client
}

scripts() {
    shellcheck --external-sources .ci/{run,full,stages.bash,deny,own-program,public-api,tutorial} tests/lib.bash \
        tests/cluster/{up,down,status,savepoint,restart-from,renew-certificate,run,lib.bash} \
        tests/{attack,fuzz,managed-flink,confluent,cloud}/run tests/helm/{run,cluster,job,lib.bash} tests/image/{run,stand-ins} \
        tests/scripts/run-flink-locally deploy/managed-flink/build scripts/*.sh scripts/{send-events,get-events,tail-logs} \
        deploy/compose/*.sh crates/cli/tests/kafka/kafka.sh benches/kit/build \
        lambda/{build.sh,tools,bench} tests/lambda/run
}

# What compares servers is tested; the comparison itself needs a quiet machine.
benchmarks() {
    (cd benches && python3 -m unittest --quiet kit.test_kit && ./run --help >/dev/null && ./grow --help >/dev/null && ./cluster --help >/dev/null)
}

# The schema of docker-compose.yml, by the reference implementation, and the files that it mounts.
compose() {
    local services mounted transport
    [ -x "$cache/compose-go-2.9.1/cmd" ] ||
        GOBIN=$cache/compose-go-2.9.1 go install github.com/compose-spec/compose-go/v2/cmd@v2.9.1
    services=$("$cache/compose-go-2.9.1/cmd" -format json docker-compose.yml)
    for transport in kafka kinesis; do
        jq -r '.services[].volumes[]? | select(.type == "bind") | .source' <<<"$services" |
            sed "s/module-kafka/module-$transport/" | while read -r mounted; do
            [ -f "$mounted" ] || { echo "docker-compose.yml mounts $mounted, which is no file"; exit 1; }
        done
    done
}

# deploy/compose/aws.yml beside docker-compose.yml. The reference implementation's command knows no environment: what is
# required of it is filled in here.
compose_with_aws() {
    sed -E 's/\$\{(AWS_[A-Z_]+):\?[^}]*\}/\1/' deploy/compose/aws.yml >"$work/aws.yml"
    "$cache/compose-go-2.9.1/cmd" -format json docker-compose.yml "$work/aws.yml" |
        jq -e '[.services.jobmanager, .services.taskmanager]
            | all((.environment | index("AWS_ACCESS_KEY_ID=AWS_ACCESS_KEY_ID") and index("JAVA_TOOL_OPTIONS="))
                and ([.volumes[] | select(.target == "/opt/statefun/modules/functions/module.yaml") | .source]
                    | length == 1 and (.[0] | endswith("/deploy/compose/module-kafka.yaml"))))' >/dev/null
}

lints() { cargo clippy --quiet --workspace --all-targets -- -D warnings; }

# The oldest Rust that the README and Cargo.toml name.
oldest() {
    local version
    version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    grep -qF "Rust ($version or later)" README.md
    rustup toolchain install "$version" --profile minimal --no-self-update
    cargo "+$version" check --quiet --workspace
}

docs() { RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps; }

public_api() { .ci/public-api; }

# The command that the README tells newcomers to run is the one that is run.
tests() {
    grep -q '^cargo test --workspace ' README.md
    cargo test --workspace
}

# The tests that start cargo, on a machine where nothing has been fetched yet: a home that earlier runs have filled hides
# what a newcomer meets. By the Rust whose errors tests/cargo/ui expects.
fresh_home() {
    rustup toolchain install 1.95.0 --profile minimal --no-self-update
    git clone --quiet . "$work/fresh"
    (cd "$work/fresh" && CARGO_HOME=$work/cargo-home CARGO_TARGET_DIR=$work/fresh/target cargo +1.95.0 test --quiet -p statefun-cargo-tests)
}

# Both commands of the README, in a bare clone with an empty cargo home and an empty target folder.
fresh_home_full() {
    git clone --quiet . "$work/fresh"
    export CARGO_HOME=$work/cargo-home
    unset CARGO_TARGET_DIR CARGO_INCREMENTAL CARGO_PROFILE_DEV_DEBUG
    cd "$work/fresh" || return
    demo
    tests
}

demo() {
    grep -q '^cargo run --release -- demo ' README.md
    cargo run --quiet --release -- demo >"$work/demo.jsonl"
    diff tests/data/demo.jsonl "$work/demo.jsonl"
}

# Building needs no tool that a fresh machine lacks.
dependencies() {
    local crate
    for crate in cmake aws-lc-sys openssl-sys protobuf-src; do
        if cargo tree --workspace --target all -i "$crate" 2>/dev/null | grep -q .; then
            echo "the build needs $crate:"
            cargo tree --workspace --target all -i "$crate"
            return 1
        fi
    done
}

# Their licences, versions and sources, and known vulnerabilities where the database can be had.
supply_chain() { .ci/deny; }

# All that is to be published, as its users get it.
# cargo verifies a package with the others from a registry that it makes for this, and takes what it once unpacked or compiled
# of a version for ever: the same version of an earlier commit would be verified.
package() {
    local target=$CARGO_TARGET_DIR/packages
    rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/src/-* "$target"/debug/.fingerprint/statefun-*
    CARGO_TARGET_DIR=$target cargo package --quiet \
        -p statefun-derive -p statefun-sdk -p statefun-http -p statefun-module -p statefun-lambda
}

own_program() { .ci/own-program "$work/own"; }

tutorial() { .ci/tutorial --first-half "$work/tutorial"; }

# With a cluster, and Kafka's client.
tutorial_full() { .ci/tutorial "$work/tutorial"; }

# The command line with all that is a feature of it: the clients of Kafka and Kinesis, which take minutes to build, on a real
# broker and on moto, and the payments of `simulate`.
command_line() {
    local server
    server=$(moto)/moto_server
    cargo clippy --quiet -p statefun-cli -p statefun-cluster-tests --all-targets \
        --features statefun-cli/kafka,statefun-cli/kinesis,statefun-cli/simulate,statefun-cluster-tests/kafka -- -D warnings
    MOTO_SERVER=$server cargo test -p statefun-cli --features kafka,kinesis,simulate -- --include-ignored
}

# Counts and bytes, not times: the release build serves.
attack() {
    cargo build --quiet --release
    STATEFUN_SERVER=$CARGO_TARGET_DIR/release/statefun-server tests/attack/run quick
}

# It needs a quiet machine with some gigabytes of memory.
attack_full() { tests/attack/run full; }

# Without http: a debug assertion of hyper 1.12 (`can_write_head`, proto/h1/conn.rs) fails where a head with `expect: 100-continue` is
# followed by what is no head. Release builds do not have it. The long form still looks.
fuzzing() { tests/fuzz/run 5 events lambda module request request-changed type-names values; }

fuzzing_full() { tests/fuzz/run 600; }

# Those that `tests` does not run: other schedules each time, and more of them. A failure names its seed, or the order of its threads.
schedules_full() {
    SIMULATION_SEED=$(date +%s) SIMULATION_SCHEDULES=50000 cargo test -p statefun-http --test simulation
    INTERLEAVINGS_SEED=$(date +%s) INTERLEAVINGS_SCHEDULES=100000 cargo test -p statefun-http -p statefun-sdk --test interleavings
}

# The chart, and its job on a real Flink.
helm() {
    install openssl=openssl xz=xz-utils kubectl=kubernetes-client
    cargo build --quiet --release
    STATEFUN_SERVER=$CARGO_TARGET_DIR/release/statefun-server tests/helm/run
}

helm_job() {
    install openssl=openssl xz=xz-utils kubectl=kubernetes-client
    cargo build --quiet --release
    STATEFUN_SERVER=$CARGO_TARGET_DIR/release/statefun-server tests/helm/job
}

image() {
    install podman=podman,buildah,netavark,aardvark-dns runc=runc iptables=iptables debootstrap=debootstrap readelf=binutils
    tests/image/run "$@"
}

image_full() { image --arm64 --project; }

cloud() { tests/cloud/run lint cloudformation scripts; }

cloud_full() { tests/cloud/run; }

cluster() { tests/cluster/run async kinesis sdk; }

cluster_full() { tests/cluster/run --full; }

managed_flink() { tests/managed-flink/run; }

lambda() { tests/lambda/run zip template emulator; }

lambda_full() { tests/lambda/run; }
