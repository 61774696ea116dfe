"""Who may import whom, and where clocks, randomness and the environment may be read (docs/adr, CONTRIBUTING)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("speedlead", "workflows", "activities", "workers")
PURE = (
    "speedlead.domain",
    "speedlead.contracts",
    "speedlead.ids",
    "speedlead.ports",
    "speedlead.records",
    "speedlead.lead_rows",
    "speedlead.plan_shelf",
)

# room -> (what of ours it may import, what of others it may import beside the standard library)
ALLOWED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "speedlead/domain": (("speedlead.domain",), ("pydantic",)),
    "speedlead/contracts": (("speedlead.domain", "speedlead.contracts"), ("pydantic",)),
    "speedlead/ids.py": ((), ()),
    "speedlead/ports.py": ((*PURE,), ()),
    "speedlead/foresight.py": ((*PURE, "speedlead.composer", "speedlead.times"), ()),
    # what is reckoned of money, and of leads played once more, is pure as well
    **{
        f"speedlead/roi/{name}.py": (("speedlead.roi",), ())
        for name in ("currencies", "curve", "inputs", "reckon", "checks")
    },
    "speedlead/whatif/erlang.py": ((), ()),
    "speedlead/whatif/replay.py": (("speedlead.foresight",), ()),
    "speedlead/whatif/staffing.py": (("speedlead.domain", "speedlead.whatif"), ()),
    "speedlead/whatif/told.py": (("speedlead.whatif",), ()),
    "speedlead/whatif/work.py": (("speedlead.domain", "speedlead.foresight", "speedlead.whatif"), ()),
    "speedlead/records.py": ((*PURE,), ()),
    "speedlead/lead_rows.py": ((*PURE,), ()),
    "speedlead/plan_shelf.py": (("speedlead.domain",), ()),
    # activities are named there, to be scheduled; their ports come with them
    # what the Temporal UI says of a lead is made of the same words as its page
    "speedlead/telling.py": (("speedlead.domain", "speedlead.wording"), ()),
    "workflows": ((*PURE, "workflows", "activities", "speedlead.telling"), ("temporalio", "pydantic")),
    "activities": (
        (*PURE, "activities", "speedlead.composer", "speedlead.composing.segments", "speedlead.place_finder"),
        ("temporalio", "pydantic"),
    ),
}
# room -> what it must not import, whatever else
FORBIDDEN: dict[str, tuple[str, ...]] = {
    # zone data change while a lead sleeps: local time is the business of the activity `place` (docs/adr/0003)
    "workflows": (
        "speedlead.settings", "speedlead.store", "speedlead.providers", "speedlead.gateway", "zoneinfo",
        "speedlead.domain.calendar", "speedlead.domain.walltime",
    ),
    "activities": (
        "twilio", "sendgrid", "asyncpg", "aiohttp", "speedlead.store", "speedlead.providers", "speedlead.settings",
        "speedlead.gateway",
    ),
    # leads are reached through cadence_client; of twilio only the TwiML builders
    "speedlead/gateway": ("temporalio", "workflows", "activities", "workers", "twilio.rest", "sendgrid"),
    "speedlead/commands": ("temporalio", "workflows", "activities", "twilio", "sendgrid"),
    "speedlead/store": ("temporalio", "workflows", "activities", "workers", "twilio", "sendgrid"),
    "speedlead/assistant": ("temporalio", "workflows", "activities", "workers", "twilio", "speedlead.gateway"),
    "speedlead/roi": ("temporalio", "workflows", "activities", "workers", "speedlead.gateway"),
    "speedlead/numbers": ("temporalio", "workflows", "activities", "workers", "speedlead.gateway"),
    "speedlead/providers": ("temporalio", "workflows", "activities", "workers", "asyncpg", "speedlead.store"),
    "speedlead/sandbox": ("temporalio", "workflows", "activities", "workers", "asyncpg", "speedlead.store"),
}  # fmt: skip
# inside `domain`: whatever an answer could depend on beside its arguments
IMPURE_MODULES = ("os", "time", "random", "secrets", "socket", "subprocess", "asyncio", "threading")
IMPURE_CALLS = ("now", "utcnow", "today", "uuid1", "uuid4", "getenv", "open", "print", "input")
WALL_CLOCK_IN_SQL = re.compile(r"\b(now\(\)|current_timestamp|localtimestamp|current_date|clock_timestamp\(\))", re.I)


def files(room: str) -> list[Path]:
    path = ROOT / room
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, also inside functions; a submodule that is taken by name counts as itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield node.lineno, name if is_module(name) else node.module


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return name.split(".")[0] in OURS and (path.is_dir() or path.with_suffix(".py").is_file())


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def not_allowed(source: str, ours: tuple[str, ...], others: tuple[str, ...]) -> list[tuple[int, str]]:
    def fine(name: str) -> bool:
        top = name.split(".")[0]
        return within(name, ours) if top in OURS else top in sys.stdlib_module_names or within(name, others)

    return [(line, name) for line, name in imported(ast.parse(source)) if not fine(name)]


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    ours, others = ALLOWED[room]
    wrong = [(file.name, *found) for file in files(room) for found in not_allowed(file.read_text(), ours, others)]
    assert wrong == []


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_never_imports(room: str) -> None:
    assert files(room)
    wrong = [
        (file.name, line, name)
        for file in files(room)
        for line, name in imported(ast.parse(file.read_text()))
        if within(name, FORBIDDEN[room])
    ]
    assert wrong == []


def test_a_wrong_import_is_found() -> None:
    source = "def f():\n    from speedlead import settings\nimport twilio.rest\nimport speedlead.domain\nimport re\n"
    assert not_allowed(source, PURE, ()) == [(3, "twilio.rest"), (2, "speedlead.settings")]


@pytest.mark.parametrize("package", ["workflows", "activities"])
def test_packages_that_run_in_the_workflow_sandbox_have_an_empty_init(package: str) -> None:
    assert (ROOT / package / "__init__.py").read_bytes() == b""


def test_the_domain_has_no_clock_no_chance_and_no_environment() -> None:
    found = [(file.name, *wrong) for file in files("speedlead/domain") for wrong in impure(file.read_text())]
    assert found == []


def impure(source: str) -> list[tuple[int, str]]:
    tree = ast.parse(source)
    wrong = [(line, name) for line, name in imported(tree) if name.split(".")[0] in IMPURE_MODULES]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in IMPURE_CALLS:
                wrong.append((node.lineno, name))
    return wrong


def test_workflows_ask_nobody_but_temporal_for_time_and_chance() -> None:
    """They run outside the SDK's sandbox (workers/registry.py): what it would refuse is refused here."""
    for file in files("workflows"):
        source = file.read_text().replace("workflow.now()", "workflow_now").replace("import asyncio", "")
        assert [(file.name, *wrong) for wrong in impure(source)] == []


def test_neither_workflows_nor_the_domain_keep_state_in_a_module() -> None:
    for file in (*files("workflows"), *files("speedlead/domain")):
        assert not [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Global)], file


def test_a_clock_in_the_domain_is_found() -> None:
    assert impure("import os\nfrom datetime import datetime\nx = datetime.now()\ny = uuid4()\n") == [
        (1, "os"), (3, "now"), (4, "uuid4")]  # fmt: skip


def test_workflows_read_no_clock_but_the_workflows_own() -> None:
    wrong = []
    for file in files("workflows"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                wrong += [] if owner == "workflow" else [(file.name, node.lineno)]
    assert wrong == []


# ── business facts never take the database's clock ───────────────────────────────────────────────────────────────────


def strings(file: Path) -> Iterator[tuple[int, str]]:
    """Every SQL statement of a file, as one line each."""
    if file.suffix == ".sql":
        text = re.sub(r"--[^\n]*", "", file.read_text())
        yield from ((number, line) for number, line in enumerate(text.splitlines(), 1))
        return
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def clocks_of_business(statement: str) -> list[str]:
    """Uses of the server's clock for anything but a column that says `_wall`."""
    wrong = []
    for found in WALL_CLOCK_IN_SQL.finditer(statement):
        before = statement[: found.start()]
        column = re.search(r"(\w+)\s*(?:=|<|>|<=|>=)\s*$|^\s*(\w+) timestamptz\b[^,]*$", before)
        name = (column[1] or column[2]) if column else ""
        if not name.endswith("_wall"):
            wrong.append(found[0])
    return wrong


def test_business_facts_never_take_the_clock_of_the_database() -> None:
    sources = [file for room in OURS for kind in ("*.py", "*.sql") for file in sorted((ROOT / room).rglob(kind))]
    wrong = [
        (str(file.relative_to(ROOT)), line, *found)
        for file in sources
        for line, text in strings(file)
        if (found := clocks_of_business(text))
    ]
    assert wrong == []


def test_a_clock_for_a_business_fact_is_found() -> None:
    assert clocks_of_business("update lead set closed_at = now() where id = $1") == ["now()"]
    assert clocks_of_business("insert into story values ($1, clock_timestamp())") == ["clock_timestamp()"]
    assert clocks_of_business("update message set delivered_wall = clock_timestamp()") == []
    assert clocks_of_business("    published_wall timestamptz not null default now(),") == []


def test_every_contract_is_complete_before_a_worker_starts() -> None:
    """One that is completed at its first use, by several workflow threads at once, stays broken in the converter."""
    code = (
        "import workers.registry; from speedlead import contracts as c\n"
        "print([n for n, v in vars(c).items() if isinstance(v, type) and issubclass(v, c.Contract)"
        " and not v.__pydantic_complete__])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_what_an_extra_brings_is_imported_in_one_file_alone() -> None:
    """The image does not have it, and a house without an assistant must not need it."""
    extra = ("pydantic_ai", "openai", "anthropic")
    found = {
        str(file.relative_to(ROOT))
        for room in OURS
        for file in files(room)
        for _, name in imported(ast.parse(file.read_text()))
        if within(name, extra)
    }
    assert found == {"speedlead/assistant/pydantic_model.py"}
    assert loaded_at_the_start(extra) == "[]"


def test_what_only_big_houses_need_is_loaded_when_one_is_seen() -> None:
    """It takes 40 MB of each process, workers' too."""
    assert loaded_at_the_start(("duckdb",)) == "[]"


def loaded_at_the_start(names: tuple[str, ...]) -> str:
    """Those of `names` that a process has before it does anything."""
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys, speedlead.app; print([n for n in {names} if n in sys.modules])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout.strip()
