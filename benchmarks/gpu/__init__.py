"""One card for a quarter of an hour: is it right, how fast is it, and as many runs as fit (docs/gpu.md)."""
