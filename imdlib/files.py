"""Files: written in one step, so that no half-written one is ever found under its name, and known by the sum of their bytes."""

import contextlib
import glob
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
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


def check_writable(folder: Path | str) -> None:
    """Make a folder; OSError, before anything is computed for it, where nothing can be written there."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{folder}: nothing can be written there ({error.strerror}): choose another `results`"
        raise OSError(text) from error


def make_way(folder: Path | str, inputs: str, parts: Iterable[str]) -> None:
    """Make a folder ready for results, of which nothing older may be left among new ones.

    inputs: what they are made from, in a text; parts: names of the files and folders in it that they are. Parts that were made from the
    same inputs are removed, a folder that was made from others is set aside under its name and '~'.
    """
    folder, known = Path(folder), hashlib.sha256(inputs.encode()).hexdigest()
    mark = folder / ".inputs"
    if folder.exists() and any(folder.iterdir()):
        if mark.exists() and mark.read_text(encoding="utf-8") == known:
            for path in (folder / name for name in parts):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        else:
            aside = free_aside(folder)
            folder.rename(aside)
            print(
                f"{folder.name}: what stood there was made from other files or parameters, and is set aside as {aside.name}"
            )
    write_text(mark, known)


def free_aside(path: Path) -> Path:
    """The path with as many '~' after it as make it one that is not there."""
    aside = path.with_name(path.name + "~")
    return free_aside(aside) if os.path.lexists(aside) else aside


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
