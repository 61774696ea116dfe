"""What the sandbox accepted and still has to do, in its own SQLite file: a witness that outlives every process.

A row is committed before the request is answered, so whatever a caller was told is here after a kill -9.
"""

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'call')),
    direction TEXT NOT NULL,
    touch_id TEXT, leg_id TEXT, parent_id TEXT,
    sender TEXT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
    status TEXT NOT NULL, error_code INTEGER,
    received_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    extra TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS message_recipient ON message (recipient);
CREATE INDEX IF NOT EXISTS message_touch ON message (touch_id);
CREATE INDEX IF NOT EXISTS message_parent ON message (parent_id);
CREATE TABLE IF NOT EXISTS person (address TEXT PRIMARY KEY, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS suppressed (
    address TEXT NOT NULL, channel TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (address, channel)
);
CREATE TABLE IF NOT EXISTS job (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, ordered_by TEXT NOT NULL, due REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, payload TEXT NOT NULL
);
"""
_COLUMNS = (
    "id channel direction touch_id leg_id parent_id sender recipient subject text html status error_code "
    "received_at updated_at extra"
).split()


@dataclass(slots=True)
class Row:
    """One message or call. `id` is the provider id; times are wall time, UTC."""

    id: str
    channel: str  # email, sms, call
    direction: str  # outbound-api, outbound-dial, inbound
    sender: str
    recipient: str
    touch_id: str | None = None
    leg_id: str | None = None
    parent_id: str | None = None
    subject: str = ""
    text: str = ""
    html: str = ""
    status: str = "queued"
    error_code: int | None = None
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    extra: dict[str, Any] = field(default_factory=dict)
    seq: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape of GET /api/messages."""
        return {
            "id": self.id,
            "channel": self.channel,
            "direction": self.direction,
            "to": self.recipient,
            "from": self.sender,
            "subject": self.subject,
            "body": self.text,
            "html": self.html,
            "touch_id": self.touch_id,
            "leg_id": self.leg_id,
            "parent_id": self.parent_id,
            "status": self.status,
            "error_code": self.error_code,
            "received_at": self.received_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "extra": self.extra,
        }


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do later: `kind` names the handler, `due` is epoch seconds, `ordered_by` keeps jobs in order."""

    seq: int
    kind: str
    ordered_by: str
    due: float
    tries: int
    payload: dict[str, Any]


class Store:
    """Every method commits before it returns."""

    def __init__(self, path: Path | str) -> None:
        """Opens or creates the file; `:memory:` for tests that need no witness."""
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        # survives the death of the process; only a power cut could lose the last rows
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    # messages and calls

    def add(self, row: Row) -> Row:
        values = [_to_sql(name, getattr(row, name)) for name in _COLUMNS]
        marks = ", ".join("?" * len(_COLUMNS))
        insert = f"INSERT INTO message ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608 our own names
        cursor = self._db.execute(insert, values)
        row.seq = int(cursor.lastrowid or 0)
        return row

    def get(self, message_id: str) -> Row | None:
        found = self._db.execute("SELECT * FROM message WHERE id = ?", (message_id,)).fetchone()
        return _row(found) if found else None

    def update(self, message_id: str, **changes: Any) -> None:
        """Sets columns; `updated_at` follows. Unknown ids are ignored."""
        changes["updated_at"] = datetime.now(UTC)
        sets = ", ".join(f"{name} = ?" for name in changes)
        values = [_to_sql(name, value) for name, value in changes.items()]
        update = f"UPDATE message SET {sets} WHERE id = ?"  # noqa: S608 names are keyword arguments of our code
        self._db.execute(update, (*values, message_id))

    def note(self, message_id: str, **facts: Any) -> None:
        """Merges facts into `extra`."""
        row = self.get(message_id)
        if row is not None:
            self.update(message_id, extra={**row.extra, **facts})

    def find(self, limit: int = 100, offset: int = 0, **equal: str | None) -> list[Row]:
        """Newest first; a filter that is None or empty does not filter."""
        used = {name: value for name, value in equal.items() if value}
        where = " AND ".join(f"{name} = ?" for name in used) or "1"
        select = f"SELECT * FROM message WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?"  # noqa: S608 as above
        found = self._db.execute(select, (*used.values(), limit, offset))
        return [_row(r) for r in found]

    # people

    def person(self, address: str) -> dict[str, Any]:
        found = self._db.execute("SELECT settings FROM person WHERE address = ?", (address,)).fetchone()
        settings: dict[str, Any] = json.loads(found["settings"]) if found else {}
        return settings

    def people(self) -> dict[str, dict[str, Any]]:
        return {r["address"]: json.loads(r["settings"]) for r in self._db.execute("SELECT * FROM person")}

    def set_person(self, address: str, settings: dict[str, Any]) -> None:
        self._db.execute("INSERT OR REPLACE INTO person VALUES (?, ?)", (address, json.dumps(settings)))

    def suppress(self, address: str, channel: str, reason: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO suppressed VALUES (?, ?, ?)", (address, channel, reason))

    def unsuppress(self, address: str, channel: str) -> None:
        self._db.execute("DELETE FROM suppressed WHERE address = ? AND channel = ?", (address, channel))

    def suppressed(self, address: str, channel: str) -> str | None:
        """The reason why the provider itself refuses this address, or None."""
        found = self._db.execute(
            "SELECT reason FROM suppressed WHERE address = ? AND channel = ?", (address, channel)
        ).fetchone()
        return str(found["reason"]) if found else None

    # jobs

    def add_job(self, kind: str, ordered_by: str, due: float, payload: dict[str, Any]) -> Job:
        cursor = self._db.execute(
            "INSERT INTO job (kind, ordered_by, due, payload) VALUES (?, ?, ?, ?)",
            (kind, ordered_by, due, json.dumps(payload)),
        )
        return Job(int(cursor.lastrowid or 0), kind, ordered_by, due, 0, payload)

    def jobs(self) -> list[Job]:
        return [
            Job(r["seq"], r["kind"], r["ordered_by"], r["due"], r["tries"], json.loads(r["payload"]))
            for r in self._db.execute("SELECT * FROM job ORDER BY due, seq")
        ]

    def tried(self, seq: int) -> None:
        self._db.execute("UPDATE job SET tries = tries + 1 WHERE seq = ?", (seq,))

    def done(self, seq: int) -> None:
        self._db.execute("DELETE FROM job WHERE seq = ?", (seq,))


def _to_sql(name: str, value: Any) -> Any:
    if name == "extra":
        return json.dumps(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _row(found: sqlite3.Row) -> Row:
    values = {name: found[name] for name in _COLUMNS}
    values["extra"] = json.loads(values["extra"])
    for name in ("received_at", "updated_at"):
        values[name] = datetime.fromisoformat(values[name])
    return Row(**values, seq=found["seq"])
