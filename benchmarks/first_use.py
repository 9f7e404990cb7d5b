"""Times first-time use: an empty HOME, a mirror on the loopback in place of the internet, and three commands.

    python -m benchmarks.first_use                     a tiny model; a minute
    python -m benchmarks.first_use --full --install    the official size, in a new environment; 3 GB of disk

The mirror has stand-ins: reference weights in place of the published ones, and a piece of hg38. The real checksums are
replaced for these commands alone, by `tests/fetch/stand_ins.py`.
"""

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DATA = PROJECT.parent / "shared" / "data"


def make_mirror(folder: Path, arguments: argparse.Namespace) -> None:
    """Fills a folder as --plan says."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from enformer_vep.model.config import EnformerConfig
    from enformer_vep.model.weights import save_model
    from tests.fetch.stand_ins import digest
    from tests.support import TINY_CONFIG, reference_model

    config = EnformerConfig() if arguments.full else TINY_CONFIG
    save_model(reference_model(config), folder / "models" / "enformer")
    (folder / "tracks").mkdir()
    for head, num_tracks in config.heads.items():
        lines = (DATA / "tracks" / f"targets_{head}.txt").read_text().splitlines(keepends=True)
        (folder / "tracks" / f"targets_{head}.txt").write_text("".join(lines[: num_tracks + 1]))
    genome = folder / "genomes" / "hg38"
    genome.mkdir(parents=True)
    shutil.copy(arguments.genome, genome / "hg38.fa.gz")
    md5 = digest(genome / "hg38.fa.gz", "md5").removeprefix("md5:")
    (genome / "md5sum.txt").write_text(f"{md5}  hg38.fa.gz\n")


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, *arguments: object) -> None:
        pass


def serve(folder: Path) -> str:
    """Serves a folder until this process ends, and returns its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def write_variants(path: Path, arguments: argparse.Namespace) -> None:
    """Copies the first SNVs of a VCF."""
    wanted = []
    with gzip.open(arguments.vcf, "rt") as lines:
        for line in lines:
            chrom, pos, _, ref, alt = line.split("\t")[:5] if not line.startswith("#") else [""] * 5
            if len(ref) == len(alt) == 1 and len(wanted) < arguments.variants:
                wanted.append(f"{chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\n")
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    path.write_text(header + "".join(wanted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="a model of the official size")
    parser.add_argument("--install", action="store_true", help="install the package into a new environment first")
    parser.add_argument("--genome", type=Path, default=DATA / "genome" / "hg38_chr1_1m.fa.gz")
    parser.add_argument("--vcf", type=Path, default=DATA / "variants" / "hg38_chr1_real_variants.vcf.gz")
    parser.add_argument("--variants", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (home := folder / "home").mkdir()
        make_mirror(folder / "mirror", arguments)
        write_variants(home / "input.vcf", arguments)
        url = serve(folder / "mirror")
        dropped = ("XDG_", "ENFORMER_VEP_", "PYTHONPATH", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        environment = {**kept, "HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3"}

        def run(title: str, *command: str) -> None:
            print(f"$ {title}", flush=True)
            begun = time.perf_counter()
            subprocess.run(command, check=True, env=environment, cwd=home)
            print(f"-> {time.perf_counter() - begun:.1f} s\n", flush=True)

        python = sys.executable
        if arguments.install:
            subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
            python = str(folder / "venv" / "bin" / "python")
            run("pip install .", python, "-m", "pip", "install", "--quiet", str(PROJECT))
        else:
            environment["PYTHONPATH"] = str(PROJECT)
        program = [python, str(PROJECT / "tests" / "fetch" / "stand_ins.py"), str(folder / "mirror")]
        words = ["fetch", "weights", "tracks", "genome", "hg38"]
        run(f"enformer-vep {' '.join(words)}", *program, *words, "--mirror", url)
        run("enformer-vep score input.vcf -f hg38", *program, "score", "input.vcf", "-f", "hg38")


if __name__ == "__main__":
    main()
