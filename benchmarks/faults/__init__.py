"""What is done to files, processes and machines on purpose, and what came of it, counted: make faults."""
