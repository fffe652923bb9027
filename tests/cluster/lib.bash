# What the scripts next to this file share; it is sourced, never run.
#
# A work folder holds everything of one cluster:
#
#   settings        what `up` was told, and the ports it found; every later script reads it
#   NAME.pid        the process id of kafka, kinesis, jobmanager, taskmanager-N and functions, and when that started
#   NAME.log        its output
#   module.yaml     the module, rendered
#   tls/            of `up --tls`: the authority, and the certificates of our binary and of the cluster with their keys
#   job.jar         of `up --managed-flink`: the JAR that is submitted, with the module inside
#   kafka/ checkpoints/ savepoints/ tmp/

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=tests/lib.bash
. "$here/../lib.bash"
# shellcheck disable=SC2034 # by `need`
packages="default-jdk-headless, maven, curl, jq, util-linux; for Kinesis nodejs, npm"

# --- jars

# Prints the folder of jars; the first time, or after a change of pom.xml, Maven fills it.
jars() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/statefun-rs folder part profile
    folder=$cache/jars-$(cksum <"$here/pom.xml" | cut -d' ' -f1)
    if [ ! -d "$folder" ]; then
        need mvn
        mkdir -p "$cache"
        part=$(mktemp -d "$cache/fetching.XXXXXX")
        echo "${0##*/}: fetching the jars of Flink, StateFun and Kafka, about 260 MB, once" >&2
        for profile in flink kafka; do
            mvn -q -B -f "$here/pom.xml" -P "$profile" dependency:copy-dependencies \
                -DincludeScope=runtime -DoutputDirectory="$part/$profile" >&2 || die "Maven could not fetch the jars"
        done
        # Another first run may have been faster.
        mv -T "$part" "$folder" 2>/dev/null || rm -rf "$part"
    fi
    echo "$folder"
}

# --- the work folder

# Sets dir, and the settings of an earlier `up` in it.
open_dir() {
    [ -n "$1" ] || die "which work folder? See --help"
    [ -f "$1/settings" ] || die "$1 is no work folder: \`up\` makes one"
    dir=$(cd "$1" && pwd)
    # shellcheck source=/dev/null
    . "$dir/settings"
    rest=http://127.0.0.1:$REST_PORT
}

# --- processes

# The start of a process in clock ticks since boot: with it an id that was given to another process is not mistaken.
started_at() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    cut -d' ' -f20 <<<"$stat"
}

# pid_of NAME: the process id, if that process lives
pid_of() {
    local pid start now
    read -r pid start 2>/dev/null <"$dir/$1.pid" || return 1
    now=$(started_at "$pid") && [ "$now" = "$start" ] && [ "$(process_state "$pid")" != Z ] && echo "$pid"
}

process_state() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    echo "${stat%% *}"
}

alive() { pid_of "$1" >/dev/null; }

# spawn NAME COMMAND...: in a session of its own; the command must exec, so that the process id is the program's own
spawn() {
    local name=$1 pid
    shift
    [ -e "$dir/$name.log" ] && cat "$dir/$name.log" >>"$dir/$name.log.before"
    setsid "$@" >"$dir/$name.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid $(started_at "$pid" || echo 0)" >"$dir/$name.pid"
}

# spawn_in_image NAME MODULES COMMAND...: as `spawn`, with what the stock image has under /opt. The entry point looks for its
# own jar at one fixed path, and for a directory of modules. It gets both in a mount namespace of its own: /opt of the
# machine is not touched.
spawn_in_image() {
    local name=$1 modules=$2 namespace=(unshare -m) in_private_opt
    shift 2
    [ "$(id -u)" = 0 ] || namespace=(unshare -rm)
    # shellcheck disable=SC2016
    in_private_opt='
        mount -t tmpfs tmpfs /opt
        mkdir -p /opt/flink/lib /opt/statefun
        ln -s "$0" /opt/flink/lib/statefun-flink-core.jar
        ln -s "$1" /opt/statefun/modules
        shift
        exec "$@"'
    spawn "$name" "${namespace[@]}" bash -c "$in_private_opt" "$(echo "$JARS"/flink/statefun-flink-core-*.jar)" "$modules" "$@"
}

# end NAME: SIGTERM; SIGKILL for what does not end within 10 s
end() {
    local pid tries
    if pid=$(pid_of "$1"); then
        kill -TERM "$pid" 2>/dev/null || true
        for tries in $(seq 100); do
            alive "$1" || break
            [ "$tries" -lt 100 ] || kill -KILL "$pid" 2>/dev/null || true
            sleep 0.1
        done
    fi
    rm -f "$dir/$1.pid"
}

names() {
    local n
    ! uses kafka || echo kafka
    ! uses kinesis || echo kinesis
    echo jobmanager
    for n in $(seq "$TASKMANAGERS"); do echo "taskmanager-$n"; done
    [ -z "$FUNCTIONS_BINARY" ] || echo functions
}

# wait_for SECONDS WHAT NAME COMMAND...: until the command succeeds; NAME is the process that it depends on
wait_for() {
    local deadline=$((SECONDS + $1)) what=$2 name=$3
    shift 3
    until "$@" >/dev/null 2>&1; do
        alive "$name" || fail_with_log "$name" "$name ended while waiting for $what"
        [ "$SECONDS" -lt "$deadline" ] || fail_with_log "$name" "gave up waiting for $what"
        sleep 0.2
    done
}

fail_with_log() {
    echo "${0##*/}: $2; the end of $dir/$1.log:" >&2
    tail -n 20 "$dir/$1.log" >&2 || true
    exit 1
}

# --- Kafka

# uses kafka|kinesis: whether the module has an ingress or egress of that kind
uses() { grep -q "^kind: io.statefun.$1.v1/" "$dir/module.yaml"; }

fill_in() {
    sed -e "s|@DIR@|$dir|g" -e "s|@KAFKA_PORT@|$KAFKA_PORT|g" -e "s|@CONTROLLER_PORT@|$CONTROLLER_PORT|g" \
        -e "s|@KAFKA@|127.0.0.1:$KAFKA_PORT|g" -e "s|@FUNCTIONS@|$FUNCTIONS_URL|g" \
        -e "s|@TRANSPORT@|$TRANSPORT|g" -e "s|@SEMANTIC@|$SEMANTIC|g" "$1"
}

# Has our binary write the module, with what the environment says of applications and egresses.
render_module() {
    local tls=()
    [ -z "$TLS" ] || tls=(--trust-cacerts "$dir/tls/ca.crt" --client-cert "$dir/tls/client.crt" --client-key "$dir/tls/client.key")
    STATEFUN_APPLICATION=$APPLICATION "$FUNCTIONS_BINARY" module render \
        --url "$FUNCTIONS_URL" --transport "$TRANSPORT" --call 1min "${tls[@]}" \
        --kafka-address "127.0.0.1:$KAFKA_PORT" --delivery "$SEMANTIC" --transaction-timeout 5min \
        --kinesis-endpoint "https://127.0.0.1:$KINESIS_TLS_PORT" --aws-region us-east-1 \
        --kinesis-properties "$here/conf/kinesis.properties" --output "$dir/module.yaml"
}

# Options of all JVMs. In the minutes that they live, the second compiler costs more than it gains: with it a TaskManager
# takes twice the CPU time until its tasks run.
jvm=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1)

start_kafka() {
    local log=-Dlog4j.configuration=file:$here/conf/kafka-log4j.properties id
    fill_in "$here/conf/kafka.properties" >"$dir/kafka.properties"
    if [ ! -e "$dir/kafka/meta.properties" ]; then
        # Of base64 for URLs, but never with the dash that may be its first character: it would be taken for an option.
        id=$(head -c16 /dev/urandom | base64 | tr '+/' '0_' | tr -d =)
        java "${jvm[@]}" "$log" -cp "$JARS/kafka/*" kafka.tools.StorageTool format -t "$id" \
            -c "$dir/kafka.properties" >"$dir/kafka.format.log" 2>&1 || fail_with_log kafka.format "Kafka's folder cannot be made"
    fi
    spawn kafka java -Xms256m -Xmx512m "${jvm[@]}" "$log" -cp "$JARS/kafka/*" kafka.Kafka "$dir/kafka.properties"
    wait_for 90 "Kafka" kafka grep -q "Kafka Server started" "$dir/kafka.log"
}

# Makes the topics that the ingresses of the module read: they must exist before the sources of the job start.
make_topics() {
    local topics topic
    mapfile -t topics < <(sed -n 's/^ *- topic: *//p' "$dir/module.yaml")
    for topic in "${topics[@]}"; do
        [ ! -e "$dir/topic.$topic" ] || continue
        java "${jvm[@]}" "-Dlog4j.configuration=file:$here/conf/kafka-log4j.properties" -cp "$JARS/kafka/*" \
            kafka.admin.TopicCommand --bootstrap-server "127.0.0.1:$KAFKA_PORT" --create --if-not-exists \
            --topic "$topic" --partitions 4 >"$dir/topic.$topic" 2>&1 || fail_with_log kafka "$(cat "$dir/topic.$topic")"
    done
}

# --- Kinesis

# A stand-in, and the streams that the ingresses of the module read.
start_kinesis() {
    local streams stream modules
    modules=$(kinesis_modules)
    spawn kinesis env "NODE_PATH=$modules" node "$here/kinesis/server.js" "$KINESIS_PORT" "$KINESIS_TLS_PORT"
    wait_for 30 "the stand-in of Kinesis" kinesis listens "$KINESIS_PORT"
    wait_for 30 "the stand-in of Kinesis behind TLS" kinesis listens "$KINESIS_TLS_PORT"
    mapfile -t streams < <(sed -n 's/^ *- stream: *//p' "$dir/module.yaml")
    for stream in "${streams[@]}"; do
        kinesis CreateStream "{\"StreamName\": \"$stream\", \"ShardCount\": 2}" >/dev/null ||
            fail_with_log kinesis "the stream $stream cannot be made"
        wait_for 30 "stream $stream" kinesis stream_is_active "$stream"
    done
}

# kinesis ACTION JSON: one request to its API
kinesis() {
    curl -sS --fail --max-time 20 --aws-sigv4 aws:amz:us-east-1:kinesis --user example:example \
        -H "X-Amz-Target: Kinesis_20131202.$1" -H 'Content-Type: application/x-amz-json-1.1' -d "$2" \
        "http://127.0.0.1:$KINESIS_PORT/"
}

stream_is_active() {
    kinesis DescribeStream "{\"StreamName\": \"$1\"}" | jq -e '.StreamDescription.StreamStatus == "ACTIVE"'
}

# Prints the folder of Node modules; npm fills it the first time, or after a change of package.json.
kinesis_modules() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/statefun-rs folder part
    folder=$cache/kinesis-$(cksum <"$here/kinesis/package.json" | cut -d' ' -f1)
    if [ ! -d "$folder" ]; then
        need npm
        mkdir -p "$cache"
        part=$(mktemp -d "$cache/fetching.XXXXXX")
        cp "$here/kinesis/package.json" "$part/"
        npm install --no-audit --no-fund --loglevel=error --prefix "$part" >&2 || die "npm could not fetch kinesalite"
        mv -T "$part" "$folder" 2>/dev/null || rm -rf "$part"
    fi
    echo "$folder/node_modules"
}

# --- Flink

# From Java 16 on, reflection into the JDK must be opened by hand. These are what the job needs on 17: the first for the
# RPC layer, the others for Flink's closure cleaner, which walks the Kafka and Kinesis objects.
java_opens=(
    --add-exports=java.base/sun.net.util=ALL-UNNAMED
    --add-opens=java.base/java.lang=ALL-UNNAMED
    --add-opens=java.base/java.util=ALL-UNNAMED
    --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
)

# The stand-in of Kinesis has no certificate that anyone trusts (the name without the shading has no effect), and takes any
# credentials.
kinesis_options() {
    ! uses kinesis || printf '%s\n' -Dorg.apache.flink.kinesis.shaded.com.amazonaws.sdk.disableCertChecking=true \
        -Daws.accessKeyId=example -Daws.secretKey=example
}

flink_options() {
    printf '%s\n' "-Djobmanager.rpc.port=$RPC_PORT" "-Drest.port=$REST_PORT" "-Dparallelism.default=$PARALLELISM" \
        "-Dio.tmp.dirs=$dir/tmp" "-Dstate.checkpoints.dir=file://$dir/checkpoints" \
        "-Dstate.savepoints.dir=file://$dir/savepoints" "-Dexecution.checkpointing.interval=$CHECKPOINT_INTERVAL" \
        "-Dtaskmanager.numberOfTaskSlots=$(((PARALLELISM + TASKMANAGERS - 1) / TASKMANAGERS))"
    [ -n "$JOB_JAR" ] || printf '%s\n' "-Dstatefun.remote.module-name=file://$dir/module.yaml"
}

# The class path of JobManager and TaskManager: without StateFun where that comes with the job.
class_path() {
    local jar parts=()
    if [ -z "$JOB_JAR" ]; then
        echo "$JARS/flink/*"
        return
    fi
    for jar in "$JARS"/flink/*.jar; do
        case ${jar##*/} in statefun-* | jaxb-api-*) ;; *) parts+=("$jar") ;; esac
    done
    # Not a colon too many: an empty entry is the current folder, whose module.yaml would be bound as well.
    (IFS=: && echo "${parts[*]}")
}

# start_jobmanager [SAVEPOINT]
start_jobmanager() {
    local restore=() options java_options command
    mapfile -t options < <(flink_options)
    mapfile -t java_options < <(kinesis_options)
    prepare_flink
    command=(java -Xms256m -Xmx512m "${jvm[@]}" -XX:MaxMetaspaceSize=256m "${java_opens[@]}" "${java_options[@]}"
        "-Dlog4j.configurationFile=file:$here/conf/log4j2.properties" -cp "$(class_path)")
    if [ -n "$JOB_JAR" ]; then
        spawn jobmanager "${command[@]}" org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint \
            --configDir "$dir/conf" "${options[@]}"
        submit "${1:-}"
        return
    fi
    [ -z "${1:-}" ] || restore=(-s "$1")
    # Empty: statefun.remote.module-name names the module.
    mkdir -p "$dir/modules"
    spawn_in_image jobmanager "$dir/modules" \
        "${command[@]}" org.apache.flink.statefun.flink.launcher.StatefulFunctionsClusterEntryPoint \
        --configDir "$dir/conf" "${options[@]}" "${restore[@]}"
}

# submit [SAVEPOINT]: the JAR, to a Flink that runs no job yet
submit() {
    local jar request answer
    # Sources start as soon as the job does, and their topics must be there.
    ! uses kafka || make_topics
    wait_for 60 "Flink's REST API" jobmanager get /taskmanagers
    jar=$(curl -sSf --max-time 120 -F "jarfile=@$JOB_JAR" "$rest/jars/upload" | jq -re '.filename | split("/") | last') ||
        fail_with_log jobmanager "Flink did not take $JOB_JAR"
    # Or it would be 1: what is submitted this way does not look at parallelism.default.
    request=$(jq -n --arg savepoint "${1:-}" --argjson parallelism "$PARALLELISM" \
        '{parallelism: $parallelism} + if $savepoint == "" then {} else {savepointPath: $savepoint} end')
    answer=$(curl -sS --max-time 120 -H 'Content-Type: application/json' -d "$request" "$rest/jars/$jar/run")
    jq -e .jobid <<<"$answer" >/dev/null || fail_with_log jobmanager "Flink did not start the job: ${answer:0:2000}"
}

# start_taskmanager N
start_taskmanager() {
    local options java_options
    mapfile -t options < <(flink_options)
    mapfile -t java_options < <(kinesis_options)
    prepare_flink
    # A name of its own for every process, so that the one that runs is not taken for one that was just killed.
    echo "taskmanager-$1-$(date +%s%N)" >"$dir/taskmanager-$1.id"
    # heap = framework 128m + task 640m; direct = framework 128m + task 128m + network 128m (see flink-conf.yaml)
    spawn "taskmanager-$1" java -Xms768m -Xmx768m -XX:MaxDirectMemorySize=384m -XX:MaxMetaspaceSize=256m \
        "${jvm[@]}" "${java_opens[@]}" "${java_options[@]}" \
        "-Dlog4j.configurationFile=file:$here/conf/log4j2.properties" \
        -cp "$(class_path)" org.apache.flink.runtime.taskexecutor.TaskManagerRunner \
        --configDir "$dir/conf" "${options[@]}" "-Dtaskmanager.resource-id=$(cat "$dir/taskmanager-$1.id")"
}

# What Managed Flink cannot be told, its stand-in is not told either.
prepare_flink() {
    mkdir -p "$dir/conf" "$dir/tmp"
    if [ -z "$JOB_JAR" ]; then
        cp "$here/conf/flink-conf.yaml" "$dir/conf/"
    else
        sed -E '/^(statefun|classloader|pipeline|execution\.savepoint)\./d' "$here/conf/flink-conf.yaml" >"$dir/conf/flink-conf.yaml"
    fi
}

start_taskmanagers() {
    local n
    for n in $(seq "$TASKMANAGERS"); do alive "taskmanager-$n" || start_taskmanager "$n"; done
}

get() { curl -sf --max-time 10 "$rest$1"; }

job_id() { get /jobs/overview | jq -re '.jobs[0].jid'; }

# True when every task of the job runs, and every one of our TaskManagers has a part of it. (After a kill the JobManager
# goes on reporting the old tasks as running until it has noticed.)
job_runs() {
    local ours
    ours=$(cat "$dir"/taskmanager-*.id) &&
        get /jobs/overview | jq -e '.jobs[0].tasks | .total > 0 and .total == .running' &&
        get /taskmanagers | jq -e --arg ours "$ours" '
            [.taskmanagers[] | select(.freeSlots < .slotsNumber) | .id] as $used
            | $ours | split("\n") | all(. as $id | $used | index($id))'
}

wait_for_job() { wait_for 180 "all tasks of the job to run" jobmanager job_runs; }

# --- our functions

# An authority, and certificates of it for our binary and for the cluster. Keys are PKCS #8, as the runtime reads no others.
make_certificates() {
    need openssl
    mkdir -p "$dir/tls"
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=cluster tests" \
        -keyout "$dir/tls/ca.key" -out "$dir/tls/ca.crt" 2>/dev/null
    issue_certificate server
    issue_certificate client
}

# issue_certificate NAME: renews it where there is one, each file at once
issue_certificate() {
    local new=$dir/tls/new.$1
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$new.key" -out "$new.csr" 2>/dev/null
    openssl x509 -req -in "$new.csr" -CA "$dir/tls/ca.crt" -CAkey "$dir/tls/ca.key" -CAcreateserial -days 30 \
        -extfile <(echo "subjectAltName=IP:127.0.0.1") -out "$new.crt" 2>/dev/null
    mv "$new.key" "$dir/tls/$1.key"
    mv "$new.crt" "$dir/tls/$1.crt"
    rm "$new.csr"
}

start_functions() {
    # A process that was just killed holds its port until the last of its threads is gone.
    local deadline=$((SECONDS + 20))
    while listens "$FUNCTIONS_PORT"; do
        [ "$SECONDS" -lt "$deadline" ] || die "gave up waiting for port $FUNCTIONS_PORT to be free for the functions"
        sleep 0.02
    done
    local tls=()
    [ -z "${TLS:-}" ] || tls=(--tls-cert "$dir/tls/server.crt" --tls-key "$dir/tls/server.key" --tls-client-ca "$dir/tls/ca.crt")
    spawn functions "$FUNCTIONS_BINARY" serve --listen "127.0.0.1:$FUNCTIONS_PORT" --drain-delay 0s "${tls[@]}"
    wait_for 30 "the functions to listen" functions listens "$FUNCTIONS_PORT"
}
