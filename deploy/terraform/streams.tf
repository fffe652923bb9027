# The streams that the functions and module.yaml of `module render --ingress kinesis --egress kinesis` have.
locals {
  applications = {
    product-cart = {
      ingresses   = ["example-ingress"]
      egress      = "example-egress"
      dead_letter = "example-dead-letter"
    }
    shopping-cart = {
      ingresses   = ["cart_events", "restock_events"]
      egress      = "cart_results"
      dead_letter = "shopping-cart-example-dead-letter"
    }
    fraud = {
      ingresses   = ["transactions", "confirmed", "thresholds"]
      egress      = "alerts"
      dead_letter = "ververica-dead-letter"
    }
    greeter = {
      ingresses   = ["demo-logins"]
      egress      = "greetings"
      dead_letter = "demo-dead-letter"
    }
  }

  streams = local.applications[var.application]
}

resource "aws_kinesis_stream" "ingress" {
  for_each = toset(local.streams.ingresses)

  name             = each.key
  shard_count      = var.shards
  retention_period = var.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = "alias/aws/kinesis"
}

resource "aws_kinesis_stream" "egress" {
  name             = local.streams.egress
  shard_count      = var.shards
  retention_period = var.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = "alias/aws/kinesis"
}

resource "aws_kinesis_stream" "dead_letter" {
  name             = local.streams.dead_letter
  shard_count      = 1
  retention_period = var.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = "alias/aws/kinesis"
}
