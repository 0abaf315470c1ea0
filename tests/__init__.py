"""The suites: unit, property and server run with make test, e2e with make e2e."""
