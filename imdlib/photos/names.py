"""Names of photos: a file may be called anything, and is called that wherever it is shown."""

import hashlib
from pathlib import Path

LONG = 180  # bytes of a name, beyond which what is written for a photo is named by its beginning and a digest


def label(file: Path) -> str:
    """A file's name as text: bytes that are no text are shown as \\xff."""
    return file.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def stem(file: Path) -> str:
    """What is written for a photo is named after it, whole suffix included; a name that leaves no room for more is cut."""
    name = label(file)
    if len(name.encode()) <= LONG:
        return name
    return f"{name.encode()[: LONG - 20].decode(errors='ignore')}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"
