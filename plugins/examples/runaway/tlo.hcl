# Copy runaway.wasm into the plugins folder and this block into tlo.hcl.
task "runaway" {
  plugin  = "runaway.wasm"
  timeout = "5s" # what ends it, unless someone cancels the job before

  retry {
    attempts = 1
  }
}
