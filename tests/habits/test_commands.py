"""What the README tells a newcomer to type is what the checks run, letter for letter."""

from __future__ import annotations

import re
import tomllib

from documentation import fenced_commands
from repository import ROOT

README = fenced_commands(ROOT / "README.md")
RUN = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def one_command(ending: str) -> str:
    (command,) = [line for line in README if line.endswith(ending)]
    return command


def test_the_readme_installs_and_tests_with_one_command() -> None:
    assert one_command("pytest") == 'pip install ".[test]" && pytest'


def test_the_readme_installs_and_runs_the_main_job_with_one_command() -> None:
    assert one_command("ngdb demo") == 'pip install ".[text]" && ngdb demo'


def test_ci_run_runs_the_readmes_test_command() -> None:
    assert one_command("pytest") in [line.strip() for line in RUN.splitlines()]


def test_the_workflow_runs_both_commands() -> None:
    steps = re.findall(r"^ +run: (.+)$", WORKFLOW, re.M)
    assert {one_command("pytest"), one_command("ngdb demo")} <= set(steps)


def test_the_workflow_runs_ci_run() -> None:
    assert re.search(r"^ +- run: bash \.ci/run$", WORKFLOW, re.M)


def test_the_workflow_tests_the_pythons_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    matrix = re.search(r"^ +python: \[(.+)\]$", WORKFLOW, re.M)
    assert matrix
    assert re.findall(r"3\.\d+", matrix[1]) == declared


def test_nothing_is_released_until_a_person_enables_it() -> None:
    release = WORKFLOW.partition("\n  release:\n")[2]
    assert release.lstrip().startswith("if: vars.RELEASE_ENABLED == 'true'")
