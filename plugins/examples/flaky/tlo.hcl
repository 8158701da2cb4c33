# Copy flaky.wasm into the plugins folder and this block into tlo.hcl.
task "flaky" {
  plugin  = "flaky.wasm"
  timeout = "10s"

  retry {
    attempts = 5
    backoff  = "exponential"
    min      = "1s"
    max      = "1m"
    jitter   = 0.2
  }
}
