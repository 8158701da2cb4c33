stop = "drian"
store "blot" {}
log {
  level  = "warning"
  format = "yaml"
}
defaults {
  retry {
    backoff = "exponental"
  }
}
task "t" {
  schedule {
    every  = "1m"
    missed = "lastest"
  }
}
