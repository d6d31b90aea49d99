"""Is this data set sound? What is in it, what leaks, what the files' form gives away."""
