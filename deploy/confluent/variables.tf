variable "name" {
  description = "Name of the environment and of the cluster, and beginning of the names of service accounts and keys."
  type        = string
  default     = "statefun"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$", var.name))
    error_message = "name: 1 to 32 of a-z, 0-9, hyphen and underscore, beginning and ending with a letter or a digit."
  }
}

variable "aws_region" {
  description = "Region of the Kafka cluster (it runs on AWS), of the secrets and of the parameters, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.aws_region))
    error_message = "aws_region: expected a region of AWS, such as eu-central-1."
  }
}

variable "cluster_type" {
  description = "basic, or standard, which may span several zones. A basic cluster can become a standard one, never the other way."
  type        = string
  default     = "basic"

  validation {
    condition     = contains(["basic", "standard"], var.cluster_type)
    error_message = "cluster_type: expected basic or standard."
  }
}

variable "availability" {
  description = "SINGLE_ZONE, or MULTI_ZONE, which a basic cluster cannot have. Changing it means another cluster."
  type        = string
  default     = "SINGLE_ZONE"

  validation {
    condition     = contains(["SINGLE_ZONE", "MULTI_ZONE"], var.availability)
    error_message = "availability: expected SINGLE_ZONE or MULTI_ZONE."
  }

  validation {
    condition     = var.availability == "SINGLE_ZONE" || var.cluster_type != "basic"
    error_message = "availability: a basic cluster is in a single zone; set cluster_type to standard for MULTI_ZONE."
  }
}

variable "topics" {
  description = "Topics of ingresses, egresses and dead letters, with their number of partitions. All that module.yaml names, and those of the records' egresses: the cluster makes none by itself."
  type        = map(number)
  default = {
    example-ingress     = 4
    example-egress      = 4
    example-dead-letter = 4
  }

  validation {
    condition = length(var.topics) > 0 && alltrue([
      for topic, partitions in var.topics :
      can(regex("^[a-zA-Z0-9._-]{1,249}$", topic)) && !contains([".", ".."], topic)
      && partitions >= 1 && floor(partitions) == partitions
    ])
    error_message = "topics: expected at least one name of at most 249 letters, digits, dots, underscores and hyphens, each with a whole number of partitions from 1."
  }
}

variable "consumer_group" {
  description = "Consumer group of the ingresses: --kafka-group of `statefun-server module render`."
  type        = string
  default     = "statefun-server"

  validation {
    condition     = length(trimspace(var.consumer_group)) > 0
    error_message = "consumer_group: expected a name."
  }
}

variable "auto_offset_reset" {
  description = "Where an ingress goes on whose offset the cluster does not have any more: earliest or latest, which loses what is between."
  type        = string
  default     = "earliest"

  validation {
    condition     = contains(["earliest", "latest"], var.auto_offset_reset)
    error_message = "auto_offset_reset: expected earliest or latest."
  }
}

variable "number_of_api_keys_to_retain" {
  description = "How many API keys there are at a time for each purpose: the active one, and those before it that still work."
  type        = number
  default     = 2

  validation {
    condition     = var.number_of_api_keys_to_retain >= 2 && floor(var.number_of_api_keys_to_retain) == var.number_of_api_keys_to_retain
    error_message = "number_of_api_keys_to_retain: expected a whole number from 2: clients that hold the former key must go on."
  }
}

variable "day_count" {
  description = "For how many days a key is the active one. Changing it may replace all keys at once."
  type        = number
  default     = 30

  validation {
    condition     = var.day_count >= 1 && var.day_count <= 365 && floor(var.day_count) == var.day_count
    error_message = "day_count: expected a whole number of days from 1 to 365."
  }
}

variable "secret_recovery_days" {
  description = "For how many days a deleted secret can be brought back: 7 to 30, or 0. Until then its name is taken."
  type        = number
  default     = 30

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30 && floor(var.secret_recovery_days) == var.secret_recovery_days)
    error_message = "secret_recovery_days: expected 0, or a whole number from 7 to 30."
  }
}
