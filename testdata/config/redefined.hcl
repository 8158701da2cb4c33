workers = 4
workers = 5
