task "t" {
  schedule {
    cron     = "61 * * * *"
    timezone = "Europe/Kyyiv"
  }
  schedule {
    every = "10ms"
  }
  schedule "a" {
    cron  = "@daily"
    every = "1m"
  }
  schedule "a" {}
  schedule "Big Name" {
    every    = "1m"
    timezone = "UTC"
  }
  schedule "never" {
    cron = "0 0 31 2 *"
  }
  schedule "six" {
    cron = "0 0 6 * * *"
  }
  schedule "prefix" {
    cron = "TZ=UTC 0 6 * * *"
  }
  schedule "interval" {
    cron     = "@every 1h"
    timezone = "Europe/Kyiv"
  }
  schedule "broken" {
    cron = 5
  }
}
