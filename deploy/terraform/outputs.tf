output "endpoint" {
  description = "What `statefun-server module render --url` takes"
  value       = "${aws_apigatewayv2_api.functions.api_endpoint}/${var.secret_path}/statefun"
  sensitive   = true
}

output "code_bucket" {
  description = "The bucket of the archive and the JAR"
  value       = aws_s3_bucket.code.id
}

output "ingress_streams" {
  description = "Where events are sent to"
  value       = local.streams.ingresses
}

output "egress_stream" {
  description = "Where results come out"
  value       = aws_kinesis_stream.egress.name
}

output "dead_letter_stream" {
  description = "Where what no function can handle goes"
  value       = aws_kinesis_stream.dead_letter.name
}

output "functions_log_group" {
  description = "What the functions log"
  value       = aws_cloudwatch_log_group.functions.name
}

output "flink_log_group" {
  description = "What Flink and StateFun log"
  value       = aws_cloudwatch_log_group.flink.name
}

output "flink_application" {
  description = "The Flink application; null while there is no JAR"
  value       = one(aws_kinesisanalyticsv2_application.flink[*].name)
}
