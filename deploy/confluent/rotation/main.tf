# Which API keys there are on a day: each is the active one for day_count days, and goes when number_of_api_keys_to_retain
# newer ones have come. The days are counted from 1970 on, so nothing has to be remembered, every run of the same period
# comes to the same, and a run that is late shifts nothing. Only arithmetic, no provider.

variable "number_of_api_keys_to_retain" {
  description = "How many keys there are at a time, the active one among them."
  type        = number
}

variable "day_count" {
  description = "For how many days a key is the active one."
  type        = number
}

variable "now" {
  description = "The time of the plan, RFC 3339 in UTC."
  type        = string
}

locals {
  year  = tonumber(formatdate("YYYY", var.now))
  month = tonumber(formatdate("M", var.now))
  day   = tonumber(formatdate("D", var.now))

  # The day number of the Gregorian calendar, with March as the first month, so that a leap day is the last of its year.
  before_march = local.month <= 2 ? 1 : 0
  years        = local.year - local.before_march
  months       = local.month + 12 * local.before_march - 3
  number = (
    local.day + floor((153 * local.months + 2) / 5) + 365 * local.years
    + floor(local.years / 4) - floor(local.years / 100) + floor(local.years / 400)
  )
  # The same of 1970-01-01.
  since_1970 = local.number - 719469

  period = floor(local.since_1970 / var.day_count)
  days = [
    for age in range(var.number_of_api_keys_to_retain) :
    formatdate("YYYY-MM-DD", timeadd("1970-01-01T00:00:00Z", format("%dh", (local.period - age) * var.day_count * 24)))
  ]
}

output "keys" {
  description = "The keys that there are, each named by the day from which on it is the active one, such as 2026-11-20."
  value       = toset(local.days)
}

output "active" {
  description = "The name of the active key."
  value       = local.days[0]
}
