workers  = "many"
plugins  = "./plugins"
data_dir = ["x"]
stop_timeout = 30
defaults {
  memory = true
  retry {
    attempts = 2.5
    jitter   = "much"
  }
}
task "t" {
  args   = [["x"]]
  config = { a = { b = 1 } }
  grant {
    files "/x" {
      path      = {}
      read_only = "yes"
    }
  }
}
queue "q" {
  workers = []
}
