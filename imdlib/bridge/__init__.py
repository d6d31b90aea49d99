"""Bridging: real, partly fake or fully fake, and where, from image labels alone (Lee, Na and Noh)."""
