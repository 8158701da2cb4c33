# Copy log-digest.wasm into the plugins folder and this block into tlo.hcl.
task "log-digest" {
  plugin  = "log-digest.wasm"
  timeout = "5m"
  memory  = "128MiB"
  config  = { top = "20" } # problems in the report

  grant {
    files "/logs" {
      path      = "/var/log/app"
      read_only = true
    }
  }

  schedule {
    cron     = "0 7 * * *"
    timezone = "Europe/Kyiv"
    input    = { file = "/logs/app.log" }
  }
}
