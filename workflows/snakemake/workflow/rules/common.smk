# The configuration: checked before anything runs, and turned into names of files and command-line options.

import json
import os
import sys
from glob import escape
from hashlib import sha256
from pathlib import Path
from shlex import quote, split

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from snakemake.utils import validate

SCHEMA = Path(workflow.basedir) / "schemas" / "config.schema.yaml"

# Options that the workflow gives itself, or that have an item of the configuration.
OWN_OPTIONS = {
    "score": {
        "-o": "", "--out": "", "--shard": "shards", "--resume": "", "--overwrite": "", "--annotate": "annotate",
        "-f": "fasta", "--fasta": "fasta", "-m": "model", "--model": "model", "-g": "gtf", "--gtf": "gtf",
        "--summary": "summary", "--summary-only": "summary", "--device": "device", "--log-json": "",
    },
    "annotate": {"-o": "", "--out": "", "--overwrite": "", "--vep-plugin": ""},
    "report": {
        "-o": "", "--out": "", "--overwrite": "", "-f": "fasta", "--fasta": "fasta", "-m": "model", "--model": "model",
        "-g": "gtf", "--gtf": "gtf",
    },
}  # fmt: skip

MODEL_NAMES = ("enformer", "demo")
MODEL_FILES = (
    "*.index", "*.data-*", "checkpoint", "variables/variables.*", "config.json", "tracks_*.tsv", "*.safetensors", "*.bin",
    "*.pt", "*.pth",
)  # fmt: skip
"""What is read of a folder of weights."""
FASTA_SUFFIXES = (".fa", ".fasta", ".fna", ".fas", ".gz", ".bgz")
"""What ends so is a file, not the name of a fetched genome."""


def refuse(message):
    """Ends Snakemake with one line; an exception would be shown with the rows of this file that it passed."""
    sys.exit(f"error: {message}")


def check_schema():
    """Stops with one line for the worst fault; fills in the defaults."""
    schema = yaml.safe_load(SCHEMA.read_text())
    fault = best_match(Draft202012Validator(schema).iter_errors(dict(config)))
    if fault is not None:
        where = ".".join(str(step) for step in fault.absolute_path)
        if fault.validator == "additionalProperties":
            known = ", ".join(fault.schema["properties"])
            refuse(f"config{'.' if where else ''}{where}: {fault.message}; the items are {known}")
        expected = fault.schema.get("description", "")
        refuse(f"config{'.' if where else ''}{where}: {fault.message}{expected and '; it is '}{expected}")
    validate(config, str(SCHEMA))


def check_files():
    """Stops with one line if a file of the configuration is not there."""
    for item in ("vcf", "gtf"):
        if config[item] and not Path(config[item]).is_file():
            refuse(f"config.{item}: no such file: {config[item]} (in {Path.cwd()})")
    if config["model"] not in MODEL_NAMES and not model_files():
        expected = "expected enformer, demo, a file or folder of weights, or a checkpoint's prefix"
        refuse(f"config.model: no such weights: {config['model']} (in {Path.cwd()}); {expected}")
    is_name = Path(config["fasta"]).name == config["fasta"] and not config["fasta"].lower().endswith(FASTA_SUFFIXES)
    if (config["normalise"] or not is_name) and not Path(config["fasta"]).is_file():
        why = ": bcftools norm needs a file, as in CACHE/genomes/hg38.fa.gz" if config["normalise"] else ""
        refuse(f"config.fasta: no such file: {config['fasta']} (in {Path.cwd()}){why}")


def model_files():
    """The files of the weights, if the model is given by its path; a name is the tool's to find."""
    path = Path(config["model"])
    if config["model"] in MODEL_NAMES:
        return []
    if path.is_dir():
        return sorted({str(file) for pattern in MODEL_FILES for file in path.glob(pattern) if file.is_file()})
    prefix = path.with_name(path.name.removesuffix(".index"))
    if prefix.with_name(f"{prefix.name}.index").is_file():
        patterns = (f"{escape(prefix.name)}.index", f"{escape(prefix.name)}.data-*", "config.json", "tracks_*.tsv")
        return sorted(str(file) for pattern in patterns for file in prefix.parent.glob(pattern))
    return [config["model"]] if path.is_file() else []


def words_of(step):
    """The words of a step's further options, as a shell reads them."""
    try:
        return split(config["options"][step])
    except ValueError as error:
        refuse(f"config.options.{step}: {error}")


def check_options():
    """Stops with one line if further options repeat what the workflow sets."""
    for step, own in OWN_OPTIONS.items():
        for word in words_of(step):
            option = word.partition("=")[0]
            if option in own:
                instead = f": set config.{own[option]}" if own[option] else ""
                refuse(f"config.options.{step}: {option} is set by the workflow{instead}")


check_schema()
check_files()
check_options()

SHARDS = config["shards"]
TABLE = f"scores.{config['format']}"
GENES = "genes.parquet" if config["format"] == "parquet" else "genes.tsv"
VCF = "results/normalised.vcf.gz" if config["normalise"] else config["vcf"]


wildcard_constraints:
    shard=r"\d+",
    shards=r"\d+",


def beside(table):
    """The files that `score` and `merge` write with a table, and the table itself, by name."""
    files = {"table": table, "skipped": f"{table}.skipped.tsv", "record": f"{table}.run.json"}
    if config["summary"]:
        files["summary"] = f"{table}.summary.tsv"
    if config["gtf"]:
        files["genes"] = f"{table}.{GENES}"
    if config["format"] != "parquet":
        files["tracks"] = f"{table}.tracks.tsv"
    return files


def inputs_of_model():
    """Files that a step with a model reads; a name, as in hg38, is the tool's to find."""
    files = {"fasta": config["fasta"]} if Path(config["fasta"]).is_file() else {}
    if weights := model_files():
        files["model"] = weights
    return files | ({"gtf": config["gtf"]} if config["gtf"] else {})


def options_of_model():
    """The options that a step with a model has in common with others."""
    words = ["-f", config["fasta"], "-m", config["model"]]
    if config["gtf"]:
        words += ["-g", config["gtf"]]
    return " ".join(quote(word) for word in words)


def options_of_score():
    """All options of `score` but the output and the shard."""
    words = [options_of_model()]
    if config["device"] != "auto":
        words.append(f"--device {config['device']}")
    if config["summary"]:
        words.append("--summary")
    return " ".join([*words, config["options"]["score"]])


def shards_folder():
    """The folder of the shards and their saved parts, named by a digest of the settings, and of inputs' sizes and times.

    So a job never finds the parts of another run, which `--resume` refuses, and nothing has to be discarded for it.
    """
    values = [word.rpartition("=")[2].removeprefix("@") for word in words_of("score")]
    names = [config["vcf"], config["gtf"] or "", config["fasta"], *model_files(), *values]
    found = [(name, os.stat(name)) for name in names if os.path.isfile(name)]
    files = [(name, status.st_size, int(status.st_mtime)) for name, status in found]
    known = json.dumps([options_of_score(), config["normalise"], files])
    return f"results/shards/{sha256(known.encode()).hexdigest()[:12]}"


SHARDS_FOLDER = shards_folder()


def shard_tables():
    """The tables of all shards, in their order."""
    return [f"{SHARDS_FOLDER}/{shard}-of-{SHARDS}.{TABLE}" for shard in range(1, SHARDS + 1)]


def final_files():
    """What the workflow is run for."""
    files = list(beside(f"results/{TABLE}").values())
    if config["annotate"]:
        files.append("results/annotated.vcf.gz")
    if config["report"]:
        files.append("results/report.html")
    return files
