"""What a training needs beside its loop: device and precision, optimizers and schedules, checkpoints."""
