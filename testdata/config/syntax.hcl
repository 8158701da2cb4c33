workers = 4
task "t" {
  timeout = 
}
