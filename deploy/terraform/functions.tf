# The functions on Lambda, behind an HTTP API.

resource "aws_cloudwatch_log_group" "functions" {
  name              = "/aws/lambda/${var.name}-functions"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "functions" {
  name_prefix = "${var.name}-functions-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# Neither streams nor states are theirs: Flink reads and writes for them.
resource "aws_iam_role_policy" "functions" {
  name = "logs"
  role = aws_iam_role.functions.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.functions.arn}:*"
    }]
  })
}

resource "aws_lambda_function" "functions" {
  function_name = "${var.name}-functions"
  description   = "Stateful functions, called by StateFun"
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]
  s3_bucket     = aws_s3_object.functions.bucket
  s3_key        = aws_s3_object.functions.key
  role          = aws_iam_role.functions.arn
  memory_size   = var.memory_size
  # Above STATEFUN_FUNCTION_TIMEOUT, after which a function is cut off, and below the 30 s that the gateway waits.
  timeout                        = 28
  reserved_concurrent_executions = var.reserved_concurrency

  # The functions' own lines are JSON, and STATEFUN_LOG says which there are.
  logging_config {
    log_format            = "JSON"
    application_log_level = "TRACE"
  }

  environment {
    variables = merge(
      {
        STATEFUN_EGRESS           = "kinesis"
        STATEFUN_FUNCTION_TIMEOUT = "25s"
      },
      var.scoring_url == "" ? {} : { STATEFUN_SCORING_URL = var.scoring_url }
    )
  }

  depends_on = [aws_cloudwatch_log_group.functions, aws_iam_role_policy.functions]
}

resource "aws_apigatewayv2_api" "functions" {
  name          = var.name
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "functions" {
  api_id                 = aws_apigatewayv2_api.functions.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.functions.arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

# The only route: whoever does not know the secret gets 404 from the gateway, and no function is called. (StateFun
# cannot sign its requests.)
resource "aws_apigatewayv2_route" "functions" {
  api_id    = aws_apigatewayv2_api.functions.id
  route_key = "POST /${var.secret_path}/statefun"
  target    = "integrations/${aws_apigatewayv2_integration.functions.id}"
}

resource "aws_cloudwatch_log_group" "api" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_apigatewayv2_stage" "functions" {
  api_id      = aws_apigatewayv2_api.functions.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.request_rate
    throttling_burst_limit = var.request_burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api.arn
    # Without the path and the route, which hold the secret.
    format = jsonencode({
      time      = "$context.requestTime"
      requestId = "$context.requestId"
      status    = "$context.status"
      bytes     = "$context.responseLength"
      latency   = "$context.responseLatency"
      error     = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_lambda_permission" "api" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.functions.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.functions.execution_arn}/*/*"
}
