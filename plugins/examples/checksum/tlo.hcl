# Copy checksum.wasm into the plugins folder and this block into tlo.hcl.
task "checksum" {
  plugin  = "checksum.wasm"
  timeout = "30m"
  memory  = "16MiB"

  grant {
    files "/src" {
      path      = "/srv/archive" # the folder on this machine
      read_only = true
    }
  }

  schedule {
    cron     = "0 3 * * SUN"
    timezone = "Europe/Kyiv"
    input    = { root = "/src" }
  }
}
