# StateFun on Managed Service for Apache Flink, once there is a JAR.

locals {
  flink_arn = join(":", [
    "arn", data.aws_partition.current.partition, "kinesisanalytics", data.aws_region.current.name,
    data.aws_caller_identity.current.account_id, "application/${var.name}"
  ])
}

resource "aws_cloudwatch_log_group" "flink" {
  name              = "/aws/kinesis-analytics/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_stream" "flink" {
  name           = "flink"
  log_group_name = aws_cloudwatch_log_group.flink.name
}

resource "aws_iam_role" "flink" {
  count = var.jar == "" ? 0 : 1

  name_prefix = "${var.name}-flink-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "kinesisanalytics.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # For this application alone, not for one of another account that names this role.
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnEquals    = { "aws:SourceArn" = local.flink_arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "flink" {
  count = var.jar == "" ? 0 : 1

  name = "flink"
  role = aws_iam_role.flink[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Code"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:GetObjectVersion"]
        # All JARs: this changes before Flink does, which until then has the one of before.
        Resource = "${aws_s3_bucket.code.arn}/flink/*"
      },
      {
        Sid    = "Read"
        Effect = "Allow"
        Action = [
          "kinesis:DescribeStream",
          "kinesis:DescribeStreamSummary",
          "kinesis:GetRecords",
          "kinesis:GetShardIterator",
          "kinesis:ListShards"
        ]
        Resource = values(aws_kinesis_stream.ingress)[*].arn
      },
      {
        Sid    = "Write"
        Effect = "Allow"
        Action = [
          "kinesis:DescribeStream",
          "kinesis:DescribeStreamSummary",
          "kinesis:ListShards",
          "kinesis:PutRecord",
          "kinesis:PutRecords"
        ]
        Resource = [aws_kinesis_stream.egress.arn, aws_kinesis_stream.dead_letter.arn]
      },
      {
        Sid      = "FindLogs"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:log-group:*"
      },
      {
        Sid      = "FindLogStream"
        Effect   = "Allow"
        Action   = "logs:DescribeLogStreams"
        Resource = "${aws_cloudwatch_log_group.flink.arn}:*"
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = "logs:PutLogEvents"
        Resource = aws_cloudwatch_log_stream.flink.arn
      }
    ]
  })
}

resource "aws_kinesisanalyticsv2_application" "flink" {
  count = var.jar == "" ? 0 : 1

  name                   = var.name
  description            = "StateFun, which keeps the states of the functions and calls them"
  application_mode       = "STREAMING"
  runtime_environment    = "FLINK-1_18"
  service_execution_role = aws_iam_role.flink[0].arn
  start_application      = var.flink_runs

  application_configuration {
    application_code_configuration {
      code_content_type = "ZIPFILE"

      code_content {
        s3_content_location {
          bucket_arn = aws_s3_bucket.code.arn
          file_key   = aws_s3_object.jar[0].key
        }
      }
    }

    application_snapshot_configuration {
      snapshots_enabled = true
    }

    flink_application_configuration {
      checkpoint_configuration {
        configuration_type            = "CUSTOM"
        checkpointing_enabled         = true
        checkpoint_interval           = var.checkpoint_seconds * 1000
        min_pause_between_checkpoints = 5000
      }

      monitoring_configuration {
        configuration_type = "CUSTOM"
        log_level          = "INFO"
        metrics_level      = "TASK"
      }

      parallelism_configuration {
        configuration_type  = "CUSTOM"
        parallelism         = var.parallelism
        parallelism_per_kpu = 1
        # It would restart the job each time; and more subtasks than shards do nothing for what is read.
        auto_scaling_enabled = false
      }
    }

    run_configuration {
      application_restore_configuration {
        application_restore_type = "RESTORE_FROM_LATEST_SNAPSHOT"
      }

      flink_run_configuration {
        allow_non_restored_state = var.allow_non_restored_state
      }
    }
  }

  cloudwatch_logging_options {
    log_stream_arn = aws_cloudwatch_log_stream.flink.arn
  }

  depends_on = [aws_iam_role_policy.flink]
}
