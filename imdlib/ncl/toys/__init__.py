"""Toys of the student's path: small worlds in which one part of NCL can be watched at work, run by the study's code.

One file per notebook: picture (1), strip (2), circle (3), weights (4).
"""


def check(answer, right, hint):
    """Print what the answer to an exercise is worth; right(answer) -> bool runs the library on it. Never raises."""
    if answer is None:
        print(f"Not answered yet. Hint: {hint}")
        return
    try:
        print("Right." if right(answer) else f"Not yet. Hint: {hint}")
    except Exception as error:  # a student's code may fail in any way, and must be told how
        print(f"The check could not use your answer ({type(error).__name__}: {error}). Hint: {hint}")
