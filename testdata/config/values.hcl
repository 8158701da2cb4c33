workers = 0
stop_timeout = "30 seconds"
defaults {
  timeout = "5 minutes"
  grace   = "0s"
  memory  = "128MXB"
  input   = "lots"
  fuel    = "much"
  log     = "99999999GiB"
  retry {
    min    = "1h"
    jitter = 1.5
    losses = -1
  }
  retention {
    age   = "1.5d"
    count = -1
  }
}
task "t" {
  timeout  = "-5s"
  memory   = 128
  priority = 11
  fuel     = -1
  plugin   = "t"
  queue    = "No Queue"
  retry {
    attempts = 0
  }
}
task "u" {
  priority = -1
  memory   = "5GiB"
  retry {
    max = "1s"
  }
}
queue "q" {}
