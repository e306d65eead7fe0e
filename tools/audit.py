"""Known vulnerabilities of the installed packages: `python -m tools.audit`, which needs pip-audit.

Exits with 1 where one is known and a version without it exists. What could not be looked up is said, and is no failure:
a checkout must pass its tests without a network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PATIENCE = 300  # seconds
TOOLS = ("pip", "setuptools", "wheel")  # of the environment, which blocs does not stand on


def audited() -> dict[str, Any] | None:
    """What pip-audit found in this environment; None where it could not ask."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
        return dict(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return None


def verdict(found: dict[str, Any] | None) -> tuple[list[str], int]:
    """Lines to print, and the exit code."""
    if found is None:
        return ["vulnerabilities: could not be looked up"], 0
    asked = [package for package in found["dependencies"] if "vulns" in package and package["name"] not in TOOLS]
    lines = [f"vulnerabilities: {len(asked)} of {len(found['dependencies'])} packages looked up"]
    code = 0
    for package in asked:
        for one in package["vulns"]:
            fixes = ", ".join(one["fix_versions"])
            lines.append(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixes or 'no version yet'}")
            code = 1 if fixes else code
    return lines, code


if __name__ == "__main__":
    told, status = verdict(audited())
    print("\n".join(told))
    sys.exit(status)
