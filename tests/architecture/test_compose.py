"""The files for production fit the schema, each other and the code."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from speedlead.cli import LONGEST_STOP_S
from speedlead.embedded.temporal_server import DYNAMIC_CONFIG, RETENTION
from speedlead.gateway.guards import origins
from speedlead.secret_files import SUFFIX
from speedlead.settings import PREFIX, Settings, secret_file_variables, variables
from workers import beat
from workers.registry import QUEUES
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
    one_time = {"temporal-database", "temporal-namespace", "migrate", "promote"}
    assert {name for name, service in services.items() if "healthcheck" not in service} == one_time | {"temporal-ui"}


def test_no_secret_stands_in_an_environment(services: dict[str, Any]) -> None:
    files = {variable: variable.removesuffix(SUFFIX) for variable in secret_file_variables()}
    secret = set(files.values()) - {PREFIX + "DATABASE_URL"}
    for name, service in services.items():
        environment = service.get("environment", {})
        assert not secret & set(environment), name
        for key, value in environment.items():
            if re.search(r"PASSWORD|PWD|TOKEN|API_KEY(?!_SID)|SECRET", key):
                # a file of this service's own secrets; an optional one is named in .env
                assert re.fullmatch(r"/run/secrets/\w+|\$\{[A-Z_]+_FILE:-\}", value), f"{name}: {key}"
                if value.startswith("/run/secrets/"):
                    assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {key}"
    url = services["gateway"]["environment"]["SPEEDLEAD_DATABASE_URL"]
    assert re.fullmatch(r"\$\{SPEEDLEAD_DATABASE_URL:-postgresql://speedlead@postgres:5432/speedlead\}", url)


def test_every_secret_is_a_file_that_the_script_makes(services: dict[str, Any], tmp_path: Path) -> None:
    secrets = yaml.safe_load(COMPOSE.read_text())["secrets"]
    used = {name for service in services.values() for name in service.get("secrets", [])}
    assert used == set(secrets)
    script = tmp_path / "make-secrets.sh"
    script.write_text((DEPLOY / "make-secrets.sh").read_text())
    said = subprocess.run(["sh", script], check=True, capture_output=True, text=True).stdout
    made = {f"./deploy/secrets/{path.name}": path for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == {secret["file"] for secret in secrets.values()}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    passwords = {name: path.read_text() for name, path in made.items() if name.endswith("_password")}
    assert len(set(passwords.values())) == 3
    assert all(re.fullmatch("[0-9a-f]{48}", text) for text in passwords.values())
    assert "still empty: deploy/secrets/twilio_auth_token\n" in said
    subprocess.run(["sh", script], check=True, capture_output=True)
    assert passwords == {name: made[name].read_text() for name in passwords}, "a second run changed a password"


def test_every_variable_is_a_setting(services: dict[str, Any]) -> None:
    known = {*variables(), *secret_file_variables()}
    for name in ("migrate", "gateway", "worker", "worker-messages", "worker-voice"):
        given = set(services[name]["environment"])
        assert given <= known, f"{name}: {given - known}"
        # a real account, whole, so that nothing ends in the sandbox
        assert {
            PREFIX + "TWILIO_ACCOUNT_SID",
            PREFIX + "TWILIO_AUTH_TOKEN_FILE",
            PREFIX + "SENDGRID_API_KEY_FILE",
        } <= given


def test_a_setting_that_the_file_does_not_name_reaches_every_process_by_the_same_file(services: dict[str, Any]) -> None:
    ours = {name for name, service in services.items() if "SPEEDLEAD_DATABASE_URL" in service.get("environment", {})}
    assert ours == {"migrate", "gateway", "worker", "worker-messages", "worker-voice", "promote"}
    for name in ours:
        assert services[name]["env_file"] == [{"path": ".env", "required": False}], name
    # what stands in .env for the file alone must have another prefix: our processes refuse names that they do not know
    alone = {*re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text())} - {*variables(), *secret_file_variables()}
    assert alone == {"IMAGE_VERSION", "PUBLIC_PORT"}


def test_every_setting_that_holds_a_secret_can_be_a_file(services: dict[str, Any]) -> None:
    held = {name.removeprefix(PREFIX).removesuffix(SUFFIX).lower() for name in secret_file_variables()}
    of_its_own = {"database_url", "database_password"}  # the address holds none; the file's own name says whose it is
    assert held - of_its_own <= set(services["gateway"]["secrets"])


# the link of `account add` is opened, and a page is asked for, under the same name
def test_staff_reach_the_pages_and_the_temporal_ui_reaches_the_codec(services: dict[str, Any]) -> None:
    default = "http://127.0.0.1:8082"
    for name in ("gateway", "worker", "promote"):
        staff = services[name]["environment"]["SPEEDLEAD_STAFF_URL"]
        assert staff == f"${{SPEEDLEAD_STAFF_URL:-{default}}}"
    settings = Settings(http_host="0.0.0.0", public_url="https://leads.acme.example", staff_url=default,
                        trusted_proxies=["172.30.99.0/24"])  # fmt: skip
    assert default in origins(settings)
    assert "127.0.0.1:8082:8082" in services["edge"]["ports"]
    ui = services["temporal-ui"]
    assert ui["environment"]["TEMPORAL_CODEC_ENDPOINT"] == f"{staff}/codec"
    # another host name, or another scheme, is another site: the session's cookie would stay behind
    ui_url = services["gateway"]["environment"]["SPEEDLEAD_TEMPORAL_UI_URL"]
    assert ui_url == "${SPEEDLEAD_TEMPORAL_UI_URL:-http://127.0.0.1:8233}"
    assert ui["ports"] == ["127.0.0.1:8233:8080"]
    # the staff's listener gives everything on; the public one does not
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert re.search(r"^:8082 \{\n\timport gateways\n\}", caddy, re.MULTILINE)


def test_every_task_queue_has_a_worker(services: dict[str, Any]) -> None:
    commands = [service["command"] for name, service in services.items() if name.startswith("worker")]
    served = [queue for _, option, queues in commands for queue in queues.split(",") if option == "--queues"]
    assert sorted(served) == sorted(QUEUES)


def test_a_worker_is_asked_by_the_file_that_it_touches(services: dict[str, Any]) -> None:
    tests = {str(service["healthcheck"]["test"]) for name, service in services.items() if name.startswith("worker")}
    [test] = tests
    assert f"/tmp/{beat.FILE.name} -mmin -1" in test
    assert beat.EVERY_S < 30


def test_versioned_workers_are_promoted(services: dict[str, Any]) -> None:
    """Nobody works on a lead for workers that say their version and were not promoted."""
    versioned = {n for n, s in services.items() if "SPEEDLEAD_WORKER_VERSIONING" in s.get("environment", {})}
    assert versioned == {name for name in services if name.split("-")[0] == "worker"}
    assert services["promote"]["command"][:2] == ["worker", "promote"]
    assert set(services["promote"]["depends_on"]) == versioned


def test_everything_has_limits_and_time_to_stop(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        if "SPEEDLEAD_DATABASE_URL" in service.get("environment", {}):
            assert int(service["stop_grace_period"].removesuffix("s")) > LONGEST_STOP_S


def test_a_gateway_has_room_for_a_million_leads_in_columns(services: dict[str, Any]) -> None:
    """They have a limit of their own (1 GB); the rest is for the process and what it gives out."""
    assert int(services["gateway"]["deploy"]["resources"]["limits"]["memory"].removesuffix("m")) >= 1536


def test_nothing_can_take_more_rights_or_fill_the_machine(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["logging"]["options"]["max-file"], name
    more = {name: set(service["cap_add"]) for name, service in services.items() if "cap_add" in service}
    assert more == {"edge": {"NET_BIND_SERVICE"}, "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}}


def test_an_outside_server_is_left_out_by_its_profile(services: dict[str, Any]) -> None:
    profile = {name: service.get("profiles", ["always"])[0] for name, service in services.items()}
    assert set(profile.values()) == {"always", "postgres", "temporal"}
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            # whoever waits for what may be left out says so
            assert profile[other] in ("always", profile[name]) or how["required"] is False, f"{name} waits for {other}"


def test_the_example_names_everything_that_must_be_set() -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE.read_text()))
    lines = (DEPLOY / "example.env").read_text().splitlines()
    named = {line.split("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    assert named == required | {"COMPOSE_PROFILES"}
    assert [line for line in lines if re.match(r"[A-Z_]+=.", line)] == ["COMPOSE_PROFILES=postgres,temporal"]


def test_only_the_proxy_is_reached_from_outside(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    # plain http leaves this machine only where somebody says so
    assert published == ["127.0.0.1:8233:8080", "${PUBLIC_PORT:-127.0.0.1:8081}:8081", "127.0.0.1:8082:8082"]
    assert "ports" not in services["gateway"]
    subnet = yaml.safe_load(COMPOSE.read_text())["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert services["gateway"]["environment"]["SPEEDLEAD_TRUSTED_PROXIES"].split(",")[0] == subnet
    assert [name for name, service in services.items() if "front" in service.get("networks", [])] == ["gateway", "edge"]
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
            assert not source.startswith(".") or (ROOT / source).exists(), source


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


def test_a_sender_always_meets_the_same_gateway() -> None:
    """The limits per address are counted in each gateway."""
    proxies = re.findall(r"reverse_proxy \{(.+?)\n\t\}", (DEPLOY / "Caddyfile").read_text(), re.DOTALL)
    assert len(proxies) == 1
    assert "lb_policy client_ip_hash" in proxies[0]
    # without it the same gateway is tried again and again while it stops
    assert "fail_duration" in proxies[0]


def test_the_image_is_built_from_hashes_and_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    assert 'PYTHONTZPATH=""' in text
    allowed = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE) for name in line.split()}
    assert copied == allowed
