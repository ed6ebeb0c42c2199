module runtimegate.dev/tests/bench

go 1.24
