"""The CSV file of companies that we know. Every bad row is one line: file, line, column, and what was expected."""

import re
from collections.abc import Callable
from pathlib import Path

from speedlead.checked_csv import rows_of
from speedlead.checked_yaml import FileFault, read_text
from speedlead.domain.knowing import MAX_TEXT, Company
from speedlead.enrichment.mail_domains import domain_of, kind_of
from speedlead.store.companies import Listed

COLUMNS = ("domain", "name", "employees", "industry", "tier", "named", "owner", "note")
_TIER = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
# whole suffixes under which companies are registered, and not companies
_TOO_WIDE = re.compile(r"(co|com|net|org|gov|ac|edu|or|ne|gob|gouv)\.[a-z]{2}")


class CompaniesError(FileFault):
    """A file of companies that cannot be used; the text is for the person who wrote it."""


def load_companies(file: Path, read: Callable[[], object] = lambda: None) -> list[Listed]:
    """Raises CompaniesError with one line per fault. `read`: is called after each line."""
    faults: list[str] = []
    found: dict[str, Listed] = {}
    try:
        for line, cells in rows_of(read_text(file), str(file), COLUMNS, faults, needed=("domain",)):
            read()
            try:
                listed = _listed(cells, line)
                if listed.company.domain in found:
                    raise ValueError(f"domain: {listed.company.domain} stands twice")
                found[listed.company.domain] = listed
            except ValueError as error:
                faults.append(f"{file}:{line}: {error}")
    except FileFault as fault:
        raise CompaniesError(str(fault)) from None
    if not found and not faults:
        faults.append(f"{file}:1: expected one company at least")
    if faults:
        raise CompaniesError("\n".join(faults))
    return list(found.values())


def _listed(cells: dict[str, str], line: int) -> Listed:
    domain = domain_of(cells["domain"].lower().removeprefix("www."))
    if domain is None or _TOO_WIDE.fullmatch(domain):
        raise ValueError(f"domain: expected the domain of a company's mail, such as acme.com, got {cells['domain']!r}")
    if kind_of(domain) != "company":
        raise ValueError(f"domain: {domain} is a mail service, where anybody gets an address")
    employees, tier, named = cells.get("employees", ""), cells.get("tier", ""), cells.get("named", "").lower()
    if employees and not (employees.isascii() and employees.isdecimal() and 0 < int(employees[:10]) < 10_000_000):
        raise ValueError(f"employees: expected a whole number from 1 to 9999999, got {employees[:40]!r}")
    if tier and not _TIER.fullmatch(tier):
        raise ValueError(f"tier: expected a word of small letters, digits, - and _, such as a, got {tier[:40]!r}")
    if named not in _YES:
        raise ValueError(f"named: expected yes or no, got {named[:40]!r}")
    texts = {name: cells.get(name, "") for name in ("name", "industry", "note")}
    for name, text in texts.items():
        if len(text) > MAX_TEXT or not text.isprintable():
            raise ValueError(f"{name}: expected one line of at most {MAX_TEXT} characters")
    company = Company(
        domain, texts["name"] or None, int(employees) if employees else None, texts["industry"] or None, tier or None,
        _YES[named], None, texts["note"] or None,
    )  # fmt: skip
    return Listed(company, cells.get("owner") or None, line)
