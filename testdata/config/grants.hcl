task "t" {
  grant {
    files "src" {
      path      = "/srv"
      read_only = true
    }
    files "/a/../b" {
      path      = ""
      read_only = true
    }
    files "/data" {
      path      = "/srv/data"
      read_only = false
    }
    files "/data" {
      read_only = true
    }
  }
}
