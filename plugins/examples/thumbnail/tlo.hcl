# Copy thumbnail.wasm into the plugins folder and this block into tlo.hcl.
task "thumbnail" {
  plugin  = "thumbnail.wasm"
  timeout = "15m"
  memory  = "768MiB" # a picture takes up to 24 bytes a pixel

  # config = { max_pixels = "50000000" } # for larger pictures, with 1536MiB of memory

  grant {
    files "/photos" {
      path      = "/srv/photos" # the folder on this machine
      read_only = true
    }
  }
}
