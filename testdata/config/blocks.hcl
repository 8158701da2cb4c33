taks "t" {}
queues "q" {}
volcano {}
store = "bolt"
task "t" {
  retrys {}
  config {
    a = 1
  }
  retry = 5
  grant {
    file "/x" {}
    http {}
  }
}
plugins {}
