// What pods of tests/node call; the standard library alone.
module runtimegate.test/node/probe

go 1.26.0
