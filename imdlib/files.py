"""Files: written in one step, so that no half-written one is ever found under its name, and known by the sum of their bytes."""

import contextlib
import glob
import hashlib
import os
import tempfile
import time
from pathlib import Path
from types import TracebackType

ABANDONED = 86400  # seconds after which nobody writes a draft any more


class replacing:
    """`with replacing(path) as draft:` writes `draft`, which takes the place of `path` only when it is complete."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for old in self.path.parent.glob(f".{glob.escape(self.path.name)}.*.part"):  # of writers that were killed
            with contextlib.suppress(OSError):
                if time.time() - old.stat().st_mtime > ABANDONED:
                    old.unlink()
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part")
        os.close(handle)
        self.draft = Path(name)
        return self.draft

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with open(self.draft, "rb") as written:
                    os.fsync(written.fileno())  # a full disk is noticed here, not by the next reader
                os.chmod(self.draft, 0o644)
                self.draft.replace(self.path)
        finally:
            self.draft.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> Path:
    """Write a text file in one step."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return Path(path)


def write_sealed(path: Path | str, text: str) -> Path:
    """Write a text file in one step, the sum of the text in its first line."""
    return write_text(path, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")


def read_sealed(path: Path | str) -> str | None:
    """The text that `write_sealed` left, None where there is none or it was changed since."""
    try:
        found, text = Path(path).read_text(encoding="utf-8").split("\n", 1)
    except (OSError, ValueError):
        return None
    return text if found == hashlib.sha256(text.encode()).hexdigest() else None


def sha256(path: Path | str) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def between(text: str, marks: tuple[str, str], content: str) -> str:
    """A text with other content between two marks, on lines of its own. Raises ValueError where these are not there once each."""
    first, last = marks
    if [text.count(mark) for mark in marks] != [1, 1]:
        raise ValueError(f"expected {first} and {last} once each in the text")
    return f"{text.split(first)[0]}{first}\n\n{content}\n\n{last}{text.split(last)[1]}"
