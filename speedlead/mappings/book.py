"""All mappings: the packaged ones, and those of a folder of one's own, which go before those of the same name."""

from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.mappings.model import Mapping


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
