"""The options of every command, in the groups in which its help shows them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from enformer_vep.fetch.remote import SOURCES
from enformer_vep.options import predictions, scoring
from enformer_vep.options.kinds import Choice, Flag, Group, Number, Option, Whole, group
from enformer_vep.options.scoring import CACHE, DEBUG, DEVICE, FASTA, GENERAL, HELP, MODEL, OVERWRITE
from enformer_vep.run.report.settings import DEFAULT_TOP, MAX_TOP
from enformer_vep.run.settings import DEFAULT_STATISTICS, ScoringSettings

_REPORT = (
    group(
        "Output",
        scoring.out("The page, such as report.html.", "PAGE"),
        scoring.stat(
            "Statistic to show.  [default: the first of SADR and SAR that SCORES has, or its first]", metavar="STAT"
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
    group(
        "Genes, and logos of the strongest alleles",
        scoring.gtf("Genes: the nearest one of each allele, if the run has no genes, and those below the profiles."),
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
    group(
        "Profiles of the strongest alleles",
        replace(FASTA, help="The genome of the run: a file or a fetched genome.", variable=None),
        replace(MODEL.options[0], help="The model of the run, as for 'score'.", variable=None, default=None),
        DEVICE,
        CACHE,
    ),
    GENERAL,
)

_ANNOTATE = (
    group(
        "Output",
        scoring.out("VCF to write: .vcf, .vcf.gz (bgzip) or .bcf. A sorted .vcf.gz or .bcf gets an index beside it."),
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
    group(
        "For Ensembl's VEP",
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
    GENERAL,
)

_BACKGROUND = (
    group("Output", scoring.out("Output file, which 'score' reads.", "BACKGROUND"), OVERWRITE),
    group(
        "DeepMind's scores of the 1000 Genomes variants",
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
    GENERAL,
)

_COMPONENTS = (
    group(
        "Components",
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
    GENERAL,
)

_CONVERT_TRANSFORM = (
    group(
        "Conversion",
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
    GENERAL,
)

_FETCH = (
    group(
        "Fetching",
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
        Option("--plan", "Print URLs, sizes, checksums and places, and fetch nothing.", Flag(), parameter="is_plan"),
        Option("--force", "Fetch again what is there, and replace it.", Flag()),
    ),
    GENERAL,
)

COMMANDS: Mapping[str, tuple[Group, ...]] = MappingProxyType(
    {
        "score": scoring.SCORE,
        "predict": predictions.PREDICT,
        "plot": predictions.PLOT,
        "saturate": predictions.SATURATE,
        "derive": predictions.DERIVE,
        "contributions": predictions.CONTRIBUTIONS,
        "report": _REPORT,
        "merge": (group("Output", OVERWRITE), GENERAL),
        "annotate": _ANNOTATE,
        "tracks": (
            group(
                "Tracks",
                scoring.track_table("the one beside the model, or the fetched one"),
                CACHE,
                Option("--tsv", "Print tab-separated text on a terminal too.", Flag()),
            ),
            MODEL,
            GENERAL,
        ),
        "background": _BACKGROUND,
        "components": _COMPONENTS,
        "convert-transform": _CONVERT_TRANSFORM,
        "fetch": _FETCH,
        "model": (
            group("Input", CACHE),
            group("Output", Option("--json", "Print JSON, with all names.", Flag(), parameter="as_json")),
            group("General", DEBUG, HELP),
        ),
        "convert": (group("Input", CACHE), group("Output", OVERWRITE), GENERAL),
        "demo": (group("Output", OVERWRITE), GENERAL),
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
