# What somebody should look at; the topic of alarm_topic_arn is told.

locals {
  function = { FunctionName = aws_lambda_function.functions.function_name }

  alarms = merge(
    {
      function-errors = {
        description = "The function failed as a whole, such as at its start or by its own time-out; its log says why"
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = local.function
      }
      function-throttles = {
        description = "Requests are turned away for want of reserved_concurrency; StateFun sends them again until its call time-out"
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = local.function
      }
      function-duration = {
        description = "Requests take nearly as long as functions may, 25 s; those that take longer come again for ever"
        namespace   = "AWS/Lambda"
        metric      = "Duration"
        dimensions  = local.function
        statistic   = "Maximum"
        threshold   = 20000
      }
      api-server-errors = {
        description = "StateFun gets 5xx, also those of functions that fail their batches, and sends the requests again"
        namespace   = "AWS/ApiGateway"
        metric      = "5xx"
        dimensions  = { ApiId = aws_apigatewayv2_api.functions.id }
      }
      dead-letters = {
        description = "An event came that no function can handle; it lies in the dead-letter stream"
        namespace   = "AWS/Kinesis"
        metric      = "IncomingRecords"
        dimensions  = { StreamName = aws_kinesis_stream.dead_letter.name }
        # At once, since it does not come again as requests do.
        minutes = 1
      }
    },
    var.jar == "" ? {} : {
      flink-downtime = {
        description = "The job fails and restarts, or cannot; the log group of Flink tells why"
        namespace   = "AWS/KinesisAnalytics"
        metric      = "downtime"
        dimensions  = { Application = var.name }
        statistic   = "Maximum"
      }
    }
  )
}

resource "aws_cloudwatch_metric_alarm" "all" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = try(each.value.statistic, "Sum")
  period              = 60
  evaluation_periods  = try(each.value.minutes, 5)
  datapoints_to_alarm = try(each.value.minutes, 3)
  threshold           = try(each.value.threshold, 0)
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]
}
