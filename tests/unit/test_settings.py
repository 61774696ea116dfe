"""Every wrong value and every unknown name is one clear line; secrets are never shown."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from speedlead.settings import Settings, SettingsError, load_settings, read_settings, settings_table, variables

# real accounts, and what has to be named with them
WHOLE = {
    "twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "hunter2", "sendgrid_api_key": "hunter3",
    "public_url": "https://leads.acme.example", "twilio_from": "+14155552671", "sendgrid_from": "hello@acme.example",
}  # fmt: skip


def lines(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(environment)
    return caught.value.lines


def test_defaults_need_no_environment() -> None:
    settings = read_settings({})
    assert settings.data_dir == Path.cwd() / ".speedlead"
    assert settings.database_url is None
    assert (settings.http_host, settings.http_port, settings.sandbox_port) == ("127.0.0.1", 8080, 8090)
    assert settings.temporal_address == "127.0.0.1:7233"
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.embedded_temporal
    assert settings.uses_sandbox
    assert not settings.virtual_clock


def test_computed_defaults_follow_the_ports() -> None:
    settings = Settings(http_port=9000, temporal_port=9001)
    assert settings.public_url == "http://127.0.0.1:9000"
    assert settings.temporal_address == "127.0.0.1:9001"
    assert settings.embedded_temporal


def test_the_default_sender_is_a_valid_number() -> None:
    import phonenumbers

    assert phonenumbers.is_valid_number(phonenumbers.parse(Settings().twilio_from))


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("HTTP_PORT", "abc", "expected a port number 1..65535, got 'abc'"),
        ("HTTP_PORT", "0", "expected a port number 1..65535, got '0'"),
        ("TEMPORAL_UI_PORT", "70000", "expected a port number 1..65535, got '70000'"),
        ("INTAKE_MAX_BYTES", "-1", "expected a whole number of at least 1, got '-1'"),
        ("CALLBACKS", "soon", "expected 'late' or 'before', got 'soon'"),
        ("VIRTUAL_CLOCK", "perhaps", "expected true or false, got 'perhaps'"),
        ("TEMPORAL_ADDRESS", "there", "expected host:port, got 'there'"),
        ("PUBLIC_URL", "leads.example.com", "expected an address like https://leads.example.com, got"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,here", "expected networks like 10.0.0.0/8, separated by commas, got"),
        ("TWILIO_FROM", "4155552671", "expected a number in E.164 form such as +14155552671, got"),
        ("SENDGRID_FROM", "nobody", "expected an e-mail address, got 'nobody'"),
        ("SENDGRID_REPLY_DOMAIN", "me@acme.example", "expected a host name such as reply.example.com, got"),
        ("TWILIO_ACCOUNT_SID", "AC1", "expected AC and 32 hexadecimal digits, got 'AC1'"),
        ("TWILIO_MESSAGING_SERVICE_SID", "AC" + "0" * 32, "expected MG and 32 hexadecimal digits, got 'AC"),
        ("TWILIO_API_KEY_SID", "SK" + "g" * 32, "expected SK and 32 hexadecimal digits, got 'SKg"),
    ],
)
def test_a_wrong_value_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str) -> None:
    [found] = lines(monkeypatch, **{f"SPEEDLEAD_{name}": value})
    assert found.startswith(f"SPEEDLEAD_{name}: {line}")


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(monkeypatch, SPEEDLEAD_HTTP_PORT="x", SPEEDLEAD_SANDBOX_PORT="y", SPEEDLEAD_HTPP_PORT="1")
    assert [line.split(":")[0] for line in found] == [
        "SPEEDLEAD_HTPP_PORT",
        "SPEEDLEAD_HTTP_PORT",
        "SPEEDLEAD_SANDBOX_PORT",
    ]


def test_a_typo_names_the_setting_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = lines(monkeypatch, SPEEDLEAD_DATABSE_URL="x")
    assert found == "SPEEDLEAD_DATABSE_URL: unknown setting, did you mean SPEEDLEAD_DATABASE_URL?"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_only_loopback_is_listened_on(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    [found] = lines(monkeypatch, SPEEDLEAD_HTTP_HOST=host)
    assert found.startswith("SPEEDLEAD_HTTP_HOST:")
    assert "a proxy with https" in found


def test_a_name_is_no_address_to_listen_on(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = lines(monkeypatch, SPEEDLEAD_HTTP_HOST="example.com")
    assert found == "SPEEDLEAD_HTTP_HOST: expected an IP address such as 127.0.0.1, got 'example.com'"


@pytest.mark.parametrize("missing", ["public_url", "trusted_proxies"])
def test_a_network_is_listened_on_behind_a_proxy_with_https(missing: str) -> None:
    values = {"http_host": "0.0.0.0", "public_url": "https://leads.acme.example", "trusted_proxies": ["172.30.0.0/24"]}
    assert Settings(**values).http_host == "0.0.0.0"  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="SPEEDLEAD_HTTP_HOST: expected a loopback address"):
        Settings(**{name: value for name, value in values.items() if name != missing})  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_every_loopback_address_is_accepted(host: str) -> None:
    assert Settings(http_host=host).http_host == host


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = lines(monkeypatch, SPEEDLEAD_DATABASE_URL="mysql://root:hunter2@db/leads")
    assert found.startswith("SPEEDLEAD_DATABASE_URL: expected an address like postgresql://")
    assert "hunter2" not in found


def test_a_secret_is_not_in_the_printed_settings() -> None:
    settings = Settings(**WHOLE, twilio_api_key_sid="SK" + "0" * 32, twilio_api_key_secret="hunter4")  # type: ignore[arg-type]
    assert "hunter" not in repr(settings)


def test_half_an_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = lines(monkeypatch, SPEEDLEAD_TWILIO_ACCOUNT_SID="AC" + "0" * 32)
    assert found.startswith("SPEEDLEAD_TWILIO_AUTH_TOKEN: expected a value as well")


@pytest.mark.parametrize("name", ["public_url", "twilio_from", "sendgrid_from"])
def test_with_an_account_nothing_is_sent_from_an_example(name: str) -> None:
    values = {key: value for key, value in WHOLE.items() if key != name}
    with pytest.raises(ValidationError, match=f"SPEEDLEAD_{name.upper()}: expected a value of your own"):
        Settings(**values)  # type: ignore[arg-type]
    assert Settings(**WHOLE).uses_sandbox is False  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "missing"), [("SID", "SECRET"), ("SECRET", "SID")])
def test_half_an_api_key_is_refused(monkeypatch: pytest.MonkeyPatch, given: str, missing: str) -> None:
    [found] = lines(monkeypatch, **{f"SPEEDLEAD_TWILIO_API_KEY_{given}": "SK" + "0" * 32})
    assert found == f"SPEEDLEAD_TWILIO_API_KEY_{missing}: expected a value as well: the key has both"


def test_replies_go_to_a_host_of_their_own_or_to_the_sender_s() -> None:
    assert Settings(sendgrid_from="hello@Acme.example").reply_domain == "acme.example"
    assert Settings(sendgrid_reply_domain="Reply.Acme.example").reply_domain == "reply.acme.example"


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_HTTP_PORT", "")
    assert read_settings({"SPEEDLEAD_HTTP_PORT": ""}).http_port == 8080


def test_temporal_variables_name_an_outside_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "leads")
    settings = read_settings({})
    assert (settings.temporal_address, settings.temporal_namespace) == ("temporal:7233", "leads")
    assert not settings.embedded_temporal
    monkeypatch.setenv("SPEEDLEAD_TEMPORAL_ADDRESS", "other:7233")
    assert read_settings({}).temporal_address == "other:7233"


def test_settings_survive_the_way_to_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Settings(
        http_port=9000,
        trusted_proxies=["10.0.0.0/8", "::1/128"],
        virtual_clock=True,
        **WHOLE,  # type: ignore[arg-type]
        sendgrid_reply_domain="reply.acme.example",
        temporal_address="t:1",
        data_dir=Path("some where"),
    )
    environment = original.to_environment()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert read_settings(environment) == original


def test_load_settings_prints_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPEEDLEAD_HTTP_PORT", "abc")
    with pytest.raises(SystemExit) as caught:
        load_settings()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "SPEEDLEAD_HTTP_PORT: expected a port number 1..65535, got 'abc'\n"


def test_every_setting_is_described() -> None:
    assert [name for name, _, description in settings_table() if not description] == []
    assert {name for name, _, _ in settings_table()} == set(variables())


def test_a_public_host_with_an_underscore_is_refused() -> None:
    with pytest.raises(ValidationError, match="without an underscore"):
        Settings(public_url="https://my_leads.example.com")


def test_staff_come_by_the_public_address_unless_they_have_their_own() -> None:
    assert Settings(public_url="https://leads.acme.example").staff_url == "https://leads.acme.example"
    assert Settings(staff_url="http://127.0.0.1:8082/").staff_url == "http://127.0.0.1:8082"
    assert Settings(staff_url="https://staff.acme.example").staff_url == "https://staff.acme.example"


def test_staff_do_not_sign_in_plainly_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = lines(monkeypatch, SPEEDLEAD_STAFF_URL="http://staff.acme.example")
    assert found.startswith("SPEEDLEAD_STAFF_URL: expected https, or this machine such as http://127.0.0.1:8082, got")


def test_the_manual_lists_every_setting_as_it_is() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    rows = [line for line in manual.splitlines() if line.startswith("| `")]
    expected = [(name, f"`{default}`" if default else "", what) for name, default, what in settings_table()]
    assert rows == [f"| `{name}` | {default} | {what} |" for name, default, what in expected]
