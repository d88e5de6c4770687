"""The benchmarks behind bin/bench: figures that anyone can measure again, and checks that may fail."""
