terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
    confluent = {
      source  = "confluentinc/confluent"
      version = "~> 2.34"
    }
  }
}

# Both take their credentials from the environment: the usual ones of AWS, and a Cloud API key of Confluent in
# CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET.
provider "aws" {
  region = var.aws_region
}

provider "confluent" {}
