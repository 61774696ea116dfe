"""Which mappings are open, and with what their senders sign: a mapping without its secret is closed."""

from collections.abc import Mapping as Table
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from speedlead.mappings.book import MappingError, MappingShelf
from speedlead.mappings.model import Mapping
from speedlead.mappings.money import parse_cost
from speedlead.mappings.signing import Secret
from speedlead.secret_files import read_secret_file
from speedlead.settings import Settings

FOLDER = "mapping-secrets"
# the one of before, while a secret is changed
OTHER = ".other"
# of the scheme basic it is `user:password`
LEAST = 16


@dataclass(frozen=True)
class Doors:
    """`secrets`: a folder with a file for each secret, read anew at every request so that a change needs no start.

    Mappings are read anew when their files change.
    """

    shelf: MappingShelf
    secrets: Path
    unsigned: frozenset[str]
    ticket_cost: tuple[Decimal, str] | None

    @property
    def mappings(self) -> Table[str, Mapping]:
        return self.shelf.mappings

    def secrets_of(self, mapping: Mapping) -> tuple[Secret, ...]:
        """None where there is no such file. Raises ValueError with what is wrong about one."""
        found = []
        for name in (mapping.secret_name, mapping.secret_name + OTHER):
            path = self.secrets / name
            try:
                text = read_secret_file(path)
            except FileNotFoundError:
                continue
            except NotADirectoryError:
                continue
            except OSError as error:
                raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
            except ValueError as error:
                raise ValueError(f"{path}: expected {error}") from None
            if len(text) < LEAST:
                raise ValueError(f"{path}: expected at least {LEAST} characters")
            if mapping.signature.scheme == "basic" and ":" not in text:
                raise ValueError(f"{path}: expected user:password")
            found.append(Secret(name, text))
        return tuple(found)

    def why_closed(self, mapping: Mapping) -> str | None:
        """In words; None when it is open."""
        told = "amount" in mapping.fields or mapping.cost is not None
        if mapping.kind == "ticket" and not told and self.ticket_cost is None:
            return "no cost of a ticket: set SPEEDLEAD_TICKET_COST, or `cost` in the mapping"
        if mapping.signature.scheme == "none":
            return None if mapping.name in self.unsigned else "unsigned: name it in SPEEDLEAD_MAPPINGS_UNSIGNED"
        try:
            return None if self.secrets_of(mapping) else f"no secret: put it into {self.secrets / mapping.secret_name}"
        except ValueError as error:
            return str(error)


def load_doors(settings: Settings) -> Doors:
    """Raises MappingError with one line per fault."""
    shelf = MappingShelf(settings.mappings_dir)
    mappings = shelf.mappings
    unsigned = frozenset(settings.mappings_unsigned)
    for name in sorted(unsigned):
        if name not in mappings or mappings[name].signature.scheme != "none":
            raise MappingError(f"SPEEDLEAD_MAPPINGS_UNSIGNED: expected mappings with the scheme none, got {name}")
    return Doors(shelf, settings.mapping_secrets_dir or settings.data_dir / FOLDER, unsigned,
                 parse_cost(settings.ticket_cost) if settings.ticket_cost else None)  # fmt: skip
