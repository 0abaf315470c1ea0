"""What holds for any review at all: properties, and the judge that the fuzzers share with them."""
