# Copy histogram.wasm into the plugins folder and this block into tlo.hcl.
# The input of a job is numbers, one a line. Nothing needs to be granted.
task "histogram" {
  plugin  = "histogram.wasm"
  timeout = "1m"
  memory  = "256MiB"
  config  = { buckets = "20" }
}
