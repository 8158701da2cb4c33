data-dir = "x"
worker = 4
quite_unlike_anything = 1
log {
  levle = "info"
}
task "t" {
  timout = "5m"
  retry {
    attemps = 3
  }
  schedule {
    corn     = "@daily"
    time_zone = "UTC"
  }
  grant {
    files "/src" {
      path     = "/srv"
      readonly = true
    }
  }
}
store "bolt" {
  path = "x"
}
