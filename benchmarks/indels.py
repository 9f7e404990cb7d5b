"""Which way of scoring indels is right? On the demo's made-up genome, where the truth is known.

    python -m benchmarks.indels                                    # every policy, 400 indels, some minutes
    python -m benchmarks.indels --policies left --alleles 80
    python -m benchmarks.indels --table indels.tsv --picture docs/indels.svg
    python -m benchmarks.indels --read indels.tsv --picture docs/indels.svg

Half of the indels break one site, the others change none (`indel_truth.py`); each class of lengths has as many of
them. The demo model scores them by `enformer-vep score`, once for every policy of --indels.

Scores are given in units of a broken site: what the site loses by the rules, as a median over the indels that break
one. So the truth is -1 for the track of a broken site and 0 for the other factors' tracks. `D2` and `logD2` have no
truth of their own; what the rules give when they are compared as in `stitch` is taken for it. The columns:

  harmless rms     root mean square over indels that change no site, and tracks, of score less truth
  harmless 95%     of these indels, 95% have no track that is farther off
  broken rms       root mean square of score less truth where a site is lost: one track for each indel
  broken mean      mean of score / truth there
  r                Pearson's correlation of score and truth over all indels and tracks
  AUROC            of the largest |score| of any track, indels that break a site against those that change none

Tracks are the factors' (CHIP) unless the table says otherwise. "by the rules" is a model that makes no mistake: it
counts what the rules give for the sequences that the policy compares. Its errors are those of the policy alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.indel_truth import (
    LENGTH_CLASSES,
    POLICIES,
    STATISTICS,
    Floats,
    Indel,
    draw_indels,
    ruled_counts,
    true_change,
)
from enformer_vep.demo.files import write_fasta, write_vcf
from enformer_vep.demo.world import CAGE_TRACKS, CHIP_TRACKS, HELD_OUT_CONTIGS, OPEN_TRACK, TRACKS, held_out_contig
from enformer_vep.genome.geometry import Geometry

GROUPS = {"CHIP": CHIP_TRACKS, "DNASE": (OPEN_TRACK,), "CAGE": CAGE_TRACKS}
ALL_LENGTHS = "all"
RULES = "by the rules"
DEMO_MODEL = "demo model"
NUM_FOR_WARMTH = 8
"""Alleles of a run that is timed only to know what tracing the graphs takes."""

LEAST_LOSS = 0.5
"""Counts that an indel must cost a track to be said to break something there."""

Scores = dict[tuple[str, str, str], Floats]
"""By scorer, policy and statistic: float64 [indels, len(TRACKS)]."""


def name_of_class(length_class: tuple[int, int]) -> str:
    first, last = length_class
    return f"{first}-{last} bp" if first < last else f"{first} bp"


def score(folder: Path, policy: str, statistics: Sequence[str], num_alleles: int) -> tuple[dict[str, Floats], float]:
    """Scores the indels of a folder with the demo model.

    Returns:
      By statistic, float64 [alleles, tracks]; and the seconds per allele, without loading and tracing.
    """

    def run(vcf: Path) -> tuple[pd.DataFrame, float]:
        out = folder / f"{vcf.stem}.{policy}.parquet"
        command = [sys.executable, "-m", "enformer_vep", "score", str(vcf), "-f", str(folder / "genome.fa"), "-q"]
        options = ["-m", "demo", "-o", str(out), "--stats", ",".join(statistics), "--overwrite"]
        subprocess.run([*command, *options, "--indels", policy], check=True)
        record = json.loads(Path(f"{out}.run.json").read_text())
        return pd.read_parquet(out), record["seconds_scoring"]

    _, warm_seconds = run(folder / "few.vcf")
    table, seconds = run(folder / "indels.vcf")
    if table["record"].tolist() != list(range(num_alleles)):
        raise SystemExit(f"the run with {policy} scored {len(table)} of {num_alleles} indels")
    scores = {name: table[[f"{name}:{track}" for track in TRACKS]].to_numpy(np.float64) for name in statistics}
    return scores, (seconds - warm_seconds) / (num_alleles - NUM_FOR_WARMTH)


def score_by_rules(indels: Sequence[Indel], statistics: Sequence[str]) -> tuple[Scores, dict[str, Floats]]:
    """Returns what the rules give under every policy, and the truth by statistic."""
    geometry = Geometry()
    found: dict[tuple[str, str, str], list[Floats]] = {}
    for indel in indels:
        for policy, (reference, alternate) in ruled_counts(indel, geometry).items():
            for name in statistics:
                found.setdefault((RULES, policy, name), []).append(STATISTICS[name](reference, alternate))
    scores = {key: np.array(rows) for key, rows in found.items()}
    truths = {name: scores[RULES, "stitch", name] for name in statistics}
    return scores, truths | {"SAD": np.array([true_change(indel, geometry) for indel in indels])}


def auroc(positive: Floats, negative: Floats) -> float:
    """The share of pairs in which the positive one is larger; equal ones count half."""
    higher = positive[:, np.newaxis] > negative
    return float(np.mean(higher + 0.5 * (positive[:, np.newaxis] == negative)))


def measure(
    scores: Floats, truth: Floats, is_broken: npt.NDArray[np.bool_], is_chosen: npt.NDArray[np.bool_]
) -> dict[str, float]:
    """Compares scores with the truth.

    Args:
      scores: [indels, tracks].
      truth: likewise.
      is_broken: bool [indels, tracks], where the indel costs the track something.
      is_chosen: bool [indels], those that are looked at. The unit is taken from all.
    """
    unit = float(np.median(np.abs(truth[is_broken])))
    error = (scores - truth) / unit
    breaks, harmless = is_chosen & is_broken.any(axis=1), is_chosen & ~is_broken.any(axis=1)
    hit = is_broken & is_chosen[:, np.newaxis]
    size = np.abs(scores).max(axis=1) / unit
    return {
        "unit": unit,
        "num_harmless": int(harmless.sum()),
        "num_broken": int(breaks.sum()),
        "harmless_rms": float(np.sqrt(np.mean(error[harmless] ** 2))),
        "harmless_95": float(np.quantile(np.abs(error[harmless]).max(axis=1), 0.95)),
        "broken_rms": float(np.sqrt(np.mean(error[hit] ** 2))),
        "broken_mean": float(np.mean(scores[hit] / truth[hit])),
        "r": float(np.corrcoef(scores[is_chosen].ravel(), truth[is_chosen].ravel())[0, 1]),
        "auroc": auroc(size[breaks], size[harmless]),
    }


def rows_of(
    indels: Sequence[Indel], scores: Scores, truths: dict[str, Floats], seconds: dict[str, float]
) -> Iterator[dict[str, object]]:
    """Yields a row for every scorer, policy, statistic, group of tracks and class of lengths."""
    changes_none = np.array([indel.kind != "break" for indel in indels])
    classes = np.array([name_of_class(indel.length_class) for indel in indels])
    for (scorer, policy, statistic), found in scores.items():
        for group, tracks in GROUPS.items():
            columns = [TRACKS.index(track) for track in tracks]
            is_broken = (np.abs(truths["SAD"][:, columns]) >= LEAST_LOSS) & ~changes_none[:, np.newaxis]
            is_of_group = changes_none | is_broken.any(axis=1)
            for lengths in (ALL_LENGTHS, *map(name_of_class, LENGTH_CLASSES)):
                is_chosen = is_of_group & ((lengths == ALL_LENGTHS) | (classes == lengths))
                yield {
                    "scorer": scorer,
                    "policy": policy,
                    "statistic": statistic,
                    "tracks": group,
                    "lengths": lengths,
                    "seconds_per_allele": seconds[policy] if scorer == DEMO_MODEL else np.nan,
                    **measure(found[:, columns], truths[statistic][:, columns], is_broken, is_chosen),
                }


def report(rows: pd.DataFrame) -> None:
    """Prints the tables, in Markdown."""
    figures = {"harmless_rms": "harmless rms", "harmless_95": "harmless 95%", "broken_rms": "broken rms",
               "broken_mean": "broken mean", "r": "r", "auroc": "AUROC"}  # fmt: skip

    def table(title: str, chosen: pd.DataFrame, keys: dict[str, str], *, has_seconds: bool = False) -> None:
        names = [*keys.values(), *figures.values(), *(["s per allele"] if has_seconds else [])]
        print(f"\n{title}\n\n| {' | '.join(names)} |\n|{'---|' * len(names)}")
        for _, row in chosen.iterrows():
            cells = [str(row[key]) for key in keys] + [f"{row[key]:.3f}" for key in figures]
            seconds = row["seconds_per_allele"]
            cells += ([f"{seconds:.3f}"] if np.isfinite(seconds) else [""]) if has_seconds else []
            print(f"| {' | '.join(cells)} |")

    by_scorer = {"scorer": "", "policy": "policy"}
    of_chip, of_all = rows["tracks"] == "CHIP", rows["lengths"] == ALL_LENGTHS
    for statistic in rows["statistic"].unique():
        chosen = rows[of_chip & of_all & (rows["statistic"] == statistic)]
        first = chosen.iloc[0]
        title = (
            f"{statistic}: {first['num_harmless']} indels that change no site, {first['num_broken']} that break one; "
            f"the unit is {first['unit']:.3g}"
        )
        table(title, chosen, by_scorer, has_seconds=True)
    of_model = rows["scorer"] == DEMO_MODEL
    is_sad = rows["statistic"] == rows["statistic"].iloc[0]
    chosen = rows[of_model & of_chip & ~of_all & is_sad]
    table(f"{chosen['statistic'].iloc[0]} by length", chosen, {"lengths": "length", "policy": "policy"})
    chosen = rows[of_all & is_sad & ~of_chip]
    table(f"{chosen['statistic'].iloc[0]} of other tracks", chosen, {"tracks": "tracks"} | by_scorer)


def compare(arguments: argparse.Namespace, folder: Path) -> pd.DataFrame:
    """Draws indels, scores them by every policy and compares with the truth."""
    contigs = [held_out_contig(name) for name in HELD_OUT_CONTIGS]
    quarter = arguments.alleles // 4
    num_of_kind = {"break": arguments.alleles - 2 * quarter, "beside": quarter, "random": quarter}
    indels = draw_indels(contigs, num_of_kind, seed=arguments.seed)
    records = [indel.record(f"{indel.kind}_{number}") for number, indel in enumerate(indels)]
    write_fasta(folder / "genome.fa", contigs)
    write_vcf(folder / "indels.vcf", contigs, records)
    write_vcf(folder / "few.vcf", contigs, records[:NUM_FOR_WARMTH])
    scores: Scores = {}
    seconds: dict[str, float] = {}
    for policy in arguments.policies:
        found, seconds[policy] = score(folder, policy, arguments.stats, len(indels))
        scores |= {(DEMO_MODEL, policy, name): one for name, one in found.items()}
        print(f"{policy}: {seconds[policy]:.3f} s per allele", file=sys.stderr, flush=True)
    ruled, truths = score_by_rules(indels, arguments.stats)
    scores |= {key: one for key, one in ruled.items() if key[1] in arguments.policies}
    return pd.DataFrame(rows_of(indels, scores, truths, seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES))
    parser.add_argument("--stats", nargs="+", choices=list(STATISTICS), default=list(STATISTICS), metavar="STAT")
    parser.add_argument("--alleles", type=int, default=400, help="at least 80, to have some of every kind and length")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the VCF and the tables of scores there")
    parser.add_argument("--table", type=Path, metavar="TSV", help="write all figures")
    parser.add_argument("--read", type=Path, metavar="TSV", help="show the figures of an earlier run again")
    parser.add_argument("--picture", type=Path, metavar="SVG", help="draw them; needs matplotlib")
    arguments = parser.parse_args()
    if arguments.read:
        rows = pd.read_csv(arguments.read, sep="\t")
    else:
        with tempfile.TemporaryDirectory() as temporary:
            folder = arguments.keep or Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            rows = compare(arguments, folder)
    if arguments.table:
        rows.to_csv(arguments.table, sep="\t", index=False)
    report(rows)
    if arguments.picture:
        from benchmarks.draw_indels import draw

        draw(rows, arguments.picture)


if __name__ == "__main__":
    main()
