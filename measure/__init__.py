"""What measures the product, or shows it: benchmarks, the demo, the emulation of a Raspberry Pi, probes."""
