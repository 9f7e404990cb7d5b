"""How much do scores change with the placement of the windows?

    python -m benchmarks.placements --model demo --alleles 400
    python -m benchmarks.placements --alleles 24 --region chr1:900001-944000 --other grid

Scores alleles of a VCF in centred windows and in others, and compares SAD, for alleles that keep the length and for
those that change it: Pearson's correlation over all pairs of allele and track, and the share of pairs whose signs
agree, by size of effect. SAD is taken in units of the track's root mean square over the alleles, and pairs are ordered
by its magnitude in centred windows: the smallest half, the next 40%, the next 9% and the largest 1%. Without --model,
a model of the official size with made-up weights.
"""

import argparse

import numpy as np

from benchmarks.inputs import chosen_model, look_at, parser_of, scorable

SIZES = (("smallest half", 0.0, 0.5), ("next 40%", 0.5, 0.9), ("next 9%", 0.9, 0.99), ("largest 1%", 0.99, 1.0))


def score(arguments: argparse.Namespace, placements: list[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Whether each allele keeps the length, and by placement the SADs, float64 [alleles, tracks]."""
    from enformer_vep.inference.device import prepare_device

    device = prepare_device("cpu")
    from enformer_vep.fetch.cache import Cache
    from enformer_vep.inference.comparer import reusing_engine
    from enformer_vep.inference.engine import EngineSettings
    from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
    from enformer_vep.model.location import locate_model
    from enformer_vep.model.weights import load_model
    from enformer_vep.run.session import MIN_FUSED_CHANNELS
    from enformer_vep.scoring import STATISTICS

    model = load_model(locate_model(arguments.model, Cache.at(None).folder)).model
    head = next(iter(model.config.heads))
    genome = Genome(arguments.fasta)
    codes = ReferenceCodes(genome)
    found = list(scorable(arguments.vcf, genome, 1000, arguments.region))
    chosen = found[:: max(1, len(found) // arguments.alleles)][: arguments.alleles]
    print(f"{len(chosen)} of {len(found)} alleles in {arguments.region}", flush=True)
    scores: dict[str, np.ndarray] = {}
    for name in placements:
        is_fused = device.kind == "CPU" and model.config.channels >= MIN_FUSED_CHANNELS
        engine = reusing_engine(model, codes.fetch, EngineSettings(head, is_fused=is_fused))
        comparisons = (look_at(variant, codes, model.config.geometry, name) for variant in chosen)
        scores[name] = np.array([found["SAD"][0] for found in engine.compare(comparisons, [STATISTICS["SAD"]])])
    return np.array([len(variant.ref) == len(variant.alt) for variant in chosen]), scores


def compare(centred: np.ndarray, other: np.ndarray) -> list[str]:
    """The cells of a row: the correlation, and by size of effect how many signs agree."""
    scale = np.sqrt(np.mean(centred**2, axis=0))
    is_used = scale > 0
    x, y = centred[:, is_used] / scale[is_used], other[:, is_used] / scale[is_used]
    rank = np.abs(x).argsort(axis=None).argsort().reshape(x.shape) / x.size
    cells = [f"{np.corrcoef(x.ravel(), y.ravel())[0, 1]:.3f}"]
    for _, low, high in SIZES:
        of_size = (rank >= low) & (rank < high)
        agree = np.sign(x[of_size]) == np.sign(y[of_size])
        cells.append(f"{np.mean(agree):.1%}" if agree.size else "")
    return cells


def main() -> None:
    parser = parser_of(__doc__, fasta="hg38_chr1_1m.fa.gz")
    parser.add_argument("--region", default="chr1:600001-990000")
    parser.add_argument("--alleles", type=int, default=24)
    parser.add_argument("--other", action="append", help="placement to compare with; default: grid and shared:1000")
    arguments = parser.parse_args()
    others = arguments.other or ["grid", "shared:1000"]
    with chosen_model(arguments.model) as arguments.model:
        keeps_length, scores = score(arguments, ["centred", *others])
    print("| against centred | alleles | correlation | signs agree: " + " | ".join(name for name, _, _ in SIZES) + " |")
    print("|---|" + "---|" * (2 + len(SIZES)))
    for name in others:
        for label, chosen in (("SNVs and MNVs", keeps_length), ("indels", ~keeps_length)):
            if chosen.any():
                cells = compare(scores["centred"][chosen], scores[name][chosen])
                print(f"| {name} | {np.count_nonzero(chosen)} {label} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
