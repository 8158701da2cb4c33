log "x" {}
task {}
queue "a" "b" {
  workers = 1
}
task "t" {
  schedule "a" "b" {
    every = "1m"
  }
}
