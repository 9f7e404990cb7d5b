"""The options of `score`, in the groups in which its help shows them."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.values import (
    SHARD,
    SIZE,
    STATISTICS,
    TRACKS,
)
from enformer_vep.genome.windows import Placement
from enformer_vep.inference.device import DEFAULT_CACHE_BYTES, PRECISIONS
from enformer_vep.io.genome.gene_choices import GENE_COLUMNS, GENE_WINDOWS
from enformer_vep.io.tables.outputs import DTYPES, LAYOUTS
from enformer_vep.run.setting_texts import format_bytes
from enformer_vep.run.settings import (
    DEFAULT_GENE_STATISTICS,
    DEFAULT_PART_SIZE,
    DEFAULT_STATISTICS,
    DEFAULT_TOLERANCE,
    GeneSettings,
    OutputSettings,
)

EFFECTS = (
    "SAD (change in counts), SAR (sum of log ratios by bin), SADR (log ratio of totals), sqrtSAD, SAX, SAXR, D1, "
    "logD1, D2, logD2, JS, logJS"
)

EXPLAINED = "docs/statistics.md explains them."

CHOSEN_TRACKS = cloup.option(
    "--tracks",
    callback=TRACKS,
    metavar="EXPR",
    help="Tracks to write, separated by commas: numbers from 0, ranges (0-9), identifiers, assay:NAME (assay:CAGE, "
    "assay:CHIP:HISTONE, assay:CTCF), /regular expression/ on the description, @FILE of any of these. A leading ! "
    "excludes. 'tracks EXPR' shows what is chosen.  [default: all]",
)

SHARE = cloup.option(
    "--shard",
    callback=SHARD,
    metavar="K/N",
    help="Only the K-th of N equal shares of the alleles. Join the outputs with 'merge'.",
)


def views(default_window: str) -> tuple[Any, ...]:
    """Returns the options that say how each allele is looked at.

    Args:
      default_window: the default placement of windows.
    """
    return (
        options.window(default_window),
        options.bins("that statistics are taken over", "variant, which costs less", ""),
        options.REVERSE_COMPLEMENT,
        options.SHIFTS,
        options.INDELS,
    )


INPUT = cloup.option_group(
    "Input",
    options.FASTA,
    options.CACHE,
    cloup.option(
        "--allow-mismatches",
        is_flag=True,
        help="Continue even if many REF alleles differ from FASTA, which suggests that it is of another assembly.",
    ),
    cloup.option("--strict", is_flag=True, help="Stop at the first allele that cannot be scored."),
)

OUTPUT = cloup.option_group(
    "Output",
    cloup.option(
        "-o",
        "--out",
        metavar="OUT",
        help="Output file: .parquet, .tsv or .tsv.gz, or - for text on standard output.  "
        "[default: the VCF's name with .MODEL.parquet]",
    ),
    cloup.option(
        "--stats",
        "statistics",
        callback=STATISTICS,
        default=DEFAULT_STATISTICS,
        show_default=True,
        metavar="LIST",
        help=f"Statistics to write, separated by commas: {EFFECTS}, REF, ALT. {EXPLAINED}",
    ),
    CHOSEN_TRACKS,
    options.TRACK_TABLE,
    cloup.option(
        "--annotate",
        metavar="VCF_OUT",
        help="Also write the scores into the INFO of a copy of VCF: .vcf, .vcf.gz or .bcf. 'annotate' does the same "
        "later.",
    ),
    cloup.option(
        "--layout",
        type=click.Choice(LAYOUTS),
        default=OutputSettings.layout,
        show_default=True,
        help="wide: one column per statistic and track. list: one list column per statistic (Parquet only). long: one "
        "row per allele and track.",
    ),
    cloup.option(
        "--dtype",
        type=click.Choice(DTYPES),
        default=OutputSettings.dtype,
        show_default=True,
        help="Number format of the scores.",
    ),
    cloup.option(
        "--summary",
        is_flag=True,
        help="Also write OUT.summary.tsv: one row per allele, with the strongest track of each assay.",
    ),
    cloup.option("--summary-only", is_flag=True, help="Write the summary to OUT instead of the scores."),
    options.DISCARD,
)

SELECTION = cloup.option_group(
    "Selection of variants",
    cloup.option(
        "--region",
        "regions",
        multiple=True,
        metavar="REGION",
        help="Only records in this region (chr:start-end or chr) or BED file. Can be repeated.",
    ),
    cloup.option("--pass-only", is_flag=True, help="Only records whose FILTER is PASS or missing."),
    cloup.option("--include-id", metavar="FILE", help="Only records with an ID that is listed in FILE, one per line."),
    SHARE,
)

VIEWS = cloup.option_group(
    "Windows, bins and strands",
    *views(str(Placement())),
)

GENES = cloup.option_group(
    "Genes",
    cloup.option(
        "-g",
        "--gtf",
        metavar="GTF",
        help="Also write OUT.genes.parquet, or .tsv beside text: the effect at the promoter of each gene of GTF that "
        "is in reach. GENCODE, Ensembl or RefSeq, plain or gzipped.",
    ),
    options.TRANSCRIPTS,
    cloup.option(
        "--gene-window",
        type=click.Choice(GENE_WINDOWS),
        default=GeneSettings.gene_window,
        show_default=True,
        help="variant: genes that start in the variant's scored bins, up to 57 kb away, at no cost. tss: in a window "
        "around each gene's start, so up to 98 kb away, at a pass for each allele and gene.",
    ),
    cloup.option(
        "--gene-bins",
        type=click.Choice([3, 10]),
        default=GeneSettings.gene_bins,
        show_default=True,
        help="Bins around each start that make up a promoter.",
    ),
    cloup.option(
        "--gene-stat",
        "gene_statistics",
        callback=STATISTICS,
        default=DEFAULT_GENE_STATISTICS,
        show_default=True,
        metavar="LIST",
        help="Statistics over these bins, as for --stats.",
    ),
    cloup.option(
        "--gene-tracks",
        callback=TRACKS,
        metavar="EXPR",
        help="Tracks on which genes are scored, as for --tracks, of those that --tracks leaves.  [default: assay:CAGE]",
    ),
    cloup.option(
        "--gene-columns",
        type=click.Choice(GENE_COLUMNS),
        default=GeneSettings.gene_columns,
        show_default=True,
        help="summary: the strongest track of each assay. tracks: one column per statistic and track.",
    ),
)

SPEED = cloup.option_group(
    "Speed and precision",
    options.precision(
        PRECISIONS,
        "mixed: alternate alleles as differences, with bfloat16 products; error about 1%. bfloat16: references "
        "too; about 5%. tf32 (GPU only): less exact than many effects.",
    ),
    options.engine("compute only what a variant changes.", "run both sequences through the whole model."),
    options.DEVICE,
    options.BATCH_SIZE,
    cloup.option(
        "--allow-nondeterministic",
        is_flag=True,
        help="Let a GPU use faster operations whose results differ a little from run to run. A CPU has none.",
    ),
    cloup.option(
        "--cache-size",
        "cache_bytes",
        callback=SIZE,
        default=format_bytes(DEFAULT_CACHE_BYTES),
        show_default=True,
        metavar="SIZE",
        help="Memory for results that windows share, in bytes or with K, M or G.",
    ),
    cloup.option(
        "--verify",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help="Score N alleles again with the full engine in float32, and fail if the results differ too much.",
    ),
    cloup.option(
        "--verify-tolerance",
        type=click.FloatRange(min=0),
        metavar="X",
        help="Largest accepted error, relative to the spread of an allele's scores.  "
        f"[default: {', '.join(f'{tolerance} for {name}' for name, tolerance in DEFAULT_TOLERANCE.items())}]",
    ),
)

RESTARTING = cloup.option_group(
    "Restarting and progress",
    cloup.option("--resume", is_flag=True, help="Continue an interrupted run. Start a new one if there is none."),
    cloup.option(
        "--part-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Alleles after which finished work is saved.  "
        f"[default: {', '.join(f'{size} on a {kind}' for kind, size in DEFAULT_PART_SIZE.items())}]",
    ),
    cloup.option("--log-json", metavar="FILE", help="Append the run's progress to FILE, as one JSON object per line."),
)

PERCENTILES = cloup.option_group(
    "Percentiles",
    cloup.option(
        "--background",
        metavar="BACKGROUND",
        help="Also write the signed percentile of each score among those of BACKGROUND, which 'background' makes: -1 "
        "below the lowest, 0 at the median, 1 above the highest.",
    ),
)
