"""Look up known vulnerabilities of the installed packages: `python -m tools.audit`, which needs pip-audit.

The exit code is 1 where a fixed version exists. A failed lookup prints a line and exits with 0, because a checkout must
pass its tests without a network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PATIENCE = 300  # seconds
TOOLS = ("pip", "setuptools", "wheel")  # parts of the environment that blocs does not use


def run_audit() -> dict[str, Any] | None:
    """The report of pip-audit on this environment; None where the lookup failed."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
        return dict(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return None


def verdict(found: dict[str, Any] | None) -> tuple[list[str], int]:
    """The lines to print and the exit code."""
    packages = found["dependencies"] if found else []
    asked = [package for package in packages if "vulns" in package and package["name"] not in TOOLS]
    if not asked:
        return ["vulnerabilities: could not be looked up"], 0
    lines = [f"vulnerabilities: {len(asked)} of {len(packages)} packages looked up"]
    code = 0
    for package in asked:
        for one in package["vulns"]:
            fixes = ", ".join(one["fix_versions"])
            lines.append(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixes or 'no version yet'}")
            code = 1 if fixes else code
    return lines, code


if __name__ == "__main__":
    output, status = verdict(run_audit())
    print("\n".join(output))
    sys.exit(status)
