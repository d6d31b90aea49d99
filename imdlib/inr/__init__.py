"""INR: image manipulation detection with implicit neural representation (ECCV 2024), image labels or none."""
