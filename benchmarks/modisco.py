"""Does TF-MoDISco find the demo's motifs in what `contributions --modisco` writes?

    python -m benchmarks.modisco DIR --modisco PATH_OF_MODISCO    # modisco-lite, in an environment of its own

DIR gets the held-out contig, its regions, the exported arrays and TF-MoDISco's result. Regions are evenly spaced, and
chosen without regard to where sites are. A motif is found if in some pattern, on either strand, the letters that its
consensus allows have at least 80% of the reads of every position on average. (Patterns of fewer positions than the
consensus count if they have at least 6.)
"""

import argparse
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

CONTIG = "made_up_1"
MARGIN_BP = 120_000
"""Regions nearer to the contig's ends are left out."""

SIGNS = ("pos", "neg")
MIN_SHARE = 0.8
MIN_POSITIONS = 6


class Pattern(NamedTuple):
    """What TF-MoDISco found: the sign of its contributions, its seqlets, and the share of each letter [bases, 4]."""

    sign: str
    num_seqlets: int
    shares: np.ndarray


def export(folder: Path, num_regions: int, width_bp: int, track: str) -> None:
    """Writes the contig, the regions and their contributions."""
    from enformer_vep.cli import main
    from enformer_vep.demo.world import held_out_contig

    codes = held_out_contig(CONTIG).codes
    sequence = "".join("ACGTN"[code] for code in codes)
    (folder / "genome.fa").write_text(f">{CONTIG}\n{sequence}\n")
    starts = np.linspace(MARGIN_BP, len(codes) - MARGIN_BP - width_bp, num_regions).astype(int)
    (folder / "regions.bed").write_text("".join(f"{CONTIG}\t{start}\t{start + width_bp}\n" for start in starts))
    words = ["contributions", str(folder / "regions.bed"), "-f", str(folder / "genome.fa"), "-m", "demo"]
    words += ["--tracks", track, "-o", str(folder / "out.npz"), "--modisco", str(folder / "out"), "--overwrite"]
    if main(words):
        raise SystemExit(1)


def patterns(result: Path) -> Iterator[Pattern]:
    """Yields all patterns of a result."""
    import h5py

    with h5py.File(result) as file:
        for sign in SIGNS:
            for pattern in file.get(f"{sign}_patterns", {}).values():
                yield Pattern(sign, int(pattern["seqlets/n_seqlets"][0]), pattern["sequence"][:])


def best_pattern(found: Sequence[Pattern], allowed: np.ndarray) -> tuple[int, float]:
    """Returns the seqlets of the pattern that agrees best with a consensus, and how well; zeros if there is none."""
    return max(
        ((one.num_seqlets, agreement(one.shares, allowed)) for one in found), key=lambda one: one[1], default=(0, 0.0)
    )


def agreement(shares: np.ndarray, allowed: np.ndarray) -> float:
    """Returns how much of a pattern's letters a consensus allows, at the best place on either strand.

    Args:
      shares: float64 [bases, 4], the share of each letter.
      allowed: bool [site length, 4].
    """
    short, long = sorted([shares, allowed.astype(float)], key=len)
    if len(short) < MIN_POSITIONS:
        return 0.0
    return max(
        float((strand * long[first : first + len(short)]).sum(axis=1).mean())
        for strand in (short, short[::-1, ::-1])
        for first in range(len(long) - len(short) + 1)
    )


def main() -> None:
    from enformer_vep.demo.motifs import FACTORS
    from enformer_vep.demo.world import OPEN_TRACK

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--modisco", default="modisco", help="modisco-lite's program")
    parser.add_argument("--regions", type=int, default=250)
    parser.add_argument("--width", type=int, default=1000, help="bases of a region")
    parser.add_argument("--track", default=OPEN_TRACK)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    export(folder, arguments.regions, arguments.width, arguments.track)
    print(f"{arguments.regions} regions of {arguments.width} bp: {time.perf_counter() - started:.0f} s")
    result = folder / "modisco.h5"
    command = [arguments.modisco, "motifs", "-s", f"{folder}/out.ohe.npz", "-a", f"{folder}/out.hypothetical.npz"]
    subprocess.run([*command, "-n", "5000", "-w", str(arguments.width), "-o", str(result)], check=True)
    found = list(patterns(result))
    print("| factor | consensus | best pattern of positive contributions | of negative ones |\n|---|---|---|---|")
    num_found = 0
    for factor in FACTORS:
        best = {sign: best_pattern([one for one in found if one[0] == sign], factor.allowed[:, :4]) for sign in SIGNS}
        num_found += max(share for _, share in best.values()) >= MIN_SHARE
        shown = " | ".join(f"{share:.2f}, {num_seqlets} seqlets" for num_seqlets, share in best.values())
        print(f"| {factor.name} | `{factor.consensus}` | {shown} |")
    print(f"\nfound {num_found} of {len(FACTORS)} motifs in {len(found)} patterns")


if __name__ == "__main__":
    main()
