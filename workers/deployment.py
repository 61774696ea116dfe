"""Which code this worker runs, told to Temporal: worker versioning (docs/adr/0013)."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

DEPLOYMENT = "speedlead"
# what decides which commands a lead's workflow gives
WORKFLOW_CODE = ("workflows", "speedlead/domain", "speedlead/contracts", "speedlead/ids.py")
_ROOT = Path(__file__).parents[1]


@cache
def build_id() -> str:
    """The release and a digest of its workflow code, such as `0.1.0-3f9a2c81d4e0`; the same on every host."""
    digest = hashlib.sha256()
    for room in WORKFLOW_CODE:
        path = _ROOT / room
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(str(file.relative_to(_ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{version('speedlead')}-{digest.hexdigest()[:12]}"


def deployment_config() -> WorkerDeploymentConfig:
    """Open leads go on under the version that is current: a lead lives a week, and no worker is kept that long."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT, build_id()),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
