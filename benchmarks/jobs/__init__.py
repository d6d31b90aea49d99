"""What is measured: the same work by imdlib and by a library that people would use instead, on made-up data of one seed.

Each job is a function of a scale (1 = as reported; less for a try) that returns a `Job`. A peer that is not installed is an
ImportError. Peers that no package holds stand in `benchmarks.peers`.
"""

from benchmarks.jobs import attention, cluster, contrast, detectors, imports, memory, metrics, networks, precision

PARTS = [
    *metrics.JOBS,
    *cluster.JOBS,
    *contrast.JOBS,
    *memory.JOBS,
    *attention.JOBS,
    *precision.JOBS,
    *imports.JOBS,
    *detectors.JOBS,
]
JOBS = [*PARTS, *networks.JOBS, memory.photo]  # those that take minutes come last
