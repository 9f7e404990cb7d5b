"""Runs whole commands on the demo, and compares all that they write with what another commit writes. No pytest test.

    python tests/net.py --base COMMIT [--cache DIR] [--only NAME ...] [--jobs N] [--fork] [--keep DIR]
    python tests/net.py --list         # the cases and their commands
    python tests/net.py --self-test    # shows that differences are noticed; takes a second

A case is a list of commands that run one after another in a folder of their own, once with the checkout that this
file is in and once with a worktree of COMMIT. Compared are the exit code, standard output and standard error of each
command, and every file in the folder:

- files of equal bytes are equal;
- Parquet: all bytes before the footer, the schema, row groups and metadata; of values that differ, the first is named;
- JSON (also in .npz, Parquet's metadata and the page of a report): item by item;
- text, also inside of .gz and in the header of BCF: line by line. Compressed bytes alone may not differ either;
- .npz: each array's type, shape and bytes;
- all else (bigWig, Zarr's chunks, PNG, PDF, indexes): byte for byte.

Where bytes differ, `scrub` takes the following out of text and JSON before it is compared, and nothing else:

- the path of the folder and of the checkout;
- dates with a time, as in "2026-11-30T21:09:25+00:00";
- durations: "in 3.4 s", "in 2 min" and "(0.4 s per allele)", but not estimates; JSON's items `seconds_...` and
  `alleles_per_second`;
- reports of progress, which a run makes each minute: "... alleles done ...", and `progress` in a log;
- JSON's `peak_memory_bytes`;
- the version of enformer-vep behind its name, and in the VCF header as `Version="..."`. Others are compared.

What the base writes is kept in the folder --cache, under its commit, the environment (CPU, Python, libraries
and variables that change numbers) and the case's commands. Only the command line and the public names of the package
are used, so that modules may move. Each command is a process of its own; with --fork, it is forked from one that has
loaded TensorFlow, which halves the time. What is loaded when is then not as it is for a user.
"""

import argparse
import atexit
import hashlib
import inspect
import json
import multiprocessing
import os
import platform
import resource
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.net_cases import CASES, VCFS, WRITE_DEMO, Step, script, write_inputs
from tests.net_comparison import compare_cases, read_side, self_test

CHECKOUT = Path(__file__).resolve().parents[1]

ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Two cases run at a time, and equal bits need equal numbers of threads."""

VARIABLES = {"LC_ALL": "C.UTF-8", "COLUMNS": "100", "MPLBACKEND": "agg"}

NUMERIC_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS")

PACKAGES = (
    "tensorflow numpy pandas pyarrow pysam pyfaidx click cloup matplotlib logomaker pyBigWig zarr h5py scikit-learn "
    "safetensors"
)
"""Those whose version changes numbers, files or messages."""


def run_step(step: Step, folder: Path, environment: dict[str, str], log: Path, *, is_forked: bool = False) -> int:
    """Runs a step in a folder; writes what it prints to LOG.stdout and LOG.stderr, and returns its exit code."""
    words = shlex.split(step.line)
    paths = folder / step.stdin if step.stdin else Path(os.devnull), Path(f"{log}.stdout"), Path(f"{log}.stderr")
    if is_forked:
        child = FORKSERVER.Process(target=_be_the_command, args=(step, words, folder, environment, paths))
        child.start()
        if step.stopped:
            _stop_after_a_part(child.pid, child.is_alive, folder / f"{step.stopped}.parts")
        child.join()
        return child.exitcode
    command = [sys.executable, *(["-c", step.line] if step.is_script else ["-m", "enformer_vep", *words])]
    with paths[0].open("rb") as stdin, paths[1].open("wb") as stdout, paths[2].open("wb") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=stdin, stdout=stdout, stderr=stderr)
    if step.stopped:
        _stop_after_a_part(process.pid, lambda: process.poll() is None, folder / f"{step.stopped}.parts")
    return process.wait()


FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(["tensorflow", "sonnet", "pandas", "pyarrow.parquet", "pysam", "tests.net_cases"])


def _be_the_command(
    step: Step, words: list[str], folder: Path, environment: dict[str, str], paths: tuple[Path, ...]
) -> None:
    """Makes a process that was forked what `python -m enformer_vep` would be."""
    for number, path in enumerate(paths):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY), number)
    sys.stdin = open(0)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    here = (str(CHECKOUT), str(CHECKOUT / "tests"))
    sys.path[:] = [environment["PYTHONPATH"], *(path for path in sys.path if path not in here)]
    sys.argv = ["enformer-vep", *words]
    try:
        if step.is_script:
            exec(compile(step.line, "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module("enformer_vep", run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()


def _stop_after_a_part(pid: int, is_alive: Callable[[], bool], parts: Path) -> None:
    """Holds a process as soon as a part is there, long before the next one, and ends it by SIGTERM."""
    while is_alive():
        if parts.is_dir() and any(name.startswith("part-") for name in os.listdir(parts)):
            for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):
                os.kill(pid, number)
            return
        time.sleep(0.01)


class Runner:
    """Runs cases with one checkout, in a folder for each."""

    def __init__(self, checkout: Path, folder: Path, *, is_forked: bool) -> None:
        self.checkout = checkout
        self.folder = folder
        self.is_forked = is_forked
        self._inputs = folder / "inputs"
        foreign = ("ENFORMER_VEP_", "PYTHON", "TF_CPP_")
        others = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self.environment = others | ONE_THREAD | VARIABLES | {"PYTHONPATH": str(checkout)}

    def write_inputs(self) -> None:
        self._inputs.mkdir(parents=True)
        log = self.folder / "demo"
        if run_step(script(WRITE_DEMO), self._inputs, self.environment, log):
            raise SystemExit(f"{self.checkout} cannot write the demo's files:\n{Path(f'{log}.stderr').read_text()}")
        write_inputs(self._inputs)

    def run(self, name: str, case: Sequence[Step], folder: Path) -> float:
        """Runs a case, which appears under `folder` when it is complete; returns how long it took."""
        begun = time.monotonic()
        work = self.folder / name
        files, log = work / "files", work / "log"
        shutil.copytree(self._inputs, files)
        log.mkdir()
        environment = self.environment | {"ENFORMER_VEP_CACHE": str(files / "cache")}
        for number, step in enumerate(case):
            code = run_step(step, files, environment, log / f"{number:02}", is_forked=self.is_forked)
            (log / f"{number:02}.exit_code").write_text(str(code))
        (work / "paths.json").write_text(json.dumps([[str(files), "<folder>"], [str(self.checkout), "<checkout>"]]))
        folder.parent.mkdir(parents=True, exist_ok=True)
        if work != folder:
            shutil.move(work, folder)
        return time.monotonic() - begun


def git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(CHECKOUT), *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    git("worktree", "add", "--detach", str(folder), commit)
    try:
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def environment_digest() -> str:
    """Identifies what equal bits need beside the commit: CPU, Python, packages, and variables of the libraries."""
    cpuinfo = Path("/proc/cpuinfo")  # on Linux
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else [platform.processor()]
    cpu = sorted({line for line in lines if line.startswith(("model name", "flags"))})
    packages = [f"{package} {version(package)}" for package in PACKAGES.split()]
    variables = [f"{name}={os.environ.get(name)}" for name in NUMERIC_VARIABLES]
    return digest(platform.python_version(), *cpu, str(os.cpu_count()), *packages, *variables)


def case_digest(case: Sequence[Step]) -> str:
    inputs = [WRITE_DEMO, str(VCFS), inspect.getsource(write_inputs), str(VARIABLES)]
    return digest(repr(case), *inputs)


def compare_commits(commit: str, names: Sequence[str], cache: Path, folder: Path, jobs: int, *, is_forked: bool) -> int:
    """Runs cases with both checkouts, prints a line for each; returns how many differ."""
    kept = {
        name: cache / f"{commit[:12]}-{environment_digest()}" / f"{name}-{case_digest(CASES[name])}" for name in names
    }
    missing = [name for name in names if not kept[name].is_dir()]
    new = Runner(CHECKOUT, folder / "new", is_forked=is_forked)
    new.write_inputs()
    num_different = 0

    def take(name: str) -> tuple[str, list[str], float]:
        seconds = new.run(name, CASES[name], folder / "new" / name)
        if name in missing:
            seconds += base.run(name, CASES[name], kept[name])
        return name, compare_cases(CASES[name], read_side(kept[name]), read_side(folder / "new" / name)), seconds

    with worktree(commit, folder / "checkout") if missing else _nothing(folder) as checkout:
        base = Runner(checkout, folder / "base", is_forked=is_forked)
        if missing:
            base.write_inputs()
        with ThreadPoolExecutor(jobs) as pool, _cancelling(pool):
            for future in as_completed([pool.submit(take, name) for name in names]):
                name, differences, seconds = future.result()
                num_different += bool(differences)
                num_files = len(read_side(kept[name]).names())
                result = f"{len(differences)} DIFFER" if differences else "equal"
                print(
                    f"{name:14} {result:10} {len(CASES[name])} commands, {num_files} files, {seconds:.0f} s", flush=True
                )
                for difference in differences:
                    print(f"    {difference}", flush=True)
    return num_different


@contextmanager
def _cancelling(pool: ThreadPoolExecutor) -> Iterator[None]:
    """Forgets the cases that wait, if this program is stopped."""
    try:
        yield
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise


@contextmanager
def _nothing(folder: Path) -> Iterator[Path]:
    yield folder


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares what whole commands write with what another commit writes.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--base", metavar="COMMIT", help="the commit to compare with")
    action.add_argument("--list", action="store_true", help="list the cases and their commands")
    action.add_argument("--self-test", action="store_true", help="show that differences are noticed")
    parser.add_argument(
        "--only", metavar="NAME", nargs="+", choices=CASES, default=list(CASES), help="these cases only"
    )
    parser.add_argument("--cache", metavar="DIR", type=Path, help="keep what the base writes in this folder")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="an empty folder: keep what was written there")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="cases that run at a time [default: 2]")
    parser.add_argument("--fork", action="store_true", help="fork the commands from a process with TensorFlow: faster")
    arguments = parser.parse_args()
    if arguments.list:
        for name, case in CASES.items():
            print(f"{name}\n    " + "\n    ".join(step.title for step in case))
        return 0
    if arguments.self_test:
        return int(self_test() > 0)
    begun = time.monotonic()
    os.environ.update(ONE_THREAD | {"TF_CPP_MIN_LOG_LEVEL": "3"})  # what is forked has loaded TensorFlow already
    with tempfile.TemporaryDirectory(prefix="net-") as temporary:
        folder = (arguments.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            parser.error(f"{folder} is not empty")
        cache = (arguments.cache or folder / "base_outputs").resolve()
        commit = git("rev-parse", "--verify", f"{arguments.base}^{{commit}}")
        names = [name for name in CASES if name in arguments.only]
        num_different = compare_commits(commit, names, cache, folder, arguments.jobs, is_forked=arguments.fork)
    verdict = f"{num_different} of {len(names)} cases differ" if num_different else f"all {len(names)} cases are equal"
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # without what was forked
    cpu = "" if arguments.fork else f", with {used.ru_utime + used.ru_stime:.0f} s of CPU time"
    print(f"{verdict}, in {time.monotonic() - begun:.0f} s{cpu}")
    return int(num_different > 0)


if __name__ == "__main__":
    sys.exit(main())
