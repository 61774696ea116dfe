"""All mappings: the packaged ones, and those of a folder of one's own, which go before those of the same name."""

import time
from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.mappings.model import Mapping

LOOK_EVERY_S = 2.0


class MappingError(FileFault):
    """Mappings that cannot be used; one line of text for each fault."""


def load_mapping(file: Path) -> Mapping:
    """Raises MappingError with every fault: `crm.yaml:12: fields.email.path: expected …`."""
    try:
        found = parse(Mapping, read_text(file), str(file), whole="mapping")
    except FileFault as fault:
        raise MappingError(str(fault)) from None
    if found.name != file.stem:
        raise MappingError(f"{file}: name: expected {file.stem}, as the file is called, got {found.name}")
    return found


def load_mappings(folder: Path | None = None) -> dict[str, Mapping]:
    """By name. Raises MappingError with the faults of all files."""
    paths = sorted(Path(str(files("speedlead") / "mappings")).glob("*.yaml"))
    if folder is not None:
        if not folder.is_dir():
            raise MappingError(f"{folder}: expected a folder of mappings")
        paths += sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    found: dict[str, Mapping] = {}
    faults: list[str] = []
    for path in paths:
        if path.suffix == ".yml" and path.with_suffix(".yaml") in paths:
            faults.append(f"{path}: expected one file of a name, and there is {path.stem}.yaml")
            continue
        try:
            found[path.stem] = load_mapping(path)
        except MappingError as error:
            faults.append(str(error))
    if faults:
        raise MappingError("\n".join(faults))
    return dict(sorted(found.items()))


class MappingShelf:
    """The mappings as their files are now: who asks has them looked at, not more often than `every_s`.

    While a file is wrong all stay as they were, and `problem` says what is wrong. At the start it raises MappingError.
    """

    def __init__(self, folder: Path | None = None, every_s: float = LOOK_EVERY_S) -> None:
        self._folder, self._every_s = folder, every_s
        self._stamps, self._looked = _stamps(folder), time.monotonic()
        self._mappings = load_mappings(folder)
        self._problem: str | None = None

    @property
    def mappings(self) -> dict[str, Mapping]:
        self._look()
        return self._mappings

    @property
    def problem(self) -> str | None:
        self._look()
        return self._problem

    def _look(self) -> None:
        now = time.monotonic()
        if self._folder is None or now - self._looked < self._every_s:
            return
        self._looked = now
        stamps = _stamps(self._folder)
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self._mappings, self._problem = load_mappings(self._folder), None
        except MappingError as error:
            self._problem = str(error)


def _stamps(folder: Path | None) -> list[tuple[str, int, int]]:
    """What changes when a file does. A file that goes away at this moment has changed too."""
    found = []
    for path in sorted(folder.glob("*.y*ml")) if folder is not None else ():
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((path.name, stat.st_mtime_ns, stat.st_ino))
    return found
