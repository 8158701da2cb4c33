# Copy ini-to-json.wasm into the plugins folder and this block into tlo.hcl.
# The input of a job is the INI file itself. Nothing needs to be granted.
task "ini-to-json" {
  plugin  = "ini-to-json.wasm"
  timeout = "10s"
  memory  = "64MiB"
}
