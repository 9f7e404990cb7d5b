"""Installs a wheel into empty environments, one after another, and tries it in each.

    python tools/try_wheel.py dist/enformer_vep-*.whl [--list] [--only CASE...] [--demo DIR]

The cases are, for each supported Python that is here, the newest versions of all dependencies and the lowest that the
wheel's metadata allow; and each extra alone, with its newest and its lowest versions. tools/wheel_checks.py says what
is tried in an environment. Extras that cannot be tried, or are tools for developers, are only resolved. Each
environment is deleted once it was tried. Needs the extra `release`; an environment takes 2 GB, with PyTorch 6 GB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

CHECKS = Path(__file__).with_name("wheel_checks.py")
RESOLVED_ONLY = ("dev", "docs", "gpu", "release", "test")
"""Extras that no check tries: gpu needs a GPU, and the others are for work in a checkout."""
EXTRAS_PYTHON = "3.12"
ALWAYS_SHOWN = ("tensorflow", "numpy", "protobuf")


class TrialError(Exception):
    """A case did not pass."""


@dataclass(frozen=True)
class Case:
    """An environment.

    Attributes:
      python: version, such as 3.12.
      versions: which versions of the dependencies.
      extra: what is installed beside the package, None for nothing.
    """

    python: str
    versions: Literal["newest", "lowest"]
    extra: str | None = None

    @property
    def name(self) -> str:
        return f"{self.extra or self.python}-{self.versions}"


@dataclass(frozen=True)
class Wheel:
    """A wheel and what its metadata say."""

    path: Path
    metadata: Message

    @classmethod
    def open(cls, path: Path) -> "Wheel":
        with zipfile.ZipFile(path) as file:
            (name,) = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
            return cls(path.resolve(), Parser().parsestr(file.read(name).decode()))

    def pythons(self) -> list[str]:
        words = "Programming Language :: Python :: 3."
        return [line.rpartition(" ")[2] for line in self.metadata.get_all("Classifier", []) if line.startswith(words)]

    def extras(self) -> list[str]:
        return self.metadata.get_all("Provides-Extra", [])

    def requirements(self, python: str, extra: str | None) -> list[Requirement]:
        """Returns what an environment must have, without markers."""
        found = []
        for line in self.metadata.get_all("Requires-Dist", []):
            needed = Requirement(line)
            values = {"python_version": python, "python_full_version": f"{python}.0", "extra": extra or ""}
            if needed.marker is None or needed.marker.evaluate(values):
                needed.marker = None
                found.append(needed)
        return found

    def cases(self) -> list[Case]:
        versions: tuple[Literal["newest", "lowest"], ...] = ("newest", "lowest")
        plain = [Case(python, which) for python in self.pythons() for which in versions]
        return plain + [
            Case(EXTRAS_PYTHON, which, extra)
            for extra in self.extras()
            for which in (versions if extra not in RESOLVED_ONLY else versions[:1])
        ]


def find_python(version: str) -> str | None:
    """Returns the path of a Python of a version, on PATH or of pyenv; None if there is none that starts."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in (f"python{version}", *sorted(map(str, pyenv.glob(f"{version}.*/bin/python")))):
        try:
            done = subprocess.run([python, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return done.stdout.strip()
    return None


def uv(*words: str) -> str:
    """Runs uv, and returns its standard output."""
    command = [sys.executable, "-m", "uv", "--quiet", "--no-python-downloads", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TrialError(f"uv {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def install(wheel: Wheel, case: Case, python: str, folder: Path) -> Path:
    """Makes the environment of a case; returns its Python."""
    environment = folder / "environment"
    uv("venv", "--python", python, str(environment))
    inside = environment / "bin" / "python"
    words = ["pip", "install", "--python", str(inside)]
    words.append(str(wheel.path) + (f"[{case.extra}]" if case.extra else ""))
    if case.versions == "lowest":
        # The lowest of what is asked for directly, among the versions that have a wheel for this Python.
        needed = wheel.requirements(case.python, case.extra)
        direct = folder / "lowest.txt"
        direct.write_text("".join(f"{one}\n" for one in needed))
        words += [word for one in needed for word in ("--only-binary", one.name)]
        words += ["--resolution", "lowest-direct", "--requirement", str(direct)]
    if case.extra in RESOLVED_ONLY:
        words.append("--dry-run")
    uv(*words)
    return inside


def try_out(case: Case, python: Path, folder: Path, demo: Path) -> None:
    """Runs the check of a case in an empty folder with an empty home."""
    for name in ("home", "work"):
        (folder / name).mkdir()
    uv("pip", "check", "--python", str(python))
    check = case.extra or "package"
    done = subprocess.run(
        [str(python), str(CHECKS), check, str(demo)],
        cwd=folder / "work",
        env={"HOME": str(folder / "home"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise TrialError(done.stdout)
    left = {path.name for path in (folder / "home").iterdir()} - {".keras"}  # in which Keras notes its settings
    if check == "package" and left:
        raise TrialError(f"the demo left files in an empty home: {sorted(left)}")


def versions_of(wheel: Wheel, case: Case, python: Path) -> str:
    """Returns the versions that a row of the table shows: all direct ones if they are the lowest."""
    listed = json.loads(uv("pip", "list", "--python", str(python), "--format", "json"))
    found = {entry["name"].lower().replace("_", "-"): entry["version"] for entry in listed}
    plain = {needed.name for needed in wheel.requirements(case.python, None)}
    needed_names = [needed.name for needed in wheel.requirements(case.python, case.extra)]
    shown = [*ALWAYS_SHOWN, *(name for name in needed_names if case.extra and name not in plain)]
    if case.versions == "lowest" and case.extra is None:
        shown += [name for name in needed_names if name not in ALWAYS_SHOWN]
    keys = list(dict.fromkeys(name.lower().replace("_", "-") for name in shown))
    return ", ".join(f"{name} {found[name]}" for name in keys if name in found)


def try_case(wheel: Wheel, case: Case, demo: Path) -> tuple[str, str]:
    """Returns a case's result and its versions or what went wrong."""
    python = find_python(case.python)
    if python is None:
        return "no Python", f"there is no Python {case.python} on PATH or in pyenv's folder"
    with tempfile.TemporaryDirectory(prefix=f"try-wheel-{case.name}-") as name:
        folder = Path(name)
        try:
            inside = install(wheel, case, python, folder)
            if case.extra in RESOLVED_ONLY:
                return "resolved", f"on Python {case.python}, not installed"
            try_out(case, inside, folder, demo)
            return "passed", versions_of(wheel, case, inside)
        except TrialError as error:
            return "FAILED", str(error)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--only", nargs="+", metavar="CASE", help="cases to try, of those that --list prints")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--demo", type=Path, metavar="DIR", help="the demo's files, to try extras without making them")
    given = parser.parse_args()
    if not zipfile.is_zipfile(given.wheel):
        parser.error(f"{given.wheel} is not a wheel: build one with make dist")
    wheel = Wheel.open(given.wheel)
    cases = {case.name: case for case in wheel.cases()}
    if given.list:
        print(*cases, sep="\n")
        return 0
    if unknown := set(given.only or ()) - set(cases):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; --list prints all")
    with tempfile.TemporaryDirectory(prefix="try-wheel-demo-") as name:
        made = Path(name) / "demo"
        demo = given.demo.resolve() if given.demo else made
        chosen = [cases[name] for name in given.only or cases]
        if given.demo is None and chosen[0].extra and any(case.extra not in RESOLVED_ONLY for case in chosen):
            chosen.insert(0, Case(EXTRAS_PYTHON, "newest"))  # which writes the demo that extras are tried on
        results = []
        for case in chosen:
            start = time.monotonic()
            result, detail = try_case(wheel, case, demo if case.extra else made)
            results.append(result)
            print(f"{case.name:22} {result:10} {time.monotonic() - start:5.0f} s  {detail}", flush=True)
    print(f"{results.count('passed')} passed, {results.count('FAILED')} failed, of {len(results)} cases")
    return 1 if "FAILED" in results else 0


if __name__ == "__main__":
    raise SystemExit(main())
