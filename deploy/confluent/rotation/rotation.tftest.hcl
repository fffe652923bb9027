# terraform init && terraform test

run "known_days" {
  command = plan
  variables {
    number_of_api_keys_to_retain = 2
    day_count                    = 1
    now                          = "2024-02-29T23:59:59Z"
  }
  assert {
    condition     = output.active == "2024-02-29" && output.keys == toset(["2024-02-29", "2024-02-28"])
    error_message = "a leap day: ${jsonencode(output.keys)}"
  }
}

run "first_of_march_after_a_leap_day" {
  command = plan
  variables {
    number_of_api_keys_to_retain = 3
    day_count                    = 1
    now                          = "2024-03-01T00:00:00Z"
  }
  assert {
    condition     = output.active == "2024-03-01" && output.keys == toset(["2024-03-01", "2024-02-29", "2024-02-28"])
    error_message = "after a leap day: ${jsonencode(output.keys)}"
  }
}

run "new_year" {
  command = plan
  variables {
    number_of_api_keys_to_retain = 2
    day_count                    = 1
    now                          = "2101-01-01T12:00:00Z"
  }
  assert {
    condition     = output.keys == toset(["2101-01-01", "2100-12-31"])
    error_message = "after a year that is no leap year: ${jsonencode(output.keys)}"
  }
}

# 20760 days since 1970 are 692 periods of 30 days.
run "last_day_of_a_period" {
  command = plan
  variables {
    number_of_api_keys_to_retain = 2
    day_count                    = 30
    now                          = "2026-11-02T23:59:59Z"
  }
  assert {
    condition     = output.active == "2026-10-04" && output.keys == toset(["2026-10-04", "2026-09-04"])
    error_message = "before the turn: ${output.active}, ${jsonencode(output.keys)}"
  }
}

run "first_day_of_the_next" {
  command = plan
  variables {
    number_of_api_keys_to_retain = 2
    day_count                    = 30
    now                          = "2026-11-03T00:00:00Z"
  }
  assert {
    condition     = output.active == "2026-11-03" && output.keys == toset(["2026-11-03", "2026-10-04"])
    error_message = "at the turn one key comes and one goes: ${output.active}, ${jsonencode(output.keys)}"
  }
}
