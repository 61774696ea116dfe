"""A tally as bytes, for other processes: the groups as JSON, behind it all kept values as doubles in the same order."""

import hashlib
import json
import sys
from array import array
from typing import Any

from speedlead.numbers.tally import Group, Tally, Times, Window

# another form makes other questions, so that nobody reads what is written otherwise
_FORM = 1


def named(key: Any) -> bytes:
    """The same for the same question in every process."""
    return hashlib.sha256(repr((_FORM, key)).encode()).digest()


def pack(tally: Tally) -> bytes:
    values = array("d")
    groups = []
    for keys, group in tally.items():
        times = []
        for time in group.times:
            windows = [(one.first, one.below, one.upto, len(one.values)) for one in time.windows]
            for one in time.windows:
                values.extend(one.values)
            times.append((time.count, time.total, windows))
        groups.append((keys, group.sums, times))
    head = json.dumps(groups, separators=(",", ":")).encode()
    return len(head).to_bytes(4, "little") + head + _little(values).tobytes()


def unpack(data: bytes) -> Tally:
    end = 4 + int.from_bytes(data[:4], "little")
    values = array("d")
    values.frombytes(data[end:])
    values, at, tally = _little(values), 0, {}
    for keys, sums, times in json.loads(data[4:end]):
        found = []
        for count, total, windows in times:
            made = []
            for first, below, upto, many in windows:
                made.append(Window(first, below, upto, values[at : at + many]))
                at += many
            found.append(Times(count, total, tuple(made)))
        tally[tuple(keys)] = Group(tuple(sums), tuple(found))
    return tally


def _little(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
