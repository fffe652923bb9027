#!/bin/sh
# The topics of the product and cart functions, in the Kafka of docker-compose.yml.
set -eu

for topic in example-ingress example-egress example-dead-letter; do
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:9092 --create --if-not-exists --topic "$topic" --partitions 4
done
