# Copy code-stats.wasm into the plugins folder and this block into tlo.hcl.
task "code-stats" {
  plugin  = "code-stats.wasm"
  timeout = "5m"
  memory  = "256MiB"

  # config = { language = "go" } # count one language alone

  grant {
    files "/src" {
      path      = "/srv/code" # the folder on this machine
      read_only = true
    }
  }

  schedule {
    cron     = "0 6 * * *"
    timezone = "Europe/Kyiv"
    input    = { root = "/src" }
  }
}
