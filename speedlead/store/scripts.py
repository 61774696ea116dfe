"""What leads answered to a rep's script: rows that are only added to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """The newest answer to one question; `version`: of the script it was asked from."""

    question_id: str
    answer_id: str
    version: int
    rep_name: str | None
    at: datetime


async def given(connection: Any, lead_id: str, script_id: str) -> dict[str, Given]:
    """By question."""
    rows = await connection.fetch(
        """select distinct on (a.question_id) a.question_id, a.answer_id, a.script_version, r.name, a.at
           from script_answer a left join rep r on r.id = a.rep_id
           where a.lead_id = $1 and a.script_id = $2 order by a.question_id, a.id desc""",
        lead_id,
        script_id,
    )
    return {
        row["question_id"]: Given(row["question_id"], row["answer_id"], row["script_version"], row["name"], row["at"])
        for row in rows
    }


async def note(
    connection: Any, lead_id: str, script: tuple[str, int], question_id: str, answer_id: str, rep_id: str | None,
    at: datetime,
) -> None:  # fmt: skip
    """`script`: its id and version. A rep who is none of ours is noted as nobody."""
    await connection.execute(
        """insert into script_answer (lead_id, script_id, script_version, question_id, answer_id, rep_id, at)
           values ($1, $2, $3, $4, $5, (select id from rep where id = $6), $7)""",
        lead_id, *script, question_id, answer_id, rep_id, at,
    )  # fmt: skip
