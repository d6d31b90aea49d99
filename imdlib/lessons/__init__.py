"""What the student notebooks show, one module a notebook and named after it."""
