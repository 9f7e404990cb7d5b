"""Options that several commands have, of one name and meaning in all of them."""

import cloup

from enformer_vep.run.settings import ScoringSettings

CACHE = cloup.option(
    "--cache",
    envvar="ENFORMER_VEP_CACHE",
    show_envvar=True,
    metavar="DIR",
    help="Folder of fetched weights, genomes and track tables.  [default: the user's cache folder]",
)

MODEL = cloup.option_group(
    "Model",
    cloup.option(
        "-m",
        "--model",
        default=ScoringSettings.model,
        envvar="ENFORMER_VEP_MODEL",
        show_envvar=True,
        show_default=True,
        metavar="MODEL",
        help="Checkpoint folder or prefix, SavedModel folder, .safetensors or PyTorch file, 'enformer' (the official "
        "weights) or 'demo' (a tiny model of a made-up genome).",
    ),
    cloup.option(
        "--head",
        default=ScoringSettings.head,
        show_default=True,
        metavar="HEAD",
        help="Head that predicts the tracks: human or mouse.",
    ),
)

QUIET = cloup.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors.")

DEBUG = cloup.option("--debug", is_flag=True, help="Print a traceback with an error.")

HELP = cloup.help_option("-h", "--help", help="Print this help and exit.")

GENERAL = cloup.option_group("General", QUIET, DEBUG, HELP)

DEBUGGING = cloup.option_group("General", DEBUG, HELP)

FORCE = cloup.option("--overwrite", is_flag=True, help="Overwrite existing files.")
