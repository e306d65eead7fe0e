"""Environments beside that of the tests: another Python, other versions, nothing but the wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = (sys.executable, "-m", "uv")


def find_python(version: str) -> str:
    """A Python of a version, such as 3.13: of this process, on the path, or installed by pyenv; skips without one."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for one in (sys.executable, shutil.which(f"python{version}"), *pyenv):
        command = [str(one), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if one and subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == version:
            return str(one)
    pytest.skip(f"there is no Python {version}")


def build_wheel(folder: Path) -> Path:
    """Build the wheel from these sources."""
    subprocess.run([*UV, "build", "-q", "--wheel", "--out-dir", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


def make_environment(folder: Path, python: str, *packages: str | Path) -> Path:
    """Make an environment with these packages and what they need, and no more; its folder of commands."""
    subprocess.run([*UV, "venv", "-q", "--seed", "--python", python, folder], check=True)
    subprocess.run([*UV, "pip", "install", "-q", "--python", folder / "bin" / "python", *packages], check=True)
    return folder / "bin"
