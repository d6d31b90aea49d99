"""Is a result still of the code, packages and data that it was made from? What it depends on, found by the program."""
