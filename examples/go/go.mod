module taskrunner.example

go 1.19
