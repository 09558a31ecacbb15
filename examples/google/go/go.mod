module taskrunner.example/google

go 1.19
