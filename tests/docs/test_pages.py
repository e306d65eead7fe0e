"""Every page works for a stranger: each block of code, in its order, in an environment with nothing but the wheel."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from environments import build_wheel, find_python, make_environment

from sim.cli import cli
from tests.docs.follow import (
    ELSEWHERE,
    LANGUAGES,
    REPOSITORY,
    ROOT,
    blocks,
    follow_here,
    provide,
    provide_years,
    shorten,
    write_file,
)

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
WITH_CODE = [page for page in PAGES if any(language in ("sh", "python") for language, _ in blocks(page))]
QUICK = (
    "answers",
    "import",
    "scenarios",
)  # followed here; other tests follow the tutorial, its lesson and the pages on tools
RUNNING = """
import json, subprocess, sys
names = {"__name__": "page"}
for language, text in json.load(sys.stdin):
    print(">>>", text, flush=True)
    if language == "python":
        exec(compile(text, "page", "exec"), names)
    else:
        subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True, stdin=subprocess.DEVNULL)
"""
SERVING = """
blocs app --no-browser --port {port} & app=$!
python - <<'END'
import time, urllib.request
for _ in range(120):
    try:
        page = urllib.request.urlopen("http://127.0.0.1:{port}/").read()
        break
    except OSError:
        time.sleep(0.5)
assert b"<html" in page.lower()
END
kill -INT $app; wait $app || [ $? = 130 ]
"""
SCHEDULER = """
dask scheduler --host 127.0.0.1 --port {port} --no-dashboard & trap 'kill $(jobs -p)' EXIT
dask worker tcp://127.0.0.1:{port} --nthreads 1 --no-dashboard --local-directory /tmp &
"""
SRUN = '#!/bin/bash\nexec "$@"\n'
NODE = {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "1", "SLURM_ARRAY_TASK_ID": "1", "JOB_COMPLETION_INDEX": "0"}


def test_languages_of_blocks() -> None:
    """A block in another language would run nowhere."""
    for page in PAGES:
        assert {language for language, _ in blocks(page)} <= {*LANGUAGES}, page.name
        fences = re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.M)
        assert len(fences) == 2 * len(blocks(page)), page.name
    assert REPOSITORY.keys() <= {page.stem for page in WITH_CODE}
    assert all(any(words in text for _, text in blocks(PAGES[0])) for words in ELSEWHERE)


def options_of(words: list[str]) -> set[str] | None:
    """The options of the command that the words begin with; None where they name no command."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if command is cli:
        return None
    return {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"--help"}


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != "migration"], ids=lambda page: page.stem)
def test_commands_in_sentences(page: Path) -> None:
    """Every command that a sentence names exists, with its options; so does every module that it runs."""
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"`blocs ([^`\n]+)`", text):
        words = line.replace("…", "").split()
        known = {"--version", "--help"} if words[0] in ("COMMAND", "--help", "--version") else options_of(words)
        assert known, line
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, line
    for name in re.findall(r"python -m ((?:tools|benchmarks)[\w.]*)", text):
        assert importlib.util.find_spec(name), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_paths_in_sentences(page: Path) -> None:
    """Every file and folder of the project that a sentence names exists."""
    for path in re.findall(
        r"`((?:sim|tests|tools|scenarios|docs|benchmarks|findings)/[\w./]+)`", page.read_text("utf-8")
    ):
        assert (ROOT / path).exists() or (ROOT / f"{path.rstrip('/')}.py").exists(), path


@pytest.mark.second
@pytest.mark.parametrize("page", [page for page in WITH_CODE if page.stem in QUICK], ids=lambda page: page.stem)
def test_page_in_this_process(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    provide(tmp_path)
    assert follow_here(page, tmp_path)


@functools.cache
def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from these sources."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of caches, so that the rules are compiled once for all pages."""
    return tmp_path_factory.mktemp("home")


def steps(page: Path, folder: Path, wheel: Path) -> Iterator[tuple[str, str]]:
    """The blocks of a page as they run in a folder of this machine, after the first command of README."""
    if "demo/results" in str(blocks(page)) and page.stem != "README":
        yield "sh", shorten("blocs demo")
    for language, text in blocks(page):
        if language == "toml":
            write_file(folder, text)
        if language == "yaml":
            args = re.search(r">-\n(.*?)\n *env:", text, re.S)
            assert args, page
            language, text = "sh", " ".join(args[1].split()).removeprefix("exec ")
        if language in ("sh", "python") and not any(words in text for words in ELSEWHERE):
            text = shorten(text).replace("pip install -q .", f"pip install -q {shlex.quote(str(wheel))}")
            text = re.sub(
                r"pip install -q '\.(\[\w+\])'",
                lambda extra: f"pip install -q {shlex.quote(f'{wheel}{extra[1]}')}",
                text,
            )
            text = re.sub(r"^blocs app.*$", lambda _: SERVING.format(port=free_port()), text, flags=re.M)
            text = text.replace("/shared", str(folder)).replace("ib0", "lo")
            if "dask-scheduler" in text:
                text = SCHEDULER.format(port=free_port()) + text.replace(
                    "dask-scheduler:8786", f"127.0.0.1:{free_port()}"
                )
            yield language, text


@pytest.mark.long
@pytest.mark.parametrize("page", [p for p in WITH_CODE if p.stem not in REPOSITORY], ids=lambda page: page.stem)
def test_page_in_bare_environment(page: Path, tmp_path: Path, wheel: Path, home: Path) -> None:
    """Needs the network, for the packages that a page installs."""
    python = find_python("3.12") if page.stem == "ema_workbench" else sys.executable
    bare = make_environment(tmp_path / "bare", python, wheel)
    folder = tmp_path / "work"
    folder.mkdir()
    provide(folder)
    if page.stem in ("README", "validation"):
        provide_years(folder)
    srun = bare / "srun"
    srun.write_text(SRUN, encoding="utf-8")
    srun.chmod(0o755)
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PY", "VIRTUAL", "BLOCS"))}
    environment = others | NODE | {"PATH": f"{bare}:/usr/bin:/bin", "XDG_CACHE_HOME": str(home)}
    log = tmp_path / "log.txt"
    with log.open("w") as out:
        done = subprocess.run(
            [bare / "python", "-c", RUNNING], input=json.dumps([*steps(page, folder, wheel)]), text=True,
            cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    assert done.returncode == 0, log.read_text(encoding="utf-8")[-4000:]
