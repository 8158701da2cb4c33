stop    = drain
workers = max(1, 2)
plugins = ["${data_dir}/x", "a${1}"]
stop_timeout = env.X
task "t" {
  args     = [for x in ["a"] : x]
  priority = 1 + 2
  config   = { (a) = 1 }
  schedule {
    every = "1m"
    input = { n = 1e99999999, m = 1e-99999999 }
  }
}
