"""The options of every command, in the groups in which its help shows them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from enformer_vep.fetch.remote import SOURCES
from enformer_vep.genome.windows import Placement
from enformer_vep.options import scoring
from enformer_vep.options.kinds import Choice, Flag, Group, Number, Option, Whole
from enformer_vep.options.scoring import (
    CACHE,
    CHOSEN_TRACKS,
    DEBUG,
    DEVICE,
    DISCARD,
    FASTA,
    GENERAL,
    HELP,
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
from enformer_vep.run.explain.contribution_settings import (
    DEFAULT_MAX_GRADIENTS,
    DEFAULT_VARIANT_BP,
    MEANS_BY,
    MethodSettings,
)
from enformer_vep.run.explain.saturate_settings import (
    DEFAULT_MAX_ALLELES,
    DEFAULT_WINDOW,
    MAX_DELETION_BP,
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
from enformer_vep.run.report.settings import DEFAULT_TOP, MAX_TOP
from enformer_vep.run.settings import DEFAULT_STATISTICS, ScoringSettings


def _at_most(name: str, default: int, text: str) -> Option:
    """Returns the option of a bound for a run's cost; the text ends the sentence 'Stop before the model runs if'."""
    return Option(name, f"Stop before the model runs if {text}", Whole(1), default=default, metavar="N")


def _modisco(text: str) -> Option:
    return Option("--modisco", text, metavar="PREFIX")


_PREDICT_SPEED = Group(
    "Speed and precision",
    (
        scoring.precision(PREDICT_PRECISIONS, "tf32 (GPU only) is less exact."),
        scoring.engine(
            "compute only once what windows share, and what a variant changes.",
            "run each sequence through the whole model.",
        ),
        DEVICE,
        scoring.BATCH_SIZE,
    ),
)

_PREDICT = (
    Group(
        "Input",
        (
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
    ),
    Group(
        "Output",
        (
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
    ),
    MODEL,
    Group(
        "Windows and strands",
        (
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
    ),
    _PREDICT_SPEED,
    GENERAL,
)

_PLOT = (
    Group(
        "Input",
        (
            FASTA,
            CACHE,
            scoring.gtf("Also draw the genes of GTF: GENCODE, Ensembl or RefSeq, plain or gzipped."),
            TRANSCRIPTS,
        ),
    ),
    Group(
        "Output",
        (
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
    ),
    Group(
        "What is shown",
        (
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
    ),
    MODEL,
    Group("Windows and strands", (scoring.window(str(Placement())), REVERSE_COMPLEMENT, SHIFTS, INDELS)),
    _PREDICT_SPEED,
    GENERAL,
)

_SATURATE = (
    Group("Input", (FASTA, CACHE)),
    Group(
        "Changes",
        (
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
    ),
    Group(
        "Output",
        (
            scoring.out(
                "Output: .parquet (a row per allele), or arrays of bases, letters and tracks as .npz or .zarr."
            ),
            scoring.stat(
                f"Statistic to write: {scoring.EFFECTS}. {scoring.EXPLAINED}", DEFAULT_STATISTICS, metavar="STAT"
            ),
            CHOSEN_TRACKS,
            TRACK_TABLE,
            DISCARD,
        ),
    ),
    MODEL,
    scoring.views(DEFAULT_WINDOW),
    scoring.SPEED,
    scoring.RESTARTING,
    GENERAL,
)

_DERIVE = (
    Group(
        "Outputs",
        (
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
    ),
    Group(
        "Choice",
        (
            Option(
                "--mean-of",
                "Letters whose mean is taken off. 4: all, the genome's own counted as 0, as tangermeme does. 3: the "
                "others, as AlphaGenome and Chorus do.",
                Choice(("4", "3")),
                default="4",
            ),
            scoring.tracks(
                "Tracks to use, as for 'score --tracks', of those of the saturation.  [default: all of them]"
            ),
        ),
    ),
    GENERAL,
)

_CONTRIBUTIONS = (
    Group(
        "Input",
        (
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
    ),
    Group(
        "Output",
        (
            scoring.out(
                "Folder for one bigWig file per track (regions only), or a table (.parquet), or arrays (.npz, .zarr)."
            ),
            _modisco("Also write PREFIX.ohe.npz and PREFIX.hypothetical.npz, which TF-MoDISco reads."),
            REPLACE,
        ),
    ),
    MODEL,
    Group(
        "What is explained",
        (
            scoring.tracks(
                "Tracks to explain, as for 'score --tracks'. Required unless --mean-by is given, then all by default."
            ),
            TRACK_TABLE,
            Option(
                "--mean-by",
                "track: each track by itself. group: the mean of the tracks of each assay. all: the mean of all "
                "tracks.",
                Choice(MEANS_BY),
                default=MethodSettings.mean_by,
            ),
            scoring.bins("whose predictions are added up", "middle", ", such as a promoter"),
            REVERSE_COMPLEMENT,
        ),
    ),
    Group(
        "Method",
        (
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
    ),
    GENERAL,
)

_REPORT = (
    Group(
        "Output",
        (
            scoring.out("The page, such as report.html.", "PAGE"),
            replace(
                scoring.stat(
                    "Statistic to show.  [default: the first of SADR and SAR that SCORES has, or its first]",
                    metavar="STAT",
                ),
                parameter=None,
            ),
            Option(
                "--top",
                f"Strongest alleles to show in detail, at most {MAX_TOP}.",
                Whole(0, MAX_TOP),
                default=DEFAULT_TOP,
                metavar="N",
            ),
            OVERWRITE,
        ),
    ),
    Group(
        "Genes, and logos of the strongest alleles",
        (
            scoring.gtf(
                "Genes: the nearest one of each allele, if the run has no genes, and those below the profiles."
            ),
            Option(
                "--saturation",
                "Output of 'saturate': show a logo of each strongest allele in its regions. Can be repeated.",
                metavar="SATURATION",
                parameter="saturations",
                is_repeated=True,
            ),
            Option(
                "--contributions",
                "Output of 'contributions' (.parquet, .npz or .zarr): the same, of REF and ALT if it has both. Can be "
                "repeated.",
                metavar="CONTRIBUTIONS",
                is_repeated=True,
            ),
        ),
    ),
    Group(
        "Profiles of the strongest alleles",
        (
            replace(FASTA, help="The genome of the run: a file or a fetched genome.", variable=None),
            replace(MODEL.options[0], help="The model of the run, as for 'score'.", variable=None, default=None),
            DEVICE,
            CACHE,
        ),
    ),
    GENERAL,
)

_ANNOTATE = (
    Group(
        "Output",
        (
            scoring.out(
                "VCF to write: .vcf, .vcf.gz (bgzip) or .bcf. A sorted .vcf.gz or .bcf gets an index beside it."
            ),
            scoring.stat("Statistic to write, of those of SCORES.  [default: the first one]"),
            replace(
                scoring.tracks(
                    "Tracks that also get a field of their own, with a number for each ALT allele: numbers, ranges, "
                    "identifiers, assay:NAME, /regular expression/, @FILE, as for 'score --tracks'."
                ),
                name="--info",
            ),
            OVERWRITE,
        ),
    ),
    Group(
        "For Ensembl's VEP",
        (
            Option(
                "--vep-plugin",
                "Write the VCF that VEP's plugin Enformer reads instead: sorted .vcf.gz, one line per scored allele, "
                "with SAD and SAR of the track whose SAR is largest, among those of --info.",
                Flag(),
            ),
            Option(
                "--components",
                "Table that 'components' made of SCORES: its components go before SAD. Only with --vep-plugin.",
                metavar="FILE",
            ),
        ),
    ),
    GENERAL,
)

_BACKGROUND = (
    Group("Output", (scoring.out("Output file, which 'score' reads.", "BACKGROUND"), OVERWRITE)),
    Group(
        "DeepMind's scores of the 1000 Genomes variants",
        (
            Option(
                "--from-1000g",
                "SCORES are the published files 1000G.MAF_threshold=0.005.CHROM.h5. Only SNVs are taken. Needs h5py.",
                Flag(),
            ),
            Option(
                "--scale",
                "Whether the scores in these files are means or sums over the 896 bins, which the files do not say.",
                Choice(("mean", "sum")),
            ),
            replace(
                FASTA,
                help="The genome hg19. Where it has alt instead of ref, the sign of scores is turned.  [default: trust "
                "ref]",
                variable=None,
            ),
        ),
    ),
    GENERAL,
)

_COMPONENTS = (
    Group(
        "Components",
        (
            scoring.out("Output file: .parquet, .tsv or .tsv.gz, or - for text on standard output."),
            Option("--transform", "Transform to apply: what --fit or 'convert-transform' wrote.", metavar="FILE"),
            Option(
                "--fit",
                "Fit a transform to SCORES, write it to FILE (.npz) and apply it. Needs the extra 'components'.",
                metavar="FILE",
            ),
            Option("--num", "Number of components, the largest first.", Whole(1), default=20, metavar="N"),
            scoring.stat("Statistic to fit.  [default: SAD, or the one of --transform]"),
            OVERWRITE,
        ),
    ),
    GENERAL,
)

_CONVERT_TRANSFORM = (
    Group(
        "Conversion",
        (
            Option("--trust-pickle", "Allow the code that PICKLE holds to run.", Flag(), parameter="is_trusted"),
            scoring.track_table("they are known by their numbers"),
            Option("--head", "Head of the tracks.", default=ScoringSettings.head, metavar="HEAD"),
            scoring.stat("Statistic that the transform takes.", DEFAULT_STATISTICS),
            Option(
                "--divisor",
                "What scores are divided by first. DeepMind's transform takes means over 896 bins, and SAD is a sum.",
                Number(0, is_open=True),
                default=896,
                metavar="X",
            ),
            Option("--any-weights", "Accept scores of any weights, not only of the published ones.", Flag()),
            OVERWRITE,
        ),
    ),
    GENERAL,
)

_FETCH = (
    Group(
        "Fetching",
        (
            CACHE,
            Option(
                "--mirror",
                "Web folder to download from. It has the files at the places that --plan prints.",
                metavar="URL",
                variable="ENFORMER_VEP_MIRROR",
            ),
            Option(
                "--source",
                "Where the weights come from: DeepMind's public bucket, or Kaggle or Hugging Face through their own "
                "clients (pip install 'enformer-vep[kaggle]' or 'enformer-vep[huggingface]').",
                Choice(SOURCES),
                default=SOURCES[0],
            ),
            Option(
                "--plan", "Print URLs, sizes, checksums and places, and fetch nothing.", Flag(), parameter="is_plan"
            ),
            Option("--force", "Fetch again what is there, and replace it.", Flag()),
        ),
    ),
    GENERAL,
)

COMMANDS: Mapping[str, tuple[Group, ...]] = MappingProxyType(
    {
        "score": scoring.SCORE,
        "predict": _PREDICT,
        "plot": _PLOT,
        "saturate": _SATURATE,
        "derive": _DERIVE,
        "contributions": _CONTRIBUTIONS,
        "report": _REPORT,
        "merge": (Group("Output", (OVERWRITE,)), GENERAL),
        "annotate": _ANNOTATE,
        "tracks": (
            Group(
                "Tracks",
                (
                    scoring.track_table("the one beside the model, or the fetched one"),
                    CACHE,
                    Option("--tsv", "Print tab-separated text on a terminal too.", Flag()),
                ),
            ),
            MODEL,
            GENERAL,
        ),
        "background": _BACKGROUND,
        "components": _COMPONENTS,
        "convert-transform": _CONVERT_TRANSFORM,
        "fetch": _FETCH,
        "model": (
            Group("Input", (CACHE,)),
            Group("Output", (Option("--json", "Print JSON, with all names.", Flag(), parameter="as_json"),)),
            Group("General", (DEBUG, HELP)),
        ),
        "convert": (Group("Input", (CACHE,)), Group("Output", (OVERWRITE,)), GENERAL),
        "demo": (Group("Output", (OVERWRITE,)), GENERAL),
    }
)
"""The groups of options of each command."""


def options_of(command: str) -> dict[str, Option]:
    """Returns the options of a command by their names in Python."""
    return {option.argument: option for group in COMMANDS[command] for option in group.options}


def option_named(name: str) -> Option:
    """Returns the option of a long or short name, such as '--model' or '-m', in the first command that has it.

    Raises:
      KeyError: no command has it.
    """
    for command in COMMANDS:
        for option in options_of(command).values():
            if name in (option.name, option.short):
                return option
    raise KeyError(name)
