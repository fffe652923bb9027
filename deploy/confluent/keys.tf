# API keys, and how they come and go.

module "rotation" {
  source = "./rotation"

  number_of_api_keys_to_retain = var.number_of_api_keys_to_retain
  day_count                    = var.day_count
  now                          = plantimestamp()
}

# A key is made before the oldest one goes, and what holds a key has got the new one by then.

resource "confluent_api_key" "manager" {
  for_each = module.rotation.keys

  display_name = "${var.name}-manager-${each.value}"
  description  = "Terraform's own for topics and access, from ${each.value} on"

  owner {
    id          = confluent_service_account.manager.id
    api_version = confluent_service_account.manager.api_version
    kind        = confluent_service_account.manager.kind
  }

  managed_resource {
    id          = confluent_kafka_cluster.this.id
    api_version = confluent_kafka_cluster.this.api_version
    kind        = confluent_kafka_cluster.this.kind

    environment {
      id = confluent_environment.this.id
    }
  }

  lifecycle {
    create_before_destroy = true
  }

  # Without its role the key makes no topics.
  depends_on = [confluent_role_binding.manager]
}

resource "confluent_api_key" "client" {
  for_each = module.rotation.keys

  display_name = "${var.name}-client-${each.value}"
  description  = "Of the StateFun job, from ${each.value} on"

  owner {
    id          = confluent_service_account.client.id
    api_version = confluent_service_account.client.api_version
    kind        = confluent_service_account.client.kind
  }

  managed_resource {
    id          = confluent_kafka_cluster.this.id
    api_version = confluent_kafka_cluster.this.api_version
    kind        = confluent_kafka_cluster.this.kind

    environment {
      id = confluent_environment.this.id
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "confluent_api_key" "schema_registry" {
  for_each = module.rotation.keys

  display_name = "${var.name}-schema-registry-${each.value}"
  description  = "Of the schema registry's clients, from ${each.value} on"

  owner {
    id          = confluent_service_account.schema_registry.id
    api_version = confluent_service_account.schema_registry.api_version
    kind        = confluent_service_account.schema_registry.kind
  }

  managed_resource {
    id          = data.confluent_schema_registry_cluster.this.id
    api_version = data.confluent_schema_registry_cluster.this.api_version
    kind        = data.confluent_schema_registry_cluster.this.kind

    environment {
      id = confluent_environment.this.id
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  bootstrap_servers = trimprefix(confluent_kafka_cluster.this.bootstrap_endpoint, "SASL_SSL://")

  active = {
    manager         = confluent_api_key.manager[module.rotation.active]
    client          = confluent_api_key.client[module.rotation.active]
    schema_registry = confluent_api_key.schema_registry[module.rotation.active]
  }
}

module "client_settings" {
  source = "./client-settings"

  kafka = {
    bootstrap_servers = local.bootstrap_servers
    key               = local.active.client.id
    secret            = local.active.client.secret
  }
  schema_registry = {
    url    = data.confluent_schema_registry_cluster.this.rest_endpoint
    key    = local.active.schema_registry.id
    secret = local.active.schema_registry.secret
  }
  auto_offset_reset    = var.auto_offset_reset
  secret_recovery_days = var.secret_recovery_days

  # Nobody reads the settings before they are good for something.
  depends_on = [confluent_kafka_acl.client, confluent_role_binding.schema_registry]
}
