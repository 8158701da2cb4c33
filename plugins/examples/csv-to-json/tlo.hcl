# Copy csv-to-json.wasm into the plugins folder and this block into tlo.hcl.
# The input of a job is the CSV itself. Nothing needs to be granted.
task "csv-to-json" {
  plugin  = "csv-to-json.wasm"
  timeout = "1m"
  memory  = "32MiB" # one record is in memory at a time, 16 MiB at most
}
