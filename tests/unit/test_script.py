"""Qualification scripts: what is wrong in a file is named by line, and a conversation follows the answers."""

from datetime import date
from pathlib import Path

import pytest

from speedlead.domain.outcomes import Outcome
from speedlead.domain.script import follow
from speedlead.scriptbook import ScriptError, edition, load_script, load_scripts, packaged_templates, warnings
from tests.unit.test_cli import speedlead

FILE = packaged_templates() / "scripts" / "inbound.yaml"
SCRIPT = load_script(FILE)


def test_a_conversation_goes_from_answer_to_answer_until_it_ends() -> None:
    start = follow(SCRIPT, {})
    assert (start.answered, start.next, start.end) == ((), SCRIPT.questions[0], None)
    half = follow(SCRIPT, {"moment": "yes", "need": "problem", "timing": "month"})
    assert [question.id for question, _ in half.answered] == ["moment", "need"]
    assert half.next is not None
    assert half.next.id == "decision"
    given = {
        "moment": "yes",
        "need": "problem",
        "decision": "alone",
        "budget": "set",
        "timing": "month",
        "next_step": "booked",
    }
    whole = follow(SCRIPT, given)
    assert whole.next is None
    assert whole.end is not None
    assert whole.end.suggests is Outcome.MEETING_BOOKED
    support = follow(SCRIPT, {"moment": "yes", "need": "support"})
    assert support.end is not None
    assert (support.end.suggests, support.end.disqualify) == (Outcome.UNQUALIFIED, "A support case; hand it to support")


def test_an_answer_that_the_script_no_longer_has_is_asked_again() -> None:
    standing = follow(SCRIPT, {"moment": "gone"})
    assert standing.next is SCRIPT.questions[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("next: horizon}\n      - {id: support", "next: horizont}\n      - {id: support", 23,
         "questions.1.answers.2.next: there is no question 'horizont'; expected one of moment, need"),
        ("next: next_step}\n      - {id: quarter", "next: moment}\n      - {id: quarter", 9,
         "comes back to it; expected every way to end"),
        ("- id: horizon", "- id: need", 52, "the id 'need' stands twice; expected another"),
        ("outcome: meeting_booked", "outcome: bought", 49, "outcome: Input should be"),
        ("outcome: meeting_booked", "outcome: qualified, next: need", 49, "expected exactly one of next:"),
        (", outcome: meeting_booked", "", 49, "expected exactly one of next:"),
        ("id: inbound", "id: outbound", 2, "id: expected the name of the file, 'inbound', got 'outbound'"),
        ("{rep} from", "{rep.__class__} from", 7,
         "opening: expected nothing in braces but company, inquiry, name, rep"),
        ("version: 1", "version: 0", 3, "version: "),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(old: str, new: str, line: int, says: str, tmp_path: Path) -> None:
    source = FILE.read_text()
    assert source.count(old) == 1
    file = tmp_path / "inbound.yaml"
    file.write_text(source.replace(old, new))
    with pytest.raises(ScriptError) as error:
        load_script(file)
    assert any(text.startswith(f"{file}:{line}: ") and says in text for text in str(error.value).splitlines()), (
        error.value
    )


def test_a_question_that_no_answer_leads_to_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "inbound.yaml"
    file.write_text(FILE.read_text() + "  - id: alone\n    ask: Hello?\n    answers:\n"
                    "      - {id: a, say: A, outcome: qualified}\n"
                    "      - {id: b, say: B, outcome: qualified}\n")  # fmt: skip
    with pytest.raises(ScriptError, match=r"questions\.7: no answer leads to 'alone'; expected one"):
        load_script(file)


def test_own_scripts_lie_over_the_packaged_ones(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "inbound.yaml").write_text(FILE.read_text().replace("version: 1", "version: 7"))
    script, file = load_scripts(tmp_path)["inbound"]
    assert script.version == 7
    assert edition(script, file).sha256 == edition(SCRIPT, str(FILE)).sha256


def test_a_review_that_is_due_is_a_warning() -> None:
    assert warnings(SCRIPT, "x.yaml", date(2027, 2, 28)) == []
    assert warnings(SCRIPT, "x.yaml", date(2027, 3, 1)) == [
        "x.yaml:1: warning: review_by 2027-02-28 is past; Head of sales should read it again"
    ]


def test_the_commands_check_and_show(tmp_path: Path) -> None:
    here = {"SPEEDLEAD_DATA_DIR": str(tmp_path)}
    assert speedlead("script", "check", **here).stdout == "inbound version 1: 7 questions, nothing wrong\n"
    assert "Who besides you decides on this?" in speedlead("script", "show", **here).stdout
    (tmp_path / "inbound.yaml").write_text("id: inbound\n")
    wrong = speedlead("script", "check", str(tmp_path / "inbound.yaml"), **here)
    assert wrong.returncode == 1
    assert "version: Field required" in wrong.stderr
