variable "name" {
  description = "What all is named after; one deployment of an account and region has it"
  type        = string
  default     = "statefun"

  validation {
    # Prefixes of names of roles have 38 characters at most, and -functions- is 11 of them.
    condition     = can(regex("^[a-z][a-z0-9-]{0,26}$", var.name))
    error_message = "A name has 1 to 27 lower-case letters, digits and dashes, the first a letter."
  }
}

variable "application" {
  description = "Whose streams are made, and read and written by Flink. The functions of all applications are deployed."
  type        = string
  default     = "product-cart"

  validation {
    condition     = contains(keys(local.applications), var.application)
    error_message = "There is product-cart, shopping-cart, fraud and greeter."
  }
}

# --- What is deployed

variable "functions_zip" {
  description = "The archive of the functions, made by scripts/build_lambda_packages.sh"
  type        = string

  validation {
    condition     = endswith(var.functions_zip, ".zip") && try(fileexists(var.functions_zip), false)
    error_message = "There is no such .zip: scripts/build_lambda_packages.sh makes one, and says where."
  }
}

variable "jar" {
  description = <<-EOT
    The JAR of the Flink application. It holds a module.yaml with the output endpoint, so it can only be made when the rest
    is deployed: leave it empty until then, and there is no Flink.
  EOT
  type        = string
  default     = ""

  validation {
    condition     = var.jar == "" || (endswith(var.jar, ".jar") && try(fileexists(var.jar), false))
    error_message = "There is no such .jar: deploy/managed-flink makes one, and says where."
  }
}

# --- Functions

variable "secret_path" {
  description = <<-EOT
    A part of the endpoint's path that only the cluster knows, since StateFun cannot sign its requests. Make it by
    `openssl rand -hex 24` and hand it over as TF_VAR_secret_path. It is in the state, as all that Terraform manages.
  EOT
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{32,128}$", var.secret_path))
    error_message = "A secret has 32 to 128 letters, digits, _ and -; `openssl rand -hex 24` makes one."
  }
}

variable "architecture" {
  description = "What the archive was built for"
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "There is x86_64 and arm64."
  }
}

variable "memory_size" {
  description = "Memory of a function in MB; a whole processor comes with 1769"
  type        = number
  default     = 512

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "Memory is a whole number of MB from 128 to 10240."
  }
}

variable "reserved_concurrency" {
  description = "The most requests at once. They are taken off the account's limit, of which 100 must stay for others."
  type        = number
  default     = 100

  validation {
    condition     = var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "Concurrency is a whole number from 1 on."
  }
}

variable "request_rate" {
  description = "More requests a second get 429, which StateFun retries"
  type        = number
  default     = 1000

  validation {
    condition     = var.request_rate >= 1
    error_message = "There must be at least one request a second."
  }
}

variable "request_burst" {
  description = "How many may come at once before the rate counts"
  type        = number
  default     = 500

  validation {
    condition     = var.request_burst >= 1 && floor(var.request_burst) == var.request_burst
    error_message = "A burst is a whole number from 1 on."
  }
}

variable "scoring_url" {
  description = <<-EOT
    Where the scoring service of fraud detection is, to be reached from the internet: leave it empty for the stand-in, which
    makes scores up.
  EOT
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = can(regex("^(https?://\\S+)?$", var.scoring_url))
    error_message = "A scoring service has a URL with http:// or https://."
  }
}

# --- Streams

variable "shards" {
  description = <<-EOT
    Shards of each stream of the application; each takes 1 MiB or 1000 records a second. An update can at most double them,
    or halve them.
  EOT
  type        = number
  default     = 2

  validation {
    condition     = var.shards >= 1 && floor(var.shards) == var.shards
    error_message = "Shards are a whole number from 1 on."
  }
}

variable "retention_hours" {
  description = "How long records are kept, hence how long Flink may be down without a loss"
  type        = number
  default     = 24

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760 && floor(var.retention_hours) == var.retention_hours
    error_message = "Kinesis keeps records for 24 to 8760 hours."
  }
}

# --- Flink

variable "flink_runs" {
  description = "Whether the Flink application runs. false stops it with a snapshot, true starts it from its latest."
  type        = bool
  default     = true
}

variable "allow_non_restored_state" {
  description = <<-EOT
    Whether Flink may drop the state of ingresses and egresses that the JAR's module.yaml lacks: set it for the one release
    that drops an ingress or egress. With it, an ingress that was renamed by mistake silently loses its position in the
    stream. Functions never need it, as the states of all of them are one operator's.
  EOT
  type        = bool
  default     = false
}

variable "parallelism" {
  description = "Parallel subtasks, one for each KPU (1 processor and 4 GB of memory)"
  type        = number
  default     = 2

  validation {
    condition     = var.parallelism >= 1 && var.parallelism <= 64 && floor(var.parallelism) == var.parallelism
    error_message = "Parallelism is a whole number from 1 to 64, an account's limit unless it was raised."
  }
}

variable "checkpoint_seconds" {
  description = "Time between checkpoints"
  type        = number
  default     = 60

  validation {
    condition     = var.checkpoint_seconds >= 1 && var.checkpoint_seconds <= 3600
    error_message = "A checkpoint comes every 1 to 3600 seconds."
  }
}

# --- Operation

variable "log_retention_days" {
  description = "How long logs are kept"
  type        = number
  default     = 30

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days
    )
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 days or years more."
  }
}

variable "alarm_topic_arn" {
  description = "The topic of SNS that is told of alarms: leave it empty for alarms that only show."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:.+)?$", var.alarm_topic_arn))
    error_message = "A topic has an ARN such as arn:aws:sns:eu-central-1:111122223333:alarms."
  }
}
