# The environment with its schema registry, the Kafka cluster, its topics, and who may do what.

resource "confluent_environment" "this" {
  display_name = var.name

  stream_governance {
    package = "ESSENTIALS"
  }
}

resource "confluent_kafka_cluster" "this" {
  display_name = var.name
  availability = var.availability
  cloud        = "AWS"
  region       = var.aws_region

  dynamic "basic" {
    for_each = var.cluster_type == "basic" ? [true] : []
    content {}
  }
  dynamic "standard" {
    for_each = var.cluster_type == "standard" ? [true] : []
    content {}
  }

  environment {
    id = confluent_environment.this.id
  }

  # Another region, say, would be another cluster, without the topics' records.
  lifecycle {
    prevent_destroy = true
  }
}

# An environment gets its registry with its first cluster.
data "confluent_schema_registry_cluster" "this" {
  environment {
    id = confluent_environment.this.id
  }

  depends_on = [confluent_kafka_cluster.this]
}

# Makes topics and says who may use them: nobody but Terraform has its key.
resource "confluent_service_account" "manager" {
  display_name = "${var.name}-manager"
  description  = "Makes the topics of ${var.name} and grants access to them"
}

resource "confluent_role_binding" "manager" {
  principal   = "User:${confluent_service_account.manager.id}"
  role_name   = "CloudClusterAdmin"
  crn_pattern = confluent_kafka_cluster.this.rbac_crn
}

# The StateFun job, and whoever sends events to it.
resource "confluent_service_account" "client" {
  display_name = "${var.name}-client"
  description  = "Reads and writes the topics of ${var.name}"
}

resource "confluent_service_account" "schema_registry" {
  display_name = "${var.name}-schema-registry"
  description  = "Reads and writes the schemas of ${var.name}"
}

resource "confluent_role_binding" "schema_registry" {
  for_each = toset(["DeveloperRead", "DeveloperWrite"])

  principal   = "User:${confluent_service_account.schema_registry.id}"
  role_name   = each.value
  crn_pattern = "${data.confluent_schema_registry_cluster.this.resource_name}/subject=*"
}

resource "confluent_kafka_topic" "this" {
  for_each = var.topics

  kafka_cluster {
    id = confluent_kafka_cluster.this.id
  }
  topic_name       = each.key
  partitions_count = each.value
  rest_endpoint    = confluent_kafka_cluster.this.rest_endpoint
  credentials {
    key    = local.active.manager.id
    secret = local.active.manager.secret
  }

  # Another number of partitions, say, would be another topic, without the records.
  lifecycle {
    prevent_destroy = true
  }
}

locals {
  # Access lists, not roles: a basic cluster has no roles for single topics. READ and WRITE bring DESCRIBE with them.
  access = merge(
    { for pair in setproduct(keys(var.topics), ["READ", "WRITE"]) :
      "topic ${pair[0]} ${pair[1]}" => { type = "TOPIC", name = pair[0], operation = pair[1] }
    },
    {
      "group READ" = { type = "GROUP", name = var.consumer_group, operation = "READ" }
      # Of the egresses' transactions. Their names are Flink's own, made of those of its operators.
      "transaction WRITE" = { type = "TRANSACTIONAL_ID", name = "*", operation = "WRITE" }
    },
  )
}

resource "confluent_kafka_acl" "client" {
  for_each = local.access

  kafka_cluster {
    id = confluent_kafka_cluster.this.id
  }
  resource_type = each.value.type
  resource_name = each.value.name
  pattern_type  = "LITERAL"
  principal     = "User:${confluent_service_account.client.id}"
  host          = "*"
  operation     = each.value.operation
  permission    = "ALLOW"
  rest_endpoint = confluent_kafka_cluster.this.rest_endpoint
  credentials {
    key    = local.active.manager.id
    secret = local.active.manager.secret
  }

  depends_on = [confluent_kafka_topic.this]
}
