queue "reports" {
  workers = 1
}
queue "reports" {
  workers = 2
}
task "t" {
  queue = "reprots"
}
task "t" {
  queue = "defualt"
}
task "Bad Name" {
  queue = "reports2"
}
store "bolt" {}
store "memory" {}
defaults {}
defaults {}
