# The configuration: checked before anything runs, and turned into names of files and command-line options.

import sys
from pathlib import Path
from shlex import quote

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
        "-g": "gtf", "--gtf": "gtf", "--device": "device",
    },
}  # fmt: skip


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
    is_name = Path(config["fasta"]).name == config["fasta"]
    if (config["normalise"] or not is_name) and not Path(config["fasta"]).is_file():
        why = ": bcftools norm needs a file, as in CACHE/genomes/hg38.fa.gz" if config["normalise"] else ""
        refuse(f"config.fasta: no such file: {config['fasta']} (in {Path.cwd()}){why}")


def check_options():
    """Stops with one line if further options repeat what the workflow sets."""
    for step, own in OWN_OPTIONS.items():
        for word in config["options"][step].split():
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


def shard_tables():
    """The tables of all shards, in their order."""
    return [f"results/shards/{shard}-of-{SHARDS}.{TABLE}" for shard in range(1, SHARDS + 1)]


def inputs_of_model():
    """Files that a step with a model reads; a name, as in hg38, is the tool's to find."""
    files = {"fasta": config["fasta"]} if Path(config["fasta"]).is_file() else {}
    return files | ({"gtf": config["gtf"]} if config["gtf"] else {})


def options_of_model():
    """The options that a step with a model has in common with others."""
    words = ["-f", config["fasta"], "-m", config["model"]]
    if config["gtf"]:
        words += ["-g", config["gtf"]]
    if config["device"] != "auto":
        words += ["--device", config["device"]]
    return " ".join(quote(word) for word in words)


def final_files():
    """What the workflow is run for."""
    files = list(beside(f"results/{TABLE}").values())
    if config["annotate"]:
        files.append("results/annotated.vcf.gz")
    if config["report"]:
        files.append("results/report.html")
    return files
