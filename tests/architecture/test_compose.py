"""The files for production fit the schema, each other and the code."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from speedlead.embedded.temporal_server import DYNAMIC_CONFIG, RETENTION
from speedlead.settings import PREFIX, variables
from workflows.attributes import ATTRIBUTES

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return dict(loaded["services"])


def validate(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [program, "--builtin-schema", "vendor.compose-spec", file]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_file_follows_the_compose_specification() -> None:
    done = validate(COMPOSE)
    assert done.returncode == 0, done.stdout


def test_the_check_can_fail(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "healthchek:"))
    assert validate(wrong).returncode == 1


def test_services_wait_for_services_that_exist_and_can_be_waited_for(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for the health of {other}"


def test_every_service_that_stays_up_says_whether_it_is_healthy(services: dict[str, Any]) -> None:
    one_time = {"temporal-database", "temporal-namespace", "migrate"}
    assert {name for name, service in services.items() if "healthcheck" not in service} == one_time | {"temporal-ui"}


def test_no_secret_is_written_down(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|PWD|TOKEN|API_KEY|SECRET", key):
                assert re.fullmatch(r"\$\{[A-Z_]+:(\?[^}]+|-)\}", value), f"{name}: {key}"
    url = services["gateway"]["environment"]["SPEEDLEAD_DATABASE_URL"]
    assert re.search(r"://speedlead:\$\{SPEEDLEAD_DB_PASSWORD:\?[^}]+\}@", url)


def test_every_variable_is_a_setting(services: dict[str, Any]) -> None:
    for name in ("migrate", "gateway", "worker"):
        given = set(services[name]["environment"])
        assert given <= set(variables()), f"{name}: {given - set(variables())}"
    # a real account, whole, so that nothing ends in the sandbox
    assert {PREFIX + "TWILIO_ACCOUNT_SID", PREFIX + "TWILIO_AUTH_TOKEN", PREFIX + "SENDGRID_API_KEY"} <= given


def test_the_example_names_everything_that_must_be_set() -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE.read_text()))
    lines = (DEPLOY / "example.env").read_text().splitlines()
    assert {line.split("=")[0] for line in lines if "=" in line and not line.startswith("#")} == required
    assert [line for line in lines if re.match(r"[A-Z_]+=.", line)] == []


def test_only_the_proxy_is_reached_from_outside(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == ["${SPEEDLEAD_PUBLIC_PORT:-8081}:8081"]
    assert services["edge"]["network_mode"] == "service:gateway"
    public = re.search(r"@public path (.+)", (DEPLOY / "Caddyfile").read_text())
    assert public is not None
    paths = public[1].split()
    assert not {"/rep", "/rep*", "/ops", "/ops*", "/leads/*", "/*", "*"} & set(paths)


def test_postgres_keeps_its_data_where_version_18_looks_for_it(services: dict[str, Any]) -> None:
    assert services["postgres"]["image"] == "postgres:18"
    assert "postgres-data:/var/lib/postgresql" in services["postgres"]["volumes"]


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).is_file(), source


def test_the_namespace_gets_what_the_embedded_server_gets() -> None:
    script = (DEPLOY / "temporal" / "prepare-namespace.sh").read_text()
    assert dict(re.findall(r"^attribute (\w+) (\w+)$", script, re.MULTILINE)) == ATTRIBUTES
    assert set(re.findall(r"--retention (\S+)", script)) == {RETENTION}


def test_the_server_gets_the_dynamic_config_of_the_embedded_one() -> None:
    loaded = yaml.safe_load((DEPLOY / "temporal" / "dynamicconfig.yaml").read_text())
    assert {f"{key}={str(rows[0]['value']).lower()}" for key, rows in loaded.items()} == set(DYNAMIC_CONFIG)


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_valid_and_executable(script: Path) -> None:
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    assert script.stat().st_mode & 0o111


def test_the_image_is_built_from_hashes_and_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    assert 'PYTHONTZPATH=""' in text
    allowed = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE) for name in line.split()}
    assert copied == allowed
