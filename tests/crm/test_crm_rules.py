"""Who is right when two systems write the same field, and what a file of CRMs may say."""

from pathlib import Path

import pytest

from speedlead.checked_yaml import FileFault
from speedlead.crm.calls import Refused
from speedlead.crm.fields import activity_of
from speedlead.crm.model import read_file
from speedlead.crm.sending import said
from speedlead.domain.crm import News, Record, Seen, Words, read, status_to_tell
from speedlead.hooks.address import Allowed

WORDS = Words({"qualified": "OPEN_DEAL", "closed/unqualified": "UNQUALIFIED", "closed": "DONE", "new": "NEW"},
              {"OPEN_DEAL": "qualified", "UNQUALIFIED": "unqualified", "JUNK": "unqualified"})  # fmt: skip
KNOWN = Record("p", "7", "contacts", status="NEW", owner="501", stage="new", owner_id="sam")


@pytest.mark.parametrize(("record", "stage", "reason", "told"), [
    (None, "new", None, "NEW"),
    (KNOWN, "new", None, None),                                  # told before
    (KNOWN, "qualified", None, "OPEN_DEAL"),
    (KNOWN, "closed", "unqualified", "UNQUALIFIED"),
    (KNOWN, "closed", "no_outcome", "DONE"),
    (KNOWN, "connected", None, None),                            # they have no word for it
])  # fmt: skip
def test_a_status_is_told_when_ours_has_changed(
    record: Record | None, stage: str, reason: str | None, told: str | None
) -> None:
    assert status_to_tell(record, WORDS, stage, reason) == told


def test_their_finer_word_stays() -> None:
    junk, news = read(KNOWN, Seen("7", "JUNK", "501", "sam@acme.example"), WORDS)
    assert news == News("unqualified", None)
    assert status_to_tell(junk, WORDS, "closed", "unqualified") is None, "it would make JUNK an UNQUALIFIED"


def test_our_own_write_is_no_news_before_it_is_noted_and_after() -> None:
    writing = Record("p", "7", "contacts", status="NEW", owner="501", writing_status="OPEN_DEAL", writing_owner="502")
    noted, news = read(writing, Seen("7", "OPEN_DEAL", "502", "dana@acme.example"), WORDS)
    assert news == News()
    assert read(noted, Seen("7", "OPEN_DEAL", "502", "dana@acme.example"), WORDS) == (noted, News())
    assert read(KNOWN, Seen("7", "OPEN_DEAL", "502", "dana@acme.example"), WORDS)[1] == News(
        "qualified", "dana@acme.example")  # fmt: skip


def test_a_refusal_is_logged_without_a_person_and_without_a_secret() -> None:
    refused = Refused(
        400, "INVALID", "ava@northwind.example, +1 212 555 0142, pat-na1-0000-1111-2222", fields=("email",)
    )
    assert said(refused) == "INVALID (email): … …, …"


@pytest.mark.parametrize(("channel", "sort", "subject"), [
    ("email", "email", "The lead replied: E-mail"),
    ("sms", "message", "The lead replied: Text message"),
    ("chat", "note", "The lead replied: Chat"),                  # their messages are texts, and a chat is none
    (None, "note", "The lead replied: Message"),
])  # fmt: skip
def test_a_touch_stands_in_their_history_as_what_it_was(channel: str | None, sort: str, subject: str) -> None:
    lead = {"url": "https://leads.acme.example/leads/7"}
    told = activity_of({
        "id": "1", "type": "lead.replied", "time": "2026-11-23T15:00:00+00:00",
        "data": {"details": {"channel": channel}, "lead": lead},
    })  # fmt: skip
    assert (told.sort, told.subject, told.inbound) == (sort, subject, True)


def test_every_fault_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "crm.yaml"
    file.write_text("""crm:
  - name: a
    kind: hubspot
    url: http://10.0.0.1
    statuses: {nowhere: NEW}
    outcomes: {NEW: callback_requested}
    activities: [lead.breach]
  - name: b
    kind: salesforce
    url: https://acme.my.salesforce.com/services
    client_id: x
    fields: {Rating: hotness}
  - name: c
    kind: salesforce
    url: https://acme.my.salesforce.com
    client_id: x
    auth: jwt
""")
    with pytest.raises(FileFault) as fault:
        read_file(file, Allowed())
    text = str(fault.value)
    for line in (
        ":4: crm.0.hubspot.url: expected https",
        ":5: crm.0.hubspot.statuses: 'nowhere': expected a status of ours",
        ":6: crm.0.hubspot.outcomes: NEW: expected an outcome of ours",
        ":7: crm.0.hubspot.activities: 'lead.breach': expected some of",
        ":10: crm.1.salesforce.url: expected an address without a path",
        ":12: crm.1.salesforce.fields: Rating: expected one of id",
        ":13: crm.2.salesforce: expected `username`",
    ):
        assert line in text, text
