"""Every secret can come from a file; whatever is wrong with the file is one line that names it, never what it holds."""

from pathlib import Path

import pytest

from speedlead.settings import Settings, SettingsError, read_settings, secret_file_variables

TOKEN = "SPEEDLEAD_TWILIO_AUTH_TOKEN_OTHER"


def secret(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def given(**environment: object) -> Settings:
    return read_settings({name: str(value) for name, value in environment.items()})


def refused(**environment: object) -> str:
    with pytest.raises(SettingsError) as caught:
        given(**environment)
    [line] = caught.value.lines
    assert "hunter" not in line
    return line


@pytest.mark.parametrize("text", ["hunter2", "hunter2\n", "hunter2\r\n"])
def test_a_file_holds_the_secret(tmp_path: Path, text: str) -> None:
    settings = given(**{TOKEN + "_FILE": secret(tmp_path, text)})
    assert settings.twilio_auth_token_other is not None
    assert settings.twilio_auth_token_other.get_secret_value() == "hunter2"


def test_every_secret_has_such_a_variable() -> None:
    secrets = {name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}
    assert {f"SPEEDLEAD_{name.upper()}_FILE" for name in secrets} == set(secret_file_variables())
    # what a provider, a server or a person is opened with
    assert {"database_password", "database_url", "temporal_api_key", "twilio_auth_token", "sendgrid_api_key",
            "oidc_client_secret", "slack_webhook_url"} <= secrets  # fmt: skip


def test_a_secret_from_a_file_is_checked_like_any_other(tmp_path: Path) -> None:
    line = refused(SPEEDLEAD_DATABASE_URL_FILE=secret(tmp_path, "mysql://root:hunter2@db/leads"))
    assert line.startswith("SPEEDLEAD_DATABASE_URL: expected an address like postgresql://")


def test_both_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "hunter1")
    line = refused(**{TOKEN: "hunter1", TOKEN + "_FILE": secret(tmp_path, "hunter2")})
    assert line == f"{TOKEN}_FILE: expected no value beside {TOKEN}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected a secret, not an empty file, in "),
        (" \n", "expected a secret, not an empty file, in "),
        ("hunter1\nhunter2\n", "expected a secret of one line in "),
        ("hunter" * 4000, "expected a secret of one line in "),
        (b"\xff\xfehunter", "expected a secret as UTF-8 text in "),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_by_name(tmp_path: Path, text: str | bytes, expected: str) -> None:
    path = secret(tmp_path, text)
    assert refused(**{TOKEN + "_FILE": path}) == f"{TOKEN}_FILE: {expected}{path}"


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    line = refused(**{TOKEN + "_FILE": tmp_path / "none"})
    assert line.endswith(f"expected a file that can be read, got {tmp_path / 'none'}: No such file or directory")
    assert "Is a directory" in refused(**{TOKEN + "_FILE": tmp_path})


def test_a_typo_in_such_a_variable_is_found() -> None:
    assert "did you mean SPEEDLEAD_TWILIO_AUTH_TOKEN_FILE?" in refused(SPEEDLEAD_TWILIO_AUTH_TOKN_FILE="/x")


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_that_is_open_to_everybody_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int, warned: bool
) -> None:
    path = secret(tmp_path, "hunter2", mode)
    given(**{TOKEN + "_FILE": path})
    said = capsys.readouterr().err
    assert said == (f"{TOKEN}_FILE: {path} is open to everybody (mode {mode:04o}); run: chmod o= '{path}'\n" * warned)


# ── the database's password ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_password_goes_into_the_address() -> None:
    without = "postgresql://speed@db:5432/leads?sslmode=verify-full"
    settings = Settings(database_url=without, database_password="p@s/w:d")  # type: ignore[arg-type]
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    assert url == "postgresql://speed:p%40s%2Fw%3Ad@db:5432/leads?sslmode=verify-full"
    assert "p%40s" not in repr(settings)
    # and once more, as a child process gets both
    child = Settings(database_url=url, database_password="p@s/w:d")  # type: ignore[arg-type]
    assert child.database_url == settings.database_url


@pytest.mark.parametrize("url", ["postgresql://speed:other@db/leads", "postgresql://db/leads"])
def test_an_address_with_another_password_or_nobody_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"SPEEDLEAD_DATABASE_URL": url, "SPEEDLEAD_DATABASE_PASSWORD": "hunter2"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    line = refused(**environment)
    assert line.startswith("SPEEDLEAD_DATABASE_URL: expected a user and no password beside SPEEDLEAD_DATABASE_PASSWORD")


def test_a_password_needs_an_address(tmp_path: Path) -> None:
    line = refused(SPEEDLEAD_DATABASE_PASSWORD_FILE=secret(tmp_path, "hunter2"))
    assert line == "SPEEDLEAD_DATABASE_URL: expected a value as well when SPEEDLEAD_DATABASE_PASSWORD is set"


# ── Temporal ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value"),
    [("TEMPORAL_API_KEY", "hunter2"), ("TEMPORAL_TLS", "true"), ("SPEEDLEAD_TEMPORAL_TLS_SERVER_NAME", "t.example")],
)
def test_temporal_s_own_names_switch_tls_on(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert not Settings(temporal_address="t.example:7233").uses_temporal_tls
    monkeypatch.setenv(name, value)
    assert Settings(temporal_address="t.example:7233").uses_temporal_tls


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"TLS_CLIENT_CERT_PATH": "/c.pem", "ADDRESS": "t:1"}, "TLS_CLIENT_KEY_PATH: expected a value as well"),
        ({"TLS_CLIENT_KEY_PATH": "/k.pem", "ADDRESS": "t:1"}, "TLS_CLIENT_CERT_PATH: expected a value as well"),
        ({"API_KEY": "hunter2", "TLS": "false", "ADDRESS": "t:1"}, "TLS: expected true with an API key"),
        ({"API_KEY": "hunter2"}, "ADDRESS: expected the server that the API key or TLS is for"),
        ({"TLS": "perhaps", "ADDRESS": "t:1"}, "TLS: expected true or false, got 'perhaps'"),
    ],
)
def test_half_a_way_to_temporal_is_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], line: str
) -> None:
    named = {f"SPEEDLEAD_TEMPORAL_{name}": value for name, value in environment.items()}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert refused(**named).startswith(f"SPEEDLEAD_TEMPORAL_{line}")
