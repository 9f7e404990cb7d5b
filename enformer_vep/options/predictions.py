"""The options of the commands that run the model besides `score`, and of `derive`."""

from enformer_vep.genome.windows import Placement
from enformer_vep.options import scoring
from enformer_vep.options.kinds import Choice, Flag, Number, Option, Whole, group
from enformer_vep.options.scoring import (
    CACHE,
    CHOSEN_TRACKS,
    DEVICE,
    DISCARD,
    FASTA,
    GENERAL,
    INDELS,
    MODEL,
    OVERWRITE,
    REPLACE,
    REVERSE_COMPLEMENT,
    SHARD,
    SHIFTS,
    TRACK_TABLE,
    TRANSCRIPTS,
)
from enformer_vep.run.explain.settings import (
    DEFAULT_MAX_ALLELES,
    DEFAULT_MAX_GRADIENTS,
    DEFAULT_SATURATE_WINDOW,
    DEFAULT_VARIANT_BP,
    MAX_DELETION_BP,
    MEANS_BY,
    MethodSettings,
    SaturateSettings,
)
from enformer_vep.run.plot.settings import (
    DEFAULT_LOGO_BP,
    DEFAULT_NUM_TRACKS,
    DEFAULT_WIDTH_MM,
    LOGO_BY,
    MAX_LOGO_BP,
    MAX_TRACKS,
    MAX_WIDTH_MM,
    MIN_WIDTH_MM,
    PageSettings,
)
from enformer_vep.run.predict.settings import DEFAULT_MAX_WINDOWS, PREDICT_PRECISIONS, PredictInputSettings
from enformer_vep.run.settings import DEFAULT_STATISTICS


def _at_most(name: str, default: int, text: str) -> Option:
    """Returns the option of a bound for a run's cost; the text ends the sentence 'Stop before the model runs if'."""
    return Option(name, f"Stop before the model runs if {text}", Whole(1), default=default, metavar="N")


def _modisco(text: str) -> Option:
    return Option("--modisco", text, metavar="PREFIX")


_PREDICT_SPEED = group(
    "Speed and precision",
    scoring.precision(PREDICT_PRECISIONS, "tf32 (GPU only) is less exact."),
    scoring.engine(
        "compute only once what windows share, and what a variant changes.",
        "run each sequence through the whole model.",
    ),
    DEVICE,
    scoring.BATCH_SIZE,
)

PREDICT = (
    group(
        "Input",
        FASTA,
        CACHE,
        Option(
            "--vcf",
            "Both alleles of variants instead of regions: a VCF, BCF or list, - for standard input, or a variant "
            "such as chr1:1000:A:G. Can be repeated.",
            metavar="VCF",
            parameter="variants",
            is_repeated=True,
        ),
        _at_most(
            "--max-windows",
            DEFAULT_MAX_WINDOWS,
            "more windows than this are needed. A window predicts 114,688 bp, and an allele takes two.",
        ),
    ),
    group(
        "Output",
        scoring.out(
            "Folder for one bigWig file per track, or a table of all tracks (.parquet), or a Zarr store (.zarr), "
            "by the name's ending."
        ),
        scoring.tracks(
            "Tracks to write, as for 'score --tracks': numbers, ranges, identifiers, assay:NAME, /regular "
            "expression/, @FILE. Required for bigWig files.  [default for .parquet and .zarr: all]"
        ),
        TRACK_TABLE,
        REPLACE,
    ),
    MODEL,
    group(
        "Windows and strands",
        Option(
            "--windows-per-bin",
            "Average the predictions of N overlapping windows in each bin of a region, at N times the cost. N must "
            "divide 896.",
            Whole(1),
            default=PredictInputSettings.windows_per_bin,
            metavar="N",
        ),
        scoring.window(str(Placement())),
        INDELS,
        REVERSE_COMPLEMENT,
        SHIFTS,
    ),
    _PREDICT_SPEED,
    GENERAL,
)

PLOT = (
    group(
        "Input",
        FASTA,
        CACHE,
        scoring.gtf("Also draw the genes of GTF: GENCODE, Ensembl or RefSeq, plain or gzipped."),
        TRANSCRIPTS,
    ),
    group(
        "Output",
        scoring.out(
            "Picture: .png, .svg or .pdf. Of several variants, a PDF has a page for each; otherwise each gets a "
            "file with its name in it, such as FILE.chr1_1000_A_G.png.",
            "FILE",
        ),
        Option(
            "--width",
            "Width in print. 85 is a column of most journals, 180 a page.",
            Number(MIN_WIDTH_MM, MAX_WIDTH_MM),
            default=DEFAULT_WIDTH_MM,
            metavar="MM",
            parameter="width_mm",
        ),
        OVERWRITE,
    ),
    group(
        "What is shown",
        scoring.tracks(
            "Tracks to show, as for 'score --tracks': numbers, ranges, identifiers, assay:NAME, /regular "
            f"expression/, @FILE; at most {MAX_TRACKS}.  [default: those with the largest effect]"
        ),
        Option(
            "--top",
            "Of these tracks, show only the N with the largest effect of the variant (SADR over all bins, in "
            f"either direction).  [default: all that --tracks chooses, otherwise {DEFAULT_NUM_TRACKS}]",
            Whole(1, MAX_TRACKS),
            metavar="N",
        ),
        TRACK_TABLE,
        Option(
            "--span",
            "Show this many bp to each side of the variant.  [default: all scored bins, about 57,000]",
            Whole(1),
            metavar="BP",
            parameter="span_bp",
        ),
        Option(
            "--logo",
            "Also draw the sequence around the variant, of both alleles, with letters as high as each base is "
            "important.",
            Flag(),
        ),
        Option(
            "--logo-by",
            "What letters are as high as. saturation: the mean effect of a base's three substitutions, which is "
            "exact and takes six alleles for each base. contributions: gradient times input, as in "
            "'contributions', which is first order and takes a gradient for each allele and track.  [default: "
            f"{PageSettings.logo_by}]",
            Choice(LOGO_BY),
        ),
        Option(
            "--logo-bp",
            f"Bases to each side of the variant in logos.  [default: {DEFAULT_LOGO_BP}]",
            Whole(1, MAX_LOGO_BP),
            metavar="N",
        ),
    ),
    MODEL,
    group("Windows and strands", scoring.window(str(Placement())), REVERSE_COMPLEMENT, SHIFTS, INDELS),
    _PREDICT_SPEED,
    GENERAL,
)

SATURATE = (
    group("Input", FASTA, CACHE),
    group(
        "Changes",
        Option(
            "--deletions",
            "Also every deletion of 1 to N bp.",
            Whole(0, MAX_DELETION_BP),
            default=SaturateSettings.max_deletion_bp,
            metavar="N",
            parameter="max_deletion_bp",
        ),
        _at_most("--max-alleles", DEFAULT_MAX_ALLELES, "there are more alleles than this. Each base has three."),
        SHARD,
    ),
    group(
        "Output",
        scoring.out("Output: .parquet (a row per allele), or arrays of bases, letters and tracks as .npz or .zarr."),
        scoring.stat(f"Statistic to write: {scoring.EFFECTS}. {scoring.EXPLAINED}", DEFAULT_STATISTICS, metavar="STAT"),
        CHOSEN_TRACKS,
        TRACK_TABLE,
        DISCARD,
    ),
    MODEL,
    scoring.views(DEFAULT_SATURATE_WINDOW),
    scoring.SPEED,
    scoring.RESTARTING,
    GENERAL,
)

DERIVE = (
    group(
        "Outputs",
        Option("--effects", "The effects as arrays of bases, letters and tracks: .npz or .zarr.", metavar="OUT"),
        Option("--centred", "The same less their mean at each base: .npz or .zarr.", metavar="OUT"),
        Option(
            "--importance",
            "One bigWig file per track: the centred effect of the genome's own letter at each base, positive where "
            "the base raises the prediction.",
            metavar="DIR",
        ),
        _modisco(
            "PREFIX.ohe.npz and PREFIX.hypothetical.npz for 'modisco motifs -s -a': centred effects, the mean of "
            "the tracks. Needs regions of one length."
        ),
        OVERWRITE,
    ),
    group(
        "Choice",
        Option(
            "--mean-of",
            "Letters whose mean is taken off. 4: all, the genome's own counted as 0, as tangermeme does. 3: the "
            "others, as AlphaGenome and Chorus do.",
            Choice(("4", "3")),
            default="4",
        ),
        scoring.tracks("Tracks to use, as for 'score --tracks', of those of the saturation.  [default: all of them]"),
    ),
    GENERAL,
)

CONTRIBUTIONS = (
    group(
        "Input",
        FASTA,
        CACHE,
        Option(
            "--width",
            "Bases to write around the middle of each region or around each variant; the window has 196,608.  "
            f"[default: the region's own; {DEFAULT_VARIANT_BP} around a variant]",
            Whole(1),
            metavar="BP",
            parameter="width_bp",
        ),
        _at_most(
            "--max-gradients",
            DEFAULT_MAX_GRADIENTS,
            "this takes more gradients: one per sequence and track or mean, times --steps, and twice as many with "
            "--reverse-complement.",
        ),
    ),
    group(
        "Output",
        scoring.out(
            "Folder for one bigWig file per track (regions only), or a table (.parquet), or arrays (.npz, .zarr)."
        ),
        _modisco("Also write PREFIX.ohe.npz and PREFIX.hypothetical.npz, which TF-MoDISco reads."),
        REPLACE,
    ),
    MODEL,
    group(
        "What is explained",
        scoring.tracks(
            "Tracks to explain, as for 'score --tracks'. Required unless --mean-by is given, then all by default."
        ),
        TRACK_TABLE,
        Option(
            "--mean-by",
            "track: each track by itself. group: the mean of the tracks of each assay. all: the mean of all tracks.",
            Choice(MEANS_BY),
            default=MethodSettings.mean_by,
        ),
        scoring.bins("whose predictions are added up", "middle", ", such as a promoter"),
        REVERSE_COMPLEMENT,
    ),
    group(
        "Method",
        Option(
            "--steps",
            "Integrated gradients: the mean of N gradients on the way from all zeros to the sequence.  [default: "
            "the gradient at the sequence]",
            Whole(1),
            metavar="N",
        ),
        Option(
            "--uncorrected",
            "Do not take the mean over the four letters from the gradient of each position, as in the Enformer "
            "notebook.",
            Flag(),
        ),
        DEVICE,
    ),
    GENERAL,
)
