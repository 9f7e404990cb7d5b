"""The options of `score`, and those that several commands have."""

from collections.abc import Sequence

from enformer_vep.genome.windows import DEFAULT_INDEL_POLICY, IndelPolicy, Placement
from enformer_vep.inference.device import DEFAULT_CACHE_BYTES, DEFAULT_GPU_BATCH_SIZE, PRECISIONS
from enformer_vep.io.genome.gene_choices import GENE_COLUMNS, GENE_WINDOWS, TRANSCRIPT_CHOICES
from enformer_vep.io.tables.outputs import DTYPES, LAYOUTS
from enformer_vep.options.kinds import Choice, Flag, Group, Number, Option, Parsed, Whole, group
from enformer_vep.options.values import (
    format_bytes,
    read_bins,
    read_bytes,
    read_device,
    read_regions,
    read_shifts,
    read_statistic,
    read_statistics,
    read_tracks,
)
from enformer_vep.run.settings import (
    DEFAULT_GENE_STATISTICS,
    DEFAULT_PART_SIZE,
    DEFAULT_STATISTICS,
    DEFAULT_TOLERANCE,
    ENGINES,
    CheckSettings,
    ComputeSettings,
    GeneSettings,
    OutputSettings,
    ScoringSettings,
    Shard,
)

EFFECTS = (
    "SAD (change in counts), SAR (sum of log ratios by bin), SADR (log ratio of totals), sqrtSAD, SAX, SAXR, D1, "
    "logD1, D2, logD2, JS, logJS"
)

EXPLAINED = "docs/statistics.md explains them."


STATISTICS_KIND = Parsed(read_statistics)
STATISTIC_KIND = Parsed(read_statistic)
TRACKS_KIND = Parsed(read_tracks)


def bins(what: str, centre: str, region: str) -> Option:
    """Returns --bins of a command; the arguments complete the sentences of its help."""
    return Option(
        "--bins",
        f"Bins {what}. all: the window's 896. centre:BP: those of BP bp around the {centre}. chr:start-end: those "
        f"that overlap a region{region}.",
        Parsed(read_bins),
        default="all",
        metavar="BINS",
    )


def window(default: str) -> Option:
    """Returns --window of a command whose windows are placed like this by default."""
    return Option(
        "--window",
        "Placement of windows. centred: on each variant, as in the official code. grid: up to 127 bp to the left, "
        "so that neighbours share work. shared:BP: one window for all variants within BP of its centre.",
        Parsed(Placement.parse),
        default=default,
        metavar="PLACE",
        parameter="placement",
    )


def precision(choices: Sequence[str], text: str) -> Option:
    """Returns --precision of a command that has these choices; the text says what they are for."""
    return Option("--precision", text, Choice(choices), default=ComputeSettings.precision)


def engine(reusing: str, full: str) -> Option:
    """Returns --engine of a command; the text says what the engines do."""
    return Option("--engine", f"reusing: {reusing} full: {full}", Choice(ENGINES), default=ComputeSettings.engine)


def out(text: str, metavar: str = "OUT") -> Option:
    """Returns -o of a command that always writes to a file or folder; the text says of which kind."""
    return Option("--out", text, metavar=metavar, short="-o", is_required=True)


def tracks(text: str) -> Option:
    """Returns --tracks of a command; the text says what is done with them."""
    return Option("--tracks", text, TRACKS_KIND, metavar="EXPR")


def stat(text: str, default: str | None = None, metavar: str = "NAME") -> Option:
    """Returns --stat of a command that takes one statistic."""
    return Option("--stat", text, STATISTIC_KIND, default=default, metavar=metavar, parameter="statistic")


def gtf(text: str) -> Option:
    """Returns -g of a command; the text says what is done with the genes."""
    return Option("--gtf", text, metavar="GTF", short="-g")


def overwrite(text: str) -> Option:
    """Returns --overwrite of a command; the text says what is replaced."""
    return Option("--overwrite", text, Flag())


def track_table(default: str) -> Option:
    """Returns --track-table of a command, with what names the tracks by default."""
    return Option(
        "--track-table",
        f"Table that names the tracks, such as targets_human.txt.  [default: {default}]",
        metavar="FILE",
    )


CACHE = Option(
    "--cache",
    "Folder of fetched weights, genomes and track tables.  [default: the user's cache folder]",
    metavar="DIR",
    variable="ENFORMER_VEP_CACHE",
)
FASTA = Option(
    "--fasta",
    "Reference genome: a file, plain or bgzipped, which is indexed on first use, or the name of a fetched genome, such "
    "as hg38.",
    metavar="FASTA",
    short="-f",
    variable="ENFORMER_VEP_FASTA",
)
TRACK_TABLE = track_table("the fetched one for the official weights, otherwise names are head and number")
REVERSE_COMPLEMENT = Option(
    "--reverse-complement", "Average the predictions of both strands, at twice the cost.", Flag()
)
SHIFTS = Option(
    "--shifts",
    "Average the predictions of windows in which the sequence is moved to the right by these numbers of bp, as in "
    "-1,0,1.",
    Parsed(read_shifts),
    default="0",
    metavar="LIST",
)
INDELS = Option(
    "--indels",
    "How alleles that change the length are compared. left: in the official window, whose left flank stays in place. "
    "average: also with the right flank in place. stitch: each side of the variant with its own flank in place. tower: "
    "both flanks in place on the grid of bins, in one pass.",
    Choice([policy.value for policy in IndelPolicy]),
    default=DEFAULT_INDEL_POLICY.value,
)
TRANSCRIPTS = Option(
    "--transcripts",
    "Transcripts whose starts count, by the tags of GTF.",
    Choice(TRANSCRIPT_CHOICES),
    default=GeneSettings.transcripts,
)
DEVICE = Option(
    "--device",
    "cpu, gpu or gpu:N.  [default: the first GPU if there is one, otherwise cpu]",
    Parsed(read_device),
    metavar="DEVICE",
)
BATCH_SIZE = Option(
    "--batch-size",
    f"Sequences that a GPU runs at a time. A CPU runs one.  [default: {DEFAULT_GPU_BATCH_SIZE}]",
    Whole(1),
    metavar="N",
)
CHOSEN_TRACKS = tracks(
    "Tracks to write, separated by commas: numbers from 0, ranges (0-9), identifiers, assay:NAME (assay:CAGE, "
    "assay:CHIP:HISTONE, assay:CTCF), /regular expression/ on the description, @FILE of any of these. A leading ! "
    "excludes. 'tracks EXPR' shows what is chosen.  [default: all]"
)
SHARD = Option(
    "--shard",
    "Only the K-th of N equal shares of the alleles. Join the outputs with 'merge'.",
    Parsed(Shard.parse),
    metavar="K/N",
)
OVERWRITE = overwrite("Overwrite existing files.")
REPLACE = overwrite("Replace the output of an earlier run.")
DISCARD = overwrite("Overwrite existing output, and discard an unfinished run.")

QUIET = Option("--quiet", "Print only warnings and errors.", Flag(), short="-q")
DEBUG = Option("--debug", "Print a traceback with an error.", Flag())
HELP = Option("--help", "Print this help and exit.", Flag(), short="-h")

GENERAL = group("General", QUIET, DEBUG, HELP)

MODEL = group(
    "Model",
    Option(
        "--model",
        "Checkpoint folder or prefix, SavedModel folder, .safetensors or PyTorch file, 'enformer' (the official "
        "weights) or 'demo' (a tiny model of a made-up genome).",
        default=ScoringSettings.model,
        metavar="MODEL",
        short="-m",
        variable="ENFORMER_VEP_MODEL",
    ),
    Option("--head", "Head that predicts the tracks: human or mouse.", default=ScoringSettings.head, metavar="HEAD"),
)


def views(default_window: str) -> Group:
    """Returns the options of windows and views, with the default placement of windows."""
    return group(
        "Windows, bins and strands",
        window(default_window),
        bins("that statistics are taken over", "variant, which costs less", ""),
        REVERSE_COMPLEMENT,
        SHIFTS,
        INDELS,
    )


SPEED = group(
    "Speed and precision",
    precision(
        PRECISIONS,
        "mixed: alternate alleles as differences, with bfloat16 products; error about 1%. bfloat16: references "
        "too; about 5%. tf32 (GPU only): less exact than many effects.",
    ),
    engine("compute only what a variant changes.", "run both sequences through the whole model."),
    DEVICE,
    BATCH_SIZE,
    Option(
        "--allow-nondeterministic",
        "Let a GPU use faster operations whose results differ a little from run to run. A CPU has none.",
        Flag(),
    ),
    Option(
        "--cache-size",
        "Memory for results that windows share, in bytes or with K, M or G.",
        Parsed(read_bytes),
        default=format_bytes(DEFAULT_CACHE_BYTES),
        metavar="SIZE",
        parameter="cache_bytes",
    ),
    Option(
        "--verify",
        "Score N alleles again with the full engine in float32, and fail if the results differ too much.",
        Whole(0),
        default=CheckSettings.verify,
        metavar="N",
    ),
    Option(
        "--verify-tolerance",
        "Largest accepted error, relative to the spread of an allele's scores.  "
        f"[default: {', '.join(f'{tolerance} for {name}' for name, tolerance in DEFAULT_TOLERANCE.items())}]",
        Number(0),
        metavar="X",
    ),
)

RESTARTING = group(
    "Restarting and progress",
    Option("--resume", "Continue an interrupted run. Start a new one if there is none.", Flag()),
    Option(
        "--part-size",
        "Alleles after which finished work is saved.  "
        f"[default: {', '.join(f'{size} on a {kind}' for kind, size in DEFAULT_PART_SIZE.items())}]",
        Whole(1),
        metavar="N",
    ),
    Option("--log-json", "Append the run's progress to FILE, as one JSON object per line.", metavar="FILE"),
)

SCORE = (
    group(
        "Input",
        FASTA,
        CACHE,
        Option(
            "--allow-mismatches",
            "Continue even if many REF alleles differ from FASTA, which suggests that it is of another assembly.",
            Flag(),
        ),
        Option("--strict", "Stop at the first allele that cannot be scored.", Flag()),
    ),
    group(
        "Output",
        Option(
            "--out",
            "Output file: .parquet, .tsv or .tsv.gz, or - for text on standard output.  [default: the VCF's name "
            "with .MODEL.parquet]",
            metavar="OUT",
            short="-o",
        ),
        Option(
            "--stats",
            f"Statistics to write, separated by commas: {EFFECTS}, REF, ALT. {EXPLAINED}",
            STATISTICS_KIND,
            default=DEFAULT_STATISTICS,
            metavar="LIST",
            parameter="statistics",
        ),
        CHOSEN_TRACKS,
        TRACK_TABLE,
        Option(
            "--annotate",
            "Also write the scores into the INFO of a copy of VCF: .vcf, .vcf.gz or .bcf. 'annotate' does the same "
            "later.",
            metavar="VCF_OUT",
        ),
        Option(
            "--layout",
            "wide: one column per statistic and track. list: one list column per statistic (Parquet only). long: "
            "one row per allele and track.",
            Choice(LAYOUTS),
            default=OutputSettings.layout,
        ),
        Option("--dtype", "Number format of the scores.", Choice(DTYPES), default=OutputSettings.dtype),
        Option(
            "--summary",
            "Also write OUT.summary.tsv: one row per allele, with the strongest track of each assay.",
            Flag(),
        ),
        Option("--summary-only", "Write the summary to OUT instead of the scores.", Flag()),
        DISCARD,
    ),
    group(
        "Percentiles",
        Option(
            "--background",
            "Also write the signed percentile of each score among those of BACKGROUND, which 'background' makes: "
            "-1 below the lowest, 0 at the median, 1 above the highest.",
            metavar="BACKGROUND",
        ),
    ),
    MODEL,
    group(
        "Selection of variants",
        Option(
            "--region",
            "Only records in this region (chr:start-end or chr) or BED file. Can be repeated.",
            Parsed(read_regions),
            metavar="REGION",
            parameter="regions",
            is_repeated=True,
        ),
        Option("--pass-only", "Only records whose FILTER is PASS or missing.", Flag()),
        Option("--include-id", "Only records with an ID that is listed in FILE, one per line.", metavar="FILE"),
        SHARD,
    ),
    views(str(Placement())),
    group(
        "Genes",
        gtf(
            "Also write OUT.genes.parquet, or .tsv beside text: the effect at the promoter of each gene of GTF "
            "that is in reach. GENCODE, Ensembl or RefSeq, plain or gzipped."
        ),
        TRANSCRIPTS,
        Option(
            "--gene-window",
            "variant: genes that start in the variant's scored bins, up to 57 kb away, at no cost. tss: in a "
            "window around each gene's start, so up to 98 kb away, at a pass for each allele and gene.",
            Choice(GENE_WINDOWS),
            default=GeneSettings.gene_window,
        ),
        Option(
            "--gene-bins",
            "Bins around each start that make up a promoter.",
            Choice([3, 10]),
            default=GeneSettings.gene_bins,
        ),
        Option(
            "--gene-stat",
            "Statistics over these bins, as for --stats.",
            STATISTICS_KIND,
            default=DEFAULT_GENE_STATISTICS,
            metavar="LIST",
            parameter="gene_statistics",
        ),
        Option(
            "--gene-tracks",
            "Tracks on which genes are scored, as for --tracks, of those that --tracks leaves.  [default: assay:CAGE]",
            TRACKS_KIND,
            metavar="EXPR",
        ),
        Option(
            "--gene-columns",
            "summary: the strongest track of each assay. tracks: one column per statistic and track.",
            Choice(GENE_COLUMNS),
            default=GeneSettings.gene_columns,
        ),
    ),
    SPEED,
    RESTARTING,
    GENERAL,
)
