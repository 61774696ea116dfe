"""A lock on a folder, held by an open file: the kernel gives it back when the holder dies, however it dies."""

import fcntl
import os
from pathlib import Path

from speedlead.embedded.process import StartError


def up_lock(data_dir: Path) -> "FolderLock":
    """Held by whoever runs the servers of `data_dir`."""
    return FolderLock(data_dir / "up.lock", "speedlead is already up on this folder")


class FolderLock:
    def __init__(self, path: Path, taken: str) -> None:
        self._path = path
        self._taken = taken
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises StartError, with the holder's process id, when another process has it. Taking it twice is fine."""
        if self._descriptor is not None:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StartError(f"{self._taken}: {self._path.parent} (process {holder})") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def is_taken(self) -> bool:
        """Whether another process holds it right now."""
        try:
            descriptor = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
