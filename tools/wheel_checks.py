"""Tries in an environment what the package, or one of its extras, is for. tools/try_wheel.py runs it there.

    python wheel_checks.py CHECK DEMO

CHECK is `package` or an extra, and DEMO the folder of the demo's files, which `package` writes. It is run by the
environment's own Python in an empty folder with an empty home, and imports the installed package, not the checkout's.
"""

import importlib.metadata
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("enformer-vep"))
PYTORCH_NAMES = Path(__file__).resolve().parents[1] / "tests" / "data" / "enformer_pytorch_names.json"
VARIANT = "made_up_1:88681:C:A"
REGION = "made_up_1:88001-90000"
NOBODY = "http://127.0.0.1:9"  # nobody listens there: a check that would leave this machine fails


class CheckError(Exception):
    """Something is not as it should be."""


def run(*words: str, exit_code: int = 0, **environment: str) -> str:
    """Runs the program, and returns what it said on both streams.

    Raises:
      CheckError: it ended with another exit code, or with a traceback.
    """
    done = subprocess.run(
        [PROGRAM, *words],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != exit_code or "Traceback" in done.stdout:
        raise CheckError(
            f"enformer-vep {' '.join(words)}: exit code {done.returncode}, expected {exit_code}:\n{done.stdout[-3000:]}"
        )
    return done.stdout


def insist(is_so: bool, found: object) -> None:
    """Raises:
    CheckError: it is not so.
    """
    if not is_so:
        raise CheckError(f"not as expected: {found}")


def on_the_demo(demo: Path) -> tuple[str, ...]:
    return "-f", str(demo / "genome.fa"), "-m", "demo"


def check_package(demo: Path) -> None:
    """The version, an import without TensorFlow, the demo and its truth, and one allele that two engines agree on."""
    version = importlib.metadata.version("enformer-vep")
    insist(run("--version").split()[-1] == version, "--version")
    code = "import enformer_vep, sys; print(enformer_vep.__file__); print('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
    insist(Path(shown[0]).is_relative_to(sys.prefix) and shown[1] == "False", shown)
    said = run("demo", str(demo), "--overwrite")
    insist("The installation works: scores recover the planted effects." in said, said[-2000:])
    Path("one.txt").write_text(VARIANT + "\n")
    run("score", "one.txt", *on_the_demo(demo), "-o", "one.parquet", "--verify", "1")
    import enformer_vep as ev

    insist(len(ev.read_scores("one.parquet").table) == 1, "one.parquet")


def check_plots(demo: Path) -> None:
    """A figure with genes and a logo."""
    words = ("-g", str(demo / "genes.gtf"), "--tracks", "1,2", "--logo")
    run("plot", VARIANT, *on_the_demo(demo), *words, "-o", "plot.png")
    insist(Path("plot.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", "plot.png")


def check_bigwig(demo: Path) -> None:
    """Predictions as bigWig files, read back."""
    run("predict", REGION, *on_the_demo(demo), "--tracks", "1", "-o", "predicted")
    import pyBigWig

    (path,) = Path("predicted").glob("*.bw")
    with pyBigWig.open(str(path)) as file:
        values = file.values("made_up_1", 88_100, 89_900)
    insist(all(value > 0 for value in values), values[:10])


def check_zarr(demo: Path) -> None:
    """Predictions as a Zarr store, read back."""
    run("predict", REGION, *on_the_demo(demo), "--tracks", "1", "-o", "predicted.zarr")
    import zarr

    arrays = dict(zarr.open_group("predicted.zarr", mode="r").arrays())
    insist(any(array.size > 0 for array in arrays.values()), arrays)


def check_components(demo: Path) -> None:
    """A transform fitted to the demo's scores."""
    run("components", str(demo / "demo.scores.tsv"), "--fit", "transform.npz", "--num", "3", "-o", "components.tsv")
    header = Path("components.tsv").read_text().splitlines()[0].split("\t")
    insist(header[-3:] == ["PC0", "PC1", "PC2"], header)


def check_xarray(demo: Path) -> None:
    """The demo's scores as an array with named axes."""
    import enformer_vep as ev

    scores = ev.read_scores(demo / "demo.scores.tsv")
    array = scores.to_xarray()
    insist(array.sizes["allele"] == scores.num_alleles > 0, array.sizes)


def check_anndata(demo: Path) -> None:
    """The demo's scores as an AnnData, written and read back."""
    import anndata

    import enformer_vep as ev

    scores = ev.read_scores(demo / "demo.scores.tsv")
    scores.to_anndata().write_h5ad("scores.h5ad")
    found = anndata.read_h5ad("scores.h5ad")
    insist(found.n_obs == scores.num_alleles > 0 and found.n_vars > 0, found)


def check_background(demo: Path) -> None:
    """A background of scores in the layout of DeepMind's HDF5 files."""
    import h5py
    import numpy as np

    num = 2000
    scores = np.random.default_rng(1).normal(size=(num, 2)).astype(np.float16)
    arrays = {"snp": ["rs1"] * num, "chr": ["22"] * num, "ref": ["A"] * num, "alt": ["C"] * num}
    with h5py.File("1000G.22.h5", "w") as file:
        for name, words in {**arrays, "target_ids": ["T1", "T2"], "target_labels": ["CAGE:a", "DNASE:b"]}.items():
            file[name] = np.array(words, "S")
        file["pos"] = np.arange(1, num + 1, dtype=np.uint32)
        file["SAD"] = file["SAR"] = scores
    run("background", "--from-1000g", "1000G.22.h5", "--scale", "sum", "-o", "background.parquet")
    insist(Path("background.parquet").read_bytes()[:4] == b"PAR1", "background.parquet")


def write_pytorch_state(path: str) -> None:
    """Writes a state with the names and shapes of a small model of the package enformer-pytorch.

    Some parameters have two names there, so the values follow from the shape alone.
    """
    import torch

    names = json.loads(PYTORCH_NAMES.read_text())
    torch.save({name: torch.linspace(0.1, 1, math.prod(shape)).reshape(shape) for name, shape in names.items()}, path)


def check_torch(demo: Path) -> None:
    """A pickled state of enformer-pytorch, converted."""
    write_pytorch_state("state.pt")
    run("convert", "state.pt", "weights.safetensors")
    from safetensors import safe_open

    with safe_open("weights.safetensors", "numpy") as file:
        insist(len(file.keys()) > 10, file.keys())


class HuggingFace(BaseHTTPRequestHandler):
    """What the site answers its client that asks for one file."""

    content = b""
    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.send_header("ETag", '"1234567890abcdef1234567890abcdef12345678"')
        self.send_header("X-Repo-Commit", "1234567890abcdef1234567890abcdef12345678")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hugging_face(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """Serves a file in place of the site, and gives the address and what was asked."""
    asked: list[str] = []
    handler = type("Handler", (HuggingFace,), {"content": content, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def check_huggingface(demo: Path) -> None:
    """The real client gets a state from a server on this machine, and it is refused, as it is not the published one."""
    write_pytorch_state("state.pt")
    with hugging_face(Path("state.pt").read_bytes()) as (url, asked):
        words = ("fetch", "weights", "--source", "huggingface", "--quiet", "--cache", "cache")
        said = run(*words, exit_code=2, HF_ENDPOINT=url, HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_XET="1")
    insist("nothing of them was kept" in said, said)
    insist(any(line.startswith("GET") and "pytorch_model.bin" in line for line in asked), asked)


def check_kaggle(demo: Path) -> None:
    """The real client is there and is asked, and what it says of a site out of reach becomes one line."""
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOBODY)
    said = run(
        "fetch", "weights", "--source", "kaggle", "--quiet", "--cache", "cache", exit_code=2, NO_PROXY="", **proxies
    )
    insist("Kaggle's client could not download the weights: " in said, said)
    insist("127.0.0.1" in said or "roxy" in said, said)


def check_workflows(demo: Path) -> None:
    """Snakemake starts, and knows the executor for Slurm."""
    if sys.version_info < (3, 11):
        return  # Snakemake 9 needs Python 3.11, and the extra brings nothing before
    program = str(Path(sys.executable).with_name("snakemake"))
    said = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    insist("--slurm-" in said, said[-2000:])


CHECKS: dict[str, Callable[[Path], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}


def main() -> None:
    name, demo = sys.argv[1:]
    try:
        CHECKS[name](Path(demo))
    except CheckError as error:
        raise SystemExit(f"{name}: {error}") from None


if __name__ == "__main__":
    main()
