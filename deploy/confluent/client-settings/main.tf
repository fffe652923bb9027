# What clients need to know, in AWS: secrets in Secrets Manager, settings in the Parameter Store of Systems Manager.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "kafka" {
  description = "HOST:PORT of the brokers, and the API key of the clients."
  type = object({
    bootstrap_servers = string
    key               = string
    secret            = string
  })
  sensitive = true
}

variable "schema_registry" {
  description = "URL of the schema registry, and the API key of its clients."
  type = object({
    url    = string
    key    = string
    secret = string
  })
  sensitive = true
}

variable "auto_offset_reset" {
  description = "earliest or latest."
  type        = string
}

variable "secret_recovery_days" {
  description = "For how many days a deleted secret can be brought back: 7 to 30, or 0."
  type        = number
}

locals {
  prefix = "/confluent_cloud_resource"

  secrets = {
    "schema_registry_cluster/java_client" = {
      "schema.registry.url"           = var.schema_registry.url
      "basic.auth.credentials.source" = "USER_INFO"
      "basic.auth.user.info"          = "${var.schema_registry.key}:${var.schema_registry.secret}"
    }
    "kafka_cluster/java_client" = {
      "bootstrap.servers" = var.kafka.bootstrap_servers
      "sasl.jaas.config"  = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"${var.kafka.key}\" password=\"${var.kafka.secret}\";"
    }
  }

  settings = {
    consumer_kafka_client = {
      # Flink commits by itself, with each checkpoint; these two are for clients without Flink.
      "enable.auto.commit"            = "true"
      "auto.commit.interval.ms"       = "5000"
      "auto.offset.reset"             = var.auto_offset_reset
      "basic.auth.credentials.source" = "USER_INFO"
      "client.dns.lookup"             = "use_all_dns_ips"
      "max.poll.interval.ms"          = "300000"
      "request.timeout.ms"            = "60000"
      "sasl.mechanism"                = "PLAIN"
      "security.protocol"             = "SASL_SSL"
      "session.timeout.ms"            = "45000"
    }
    producer_kafka_client = {
      "acks"              = "all"
      "client.dns.lookup" = "use_all_dns_ips"
      "sasl.mechanism"    = "PLAIN"
      "security.protocol" = "SASL_SSL"
    }
  }

  parameters = merge([
    for folder, settings in local.settings : { for name, value in settings : "${folder}/${name}" => value }
  ]...)
}

resource "aws_secretsmanager_secret" "this" {
  for_each = toset(["schema_registry_cluster/java_client", "kafka_cluster/java_client"])

  name                    = "${local.prefix}/${each.value}"
  description             = "Where it is and how clients log in, as properties of Java in JSON"
  recovery_window_in_days = var.secret_recovery_days
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = aws_secretsmanager_secret.this

  secret_id     = each.value.id
  secret_string = jsonencode(local.secrets[each.key])
}

resource "aws_ssm_parameter" "this" {
  for_each = local.parameters

  name        = "${local.prefix}/${each.key}"
  description = "Setting of Kafka clients of that name"
  type        = "String"
  value       = each.value
}
