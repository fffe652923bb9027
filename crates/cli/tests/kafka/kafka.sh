#!/usr/bin/env bash
# A Kafka broker on this machine, without Docker: one JVM, loopback only, in the foreground until it is ended.
#
#   kafka.sh JARS DIR PORT CONTROLLER_PORT
#
# JARS is where the jars of Kafka are or go, through Maven, the first time (41 MB); DIR is for data and configuration.
# Needs Java 11 or later and Maven, on Debian: apt-get install openjdk-17-jre-headless maven
set -euo pipefail

[ $# = 4 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
jars=$1 dir=$2 port=$3 controller_port=$4

for command in java mvn; do
  if ! command -v "$command" >/dev/null; then
    echo "kafka.sh: no $command; on Debian: apt-get install openjdk-17-jre-headless maven" >&2
    exit 1
  fi
done

if [ ! -d "$jars" ]; then
  # Complete or not at all: copied next to where they go, and moved there.
  rm -rf "$jars.part"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars.part"
  mv "$jars.part" "$jars"
fi

mkdir -p "$dir"
cat >"$dir/kafka.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
log.dirs=$dir/data
EOF
java=(java -Xmx512m -XX:+UseSerialGC "-Dlog4j.configuration=file:$here/log4j.properties" -cp "$jars/*")
"${java[@]}" kafka.tools.StorageTool format --ignore-formatted -t AAAAAAAAAAAAAAAAAAAAAQ -c "$dir/kafka.properties"
exec "${java[@]}" kafka.Kafka "$dir/kafka.properties"
