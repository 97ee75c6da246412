"""What the benchmarks share: how results are told, the load generator, servers to measure.

The benchmarks themselves stand beside this folder, one file each; nothing here measures by itself.
"""
