"""What this project claims of speed, memory and start, measured: `python -m benchmarks`, or `make bench`."""
