output "bootstrap_servers" {
  description = "The brokers, as clients of Kafka want them."
  value       = local.bootstrap_servers
}

output "active_since" {
  description = "The day from which on the active API keys are the active ones. When it changes, render module.yaml anew and restart the job from a savepoint."
  value       = module.rotation.active
}
