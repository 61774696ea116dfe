"""Credentials are made once per data folder, kept private, and the same for every process."""

import base64
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

from speedlead.credentials import FILE_NAME, CredentialsError, load_or_create


def test_the_first_start_makes_them_and_the_next_finds_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    made = load_or_create(folder)
    assert load_or_create(folder) == made
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert len(made.secret_bytes) == 32
    assert made.sandbox_twilio_account_sid.startswith("AC")
    assert len(made.sandbox_twilio_account_sid) == 34


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    one = load_or_create(tmp_path / "one").model_dump()
    two = load_or_create(tmp_path / "two").model_dump()
    assert [name for name in one if one[name] == two[name]] == []


def test_the_signing_keys_belong_together(tmp_path: Path) -> None:
    made = load_or_create(tmp_path)
    private = load_pem_private_key(made.sandbox_sendgrid_signing_key.get_secret_value().encode(), None)
    assert private.public_key() == load_der_public_key(base64.b64decode(made.sandbox_sendgrid_public_key))


def test_no_secret_is_shown(tmp_path: Path) -> None:
    made = load_or_create(tmp_path)
    shown = repr(made)
    for value in (made.api_key, made.secret, made.sandbox_twilio_auth_token, made.sandbox_sendgrid_signing_key):
        assert value.get_secret_value() not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    load_or_create(tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(CredentialsError, match=r"others may read it.*chmod 600"):
        load_or_create(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"api_key": 3}'])
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    load_or_create(tmp_path)
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(CredentialsError, match="damaged"):
        load_or_create(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == text


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    # each takes long enough to make its own that all of them have looked for the file before one is there
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from speedlead import credentials\n"
        "new = credentials._new\n"
        "credentials._new = lambda: (time.sleep(1), new())[1]\n"
        "print(credentials.load_or_create(Path(sys.argv[1])).api_key.get_secret_value())"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path / "data"], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    keys = {start.communicate(timeout=60)[0] for start in starts}
    assert len(keys) == 1
    assert keys.pop().startswith("sl_")


def test_a_file_of_an_older_version_gets_what_it_lacks_and_keeps_the_rest(tmp_path: Path) -> None:
    before = load_or_create(tmp_path)
    path = tmp_path / "credentials.json"
    values = json.loads(path.read_text())
    del values["push_private_key"]
    path.write_text(json.dumps(values))
    after = load_or_create(tmp_path)
    assert after.model_copy(update={"push_private_key": before.push_private_key}) == before
    assert load_or_create(tmp_path) == after
    assert len(after.push_private_key.get_secret_value()) == 43
