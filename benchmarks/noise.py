"""How large is the rounding noise of a float32 score?

    python -m benchmarks.noise                                    # made-up weights of the official size, public data
    python -m benchmarks.noise --model MODEL --vcf VCF --fasta FASTA --alleles 16

SAD in float32 is the difference of two predictions that are each rounded, so it has an error that does not shrink with
the effect. Here alleles spread over a VCF are scored by the full engine and by the reusing one, and compared with the
alternate's difference propagated through the transformer in float32 (enformer_vep/model/differences.py), whose error
is in proportion to the effect. The noise of a track is the root mean square over alleles of what is left; it is given
as it is and relative to the track's reference total, the sum of its predictions over all bins.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.inputs import chosen_model, look_at, parser_of, scorable

QUANTILES = {"least": 0.0, "median": 0.5, "95%": 0.95, "largest": 1.0}


def alleles(arguments: argparse.Namespace, genome: Any) -> list[Any]:
    """Alleles of one length, spread evenly over the VCF."""
    found = [
        variant
        for variant in scorable(arguments.vcf, genome, 1000)
        if variant.pos < arguments.max_pos and len(variant.ref) == len(variant.alt)
    ]
    return found[len(found) // (2 * arguments.alleles) :: len(found) // arguments.alleles][: arguments.alleles]


def measure(arguments: argparse.Namespace) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Scores the alleles.

    Returns:
      The exact SADs, float64 [alleles, tracks]; those of each engine; and the references' totals.
    """
    from enformer_vep.inference.device import import_tensorflow, prepare_device

    device = prepare_device("cpu")
    tf = import_tensorflow()
    from enformer_vep.fetch.cache import Cache
    from enformer_vep.inference.comparer import full_engine, reusing_engine
    from enformer_vep.inference.engine import EngineSettings
    from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
    from enformer_vep.model.differences import DifferenceTransformer
    from enformer_vep.model.location import locate_model
    from enformer_vep.model.weights import load_model
    from enformer_vep.run.session import MIN_FUSED_CHANNELS
    from enformer_vep.scoring import STATISTICS

    model = load_model(locate_model(arguments.model, Cache.at(None).folder)).model
    genome = Genome(arguments.fasta)
    codes = ReferenceCodes(genome)
    head = next(iter(model.config.heads))
    transformer = DifferenceTransformer(model, head, [range(model.config.heads[head])])

    @tf.function(autograph=False)
    def tower(codes: Any) -> Any:
        return model.conv_tower(tf.one_hot(codes, 4))

    @tf.function(autograph=False)
    def exact_difference(reference: Any, alternate: Any) -> Any:
        _, kept = transformer.reference(reference, tf.float32)
        return tf.reduce_sum(tf.cast(transformer.difference(kept, alternate - reference)[0], tf.float64), axis=1)

    is_fused = device.kind == "CPU" and model.config.channels >= MIN_FUSED_CHANNELS
    engines = {
        "full": full_engine(model, codes.fetch, EngineSettings(head)),
        "reusing": reusing_engine(model, codes.fetch, EngineSettings(head, is_fused=is_fused)),
    }
    exact, totals = [], []
    found: dict[str, list[np.ndarray]] = {name: [] for name in engines}
    for variant in alleles(arguments, genome):
        comparison = look_at(variant, codes, model.config.geometry)
        (view,) = comparison.views
        towers = [tower(layout.codes(codes.fetch)[np.newaxis]) for layout in (view.reference, view.alternate)]
        exact.append(exact_difference(*towers).numpy()[0])
        for name, engine in engines.items():
            (scores,) = engine.compare([comparison], [STATISTICS["SAD"], STATISTICS["REF"]])
            found[name].append(scores["SAD"][0])
        totals.append(scores["REF"][0])
        print(f"{variant}: SAD's standard deviation over tracks {exact[-1].std():.3g}", flush=True)
    return np.array(exact), {name: np.array(sads) for name, sads in found.items()}, np.array(totals)


def main() -> None:
    parser = parser_of(__doc__, fasta="hg38_chr1_1m.fa.gz")
    parser.add_argument("--max-pos", type=int, default=1_000_000)
    parser.add_argument("--alleles", type=int, default=12)
    arguments = parser.parse_args()
    with chosen_model(arguments.model) as arguments.model:
        exact, found, totals = measure(arguments)
    total = totals.mean(axis=0)
    effect = np.sqrt(np.mean(exact**2, axis=0))
    print(f"\n{len(exact)} alleles, {exact.shape[1]} tracks\n")
    print("| by track | " + " | ".join(QUANTILES) + " |\n|---|" + "---|" * len(QUANTILES))
    rows = {"reference total": total, "effect, root mean square": effect}
    for name, sads in found.items():
        noise = np.sqrt(np.mean((sads - exact) ** 2, axis=0))
        rows |= {f"noise, {name} engine": noise, f"noise / reference total, {name}": noise / total}
        rows |= {f"noise / effect, {name}": noise / effect}
    for label, values in rows.items():
        print(f"| {label} | " + " | ".join(f"{np.quantile(values, q):.2g}" for q in QUANTILES.values()) + " |")
    print("\nof each allele: effect and noise of the full and of the reusing engine, root mean square over tracks")
    for number, row in enumerate(exact):
        noises = [np.sqrt(np.mean((sads[number] - row) ** 2)) for sads in found.values()]
        print(f"  {np.sqrt(np.mean(row**2)):.3g}  " + "  ".join(f"{noise:.2g}" for noise in noises))


if __name__ == "__main__":
    main()
