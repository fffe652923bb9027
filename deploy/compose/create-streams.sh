#!/bin/sh
# The streams of the product and cart functions, in the LocalStack of docker-compose.yml. LocalStack runs it once it is
# up; its health check waits for this to be done.
set -eu

for stream in example-ingress example-egress example-dead-letter; do
  awslocal --region us-east-1 kinesis create-stream --stream-name "$stream" --shard-count 1
  awslocal --region us-east-1 kinesis wait stream-exists --stream-name "$stream"
done
