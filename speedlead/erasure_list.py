"""The list of erasures as a file beside the backups, and what it does to a database that is older than the list.

One JSON object a line: which house it is of, then the erasures and the opt-outs that they left, then how many lines
that were, so that half a file is known as one. Ids and keyed hashes alone; nobody's data.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from speedlead.erasing import Leads, NotErased, erase_people
from speedlead.house_mark import HouseMark
from speedlead.ports import Clock
from speedlead.store import erasure, erasures, merges
from speedlead.store.erasures import Erasure, OptOut
from speedlead.store.merging import MergeRefused
from speedlead.store.transactions import transact
from speedlead.store.unmerging import undo

FILE_NAME = "erasures.jsonl"
_FORMAT = 1
_CHANNELS = ("email", "sms", "call", "all")


class ListRefused(Exception):
    """The file is no list, half of one, or another house's; the message names file and line."""


@dataclass(frozen=True)
class ErasureList:
    """`house`: HMAC of the installation's secret: the marks mean nothing to another one."""

    house: str
    erasures: Sequence[Erasure]
    opt_outs: Sequence[OptOut]


@dataclass
class Applied:
    """`known`: erasures that this database has had. `waiting`: webhooks that still name somebody."""

    known: int = 0
    erased: int = 0
    people: int = 0
    leads: int = 0
    rows: int = 0
    waiting: int = 0
    remembered: list[str] = field(default_factory=list)


async def read_house(conn: Any, mark: HouseMark) -> ErasureList:
    return ErasureList(mark.secret, await erasures.all_erasures(conn), await erasures.all_opt_outs(conn))


def write_list(file: Path, found: ErasureList) -> None:
    """In place of the one that is there, whole or not at all; mode 0600. Raises OSError."""
    lines: list[dict[str, Any]] = [{"format": _FORMAT, "house": found.house}]
    lines += [
        {"erased": one.id, "at": one.at_wall.isoformat(), "people": one.people, "leads": one.leads,
         "marks": [mark.hex() for mark in one.marks]} for one in found.erasures
    ]  # fmt: skip
    lines += [{"opted_out": one.mark.hex(), "channel": one.channel, "at": one.at.isoformat()} for one in found.opt_outs]
    lines.append({"lines": len(lines)})
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.writelines(json.dumps(line) + "\n" for line in lines)
        opened.flush()
        os.fsync(opened.fileno())
    half.replace(file)


def read_list(file: Path, house: HouseMark) -> ErasureList:
    """Raises ListRefused."""
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ListRefused(f"{file}: cannot be read: {error}") from None
    lines = [_line(file, number, text) for number, text in enumerate(texts, 1)]
    if not lines or lines[0].get("format") != _FORMAT:
        raise ListRefused(f"{file}:1: expected what `speedlead erasures export` writes, of format {_FORMAT}")
    if lines[0].get("house") != house.secret:
        raise ListRefused(f"{file}:1: it is the list of another house: its credentials.json is not the one here")
    if lines[-1].get("lines") != len(lines) - 1:
        raise ListRefused(f"{file}:{len(lines)}: the end is missing; take another copy")
    found, opt_outs = [], []
    for number, line in enumerate(lines[1:-1], 2):
        try:
            if "erased" in line:
                found.append(_erasure(line))
            else:
                opt_outs.append(_opt_out(line))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ListRefused(f"{file}:{number}: expected an erasure or an opt-out: {error!r}") from None
    return ErasureList(house.secret, found, opt_outs)


def _line(file: Path, number: int, text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        raise ListRefused(f"{file}:{number}: expected a JSON object")
    return line


def _erasure(line: dict[str, Any]) -> Erasure:
    people, leads = (tuple(str(UUID(one)) for one in line[name]) for name in ("people", "leads"))
    marks = tuple(bytes.fromhex(mark) for mark in line["marks"])
    return Erasure(str(UUID(line["erased"])), _instant(line["at"]), people, leads, marks)


def _opt_out(line: dict[str, Any]) -> OptOut:
    mark = bytes.fromhex(line["opted_out"])
    if line["channel"] not in _CHANNELS or len(mark) != 32:
        raise ValueError(f"channel {line['channel']!r}, a mark of {len(mark)} bytes")
    return OptOut(mark, line["channel"], _instant(line["at"]))


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text}: expected an instant with its offset")
    return at


async def foreseen(pool: "asyncpg.Pool[Any]", found: ErasureList) -> Applied:
    """What `apply` would do; reads only."""

    async def look(conn: Any) -> Applied:
        todo = await erasures.not_done(conn, found.erasures)
        people = await erasures.people_there(conn, {person for one in todo for person in one.people})
        whose = await erasure.all_of(conn, people)
        return Applied(len(found.erasures) - len(todo), len(todo), len(people), len(whose.leads))

    return await transact(pool, look)


async def apply(
    pool: "asyncpg.Pool[Any]", leads: Leads, clock: Clock, secret: bytes, found: ErasureList, *,
    request_id: str, step: Callable[[], None] = lambda: None,
) -> Applied:  # fmt: skip
    """Erases again whomever this database had before they were erased; `step` is called after each erasure.

    Each is noted with its erasure, so that it is done once however often this is begun. Raises NotErased,
    StoreUnavailable; what was done stays done.
    """
    await transact(pool, lambda conn: erasures.add_opt_outs(conn, found.opt_outs))
    async with pool.acquire() as conn:
        todo = await erasures.not_done(conn, found.erasures)
        held = await erasures.contacts_by_mark(conn, secret, {mark for one in todo for mark in one.marks})
    applied = Applied(known=len(found.erasures) - len(todo))
    for one in todo:
        await _part_again(pool, clock, one)
        async with pool.acquire() as conn:
            people = await erasures.people_there(conn, one.people)
            theirs = [held[mark] for mark in one.marks if mark in held]
            contacts = await erasures.nobody_elses(conn, theirs, people)
        done = await erase_people(
            pool, leads, clock, secret, people, contacts, by="ops", request_id=request_id, erasure_id=one.id
        )
        applied.erased += 1
        applied.people += len(people)
        applied.leads += len(one.leads)
        applied.rows += sum(done.rows.values())
        applied.waiting += done.waiting
        applied.remembered += done.remembered
        step()
    return applied


async def _part_again(pool: "asyncpg.Pool[Any]", clock: Clock, one: Erasure) -> None:
    """Whoever was merged when this was backed up, and was erased alone since, is an entry of their own again."""

    async def work(conn: Any) -> None:
        for merge_id in await merges.parted_since(conn, one.people):
            try:
                await undo(conn, clock, merge_id)
            except MergeRefused as refused:
                raise NotErased(f"erasure {one.id}: merge {merge_id} has to be undone first: {refused}") from None

    await transact(pool, work)
