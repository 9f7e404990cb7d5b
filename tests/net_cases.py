"""The cases of the net (`tests/net.py`): whole commands on the demo, and what they read."""

import gzip
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """A command of enformer-vep, or a Python script.

    Attributes:
      line: the command's words, or the script.
      exit_code: the one that is expected of both sides.
      stdin: the file that is its standard input.
      is_script: whether it is a script.
      stopped: the output whose first finished part lets the command be stopped by SIGTERM.
    """

    line: str
    exit_code: int = 0
    stdin: str | None = None
    is_script: bool = False
    stopped: str | None = None

    @property
    def title(self) -> str:
        """What a report calls it."""
        return "the script" if self.is_script else f"`{self.line}`"


def steps(*items: str | Step) -> list[Step]:
    return [Step(item) if isinstance(item, str) else item for item in items]


def script(code: str) -> Step:
    return Step(code, is_script=True)


def refused(*lines: str, exit_code: int = 2) -> list[Step]:
    return [Step(line, exit_code) for line in lines]


# ---- What the commands read ----

WRITE_DEMO = "import enformer_vep as ev; print(ev.demo_files('demo'))"

VCFS = {
    "few.vcf": "create_1 deletion several_alts symbolic breakend no_alt no_such_contig",
    "two.vcf": "create_1 break_1",
    "indels.vcf": "insertion deletion delins",
    "odd.vcf": "near_end ref_mismatch ref_alt_swapped beyond_end",
}
"""Of each file, the IDs of the demo's variants."""


def write_inputs(folder: Path) -> None:
    """Writes what the cases read beside the demo's own files, which are in `demo`."""
    lines = (folder / "demo" / "variants.vcf").read_text().splitlines()
    header = [line for line in lines if line.startswith("#")]
    records = [line for line in lines if not line.startswith("#")]

    def write_vcf(name: str, chosen: Iterable[str]) -> None:
        (folder / name).write_text("\n".join([*header, *chosen]) + "\n")

    first = {line.split("\t")[2]: line for line in reversed(records)}
    for name, ids in VCFS.items():
        write_vcf(name, [first[one] for one in ids.split()])
    contigs = _read_fasta(folder / "demo" / "genome.fa")
    contig = contigs["made_up_1"]
    dense = []
    for number, pos in enumerate(range(66_950, 66_990, 4)):
        ref = contig[pos - 1].upper()
        filters = "PASS" if number % 2 else "q10"
        dense.append(f"made_up_1\t{pos}\tsnv_{number}\t{ref}\t{'CGTA'['ACGT'.index(ref)]}\t50\t{filters}\t.")
    header.insert(1, '##FILTER=<ID=q10,Description="low">')
    write_vcf("dense.vcf", dense)
    write_vcf("bad.vcf", [dense[0], "made_up_1\tnowhere\t.\tA\tC\t.\t.\t.", dense[1]])
    # Stops a strict run at its last allele, when parts of it are finished.
    write_vcf("late.vcf", [*dense[:4], "made_up_1\t66980\tlate\tA\t<DEL>\t.\t.\t."])
    (folder / "list.txt").write_text("made_up_1:66969:T:G\nmade_up_1-74948-C-T\n")
    (folder / "not_a.vcf").write_text("this is no VCF\n")
    (folder / "cut.vcf.gz").write_bytes(gzip.compress((folder / "few.vcf").read_bytes(), mtime=0)[:-20])
    (folder / "other.fa").write_text(">made_up_1\n" + "ACGT" * 50_000 + "\n>made_up_2\n" + "ACGT" * 110_000 + "\n")
    (folder / "ids.txt").write_text("snv_0\nsnv_1\nsnv_7\n")
    (folder / "tracks.txt").write_text("DEMO:CHIP:GATA\nDEMO:CAGE:LYMPHOID\n")
    (folder / "regions.bed").write_text("made_up_1\t66949\t66960\tone\nmade_up_1\t66978\t66989\ttwo\n")
    (folder / "one.bed").write_text("made_up_1\t66967\t66970\n")


def _read_fasta(path: Path) -> dict[str, str]:
    contigs = {}
    for entry in path.read_text().split(">")[1:]:
        name, sequence = entry.split("\n", 1)
        contigs[name.split()[0]] = sequence.replace("\n", "")
    return contigs


# ---- The cases ----

DEMO = "-f demo/genome.fa -m demo"

PICKLE = """
import joblib, numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler
means = np.random.default_rng(1).normal(size=(60, 12)) / 896
steps = [("scale", RobustScaler()), ("pca", PCA(4, svd_solver="full")), ("again", RobustScaler())]
joblib.dump(Pipeline(steps).fit(means), "transform.pkl")
"""

H5 = """
import h5py, numpy as np
random = np.random.default_rng(1)
bases = np.array(["A", "C", "G", "T"], "S1")
refs = random.integers(0, 4, 300)
with h5py.File("1000G.MAF_threshold=0.005.22.h5", "w") as file:
    file["snp"] = np.array([f"rs{i}" for i in range(300)], "S")
    file["chr"] = np.array(["22"] * 300, "S")
    file["pos"] = np.arange(300, dtype=np.uint32) + 100
    file["ref"], file["alt"] = bases[refs], bases[(refs + 1) % 4]
    file["target_ids"] = np.array([f"ENC{i}" for i in range(6)], "S")
    file["target_labels"] = np.array([f"DNASE:cell {i}" for i in range(6)], "S")
    for name in ("SAD", "SAR"):
        file[name] = random.normal(size=(300, 6)).astype(np.float16)
"""

PYTHON = """
import enformer_vep as ev
import numpy as np

def show(title, frame):
    print("#", title)
    print(frame.to_csv(sep="\\t", float_format="%.9g"), end="")

variants = ["made_up_1:66969:T:G", ("made_up_1", 120000, "C", "CACGTTGCA"), ev.Variant("made_up_9", 5, "A", "C")]
options = {"fasta": "demo/genome.fa", "model": "demo"}
print(ev.__all__)
print(ev.score_vcf("two.vcf", "scores.parquet", gtf="demo/genes.gtf", stats=["SAD", "SADR"], **options))
scores = ev.read_scores("scores.parquet")
show("table", scores.table)
show("some", scores.read(stats="SAD", tracks="assay:CAGE"))
show("genes", scores.genes)
show("skipped", scores.skipped)
show("summary", scores.summary())
show("tracks", scores.tracks)
print(scores.stats, scores.num_alleles, scores.run["counts"], scores.to_xarray().shape)
with ev.open_model(**options, tracks="assay:CAGE,0-1") as model:
    print(model.name, model.notice, model.head, model.device, model.fasta)
    show("scored", model.score(variants, stats="SAD,SADR"))
    show("one", model.score("made_up_1:66969:T:G", window="grid"))
    predicted = model.predict("made_up_1:66001-67000")
    show("predicted", predicted.to_frame())
    alleles = model.predict_alleles("made_up_1:66969:T:G")
    print(alleles.reference.sum(0), alleles.alternate.sum(0), np.abs(alleles.difference).max(0))
    saturated = model.saturate("made_up_1:66969-66970")
    show("saturated", saturated.table)
    show("matrix", saturated.matrix(saturated.table.columns[-1]))
    show("contributions", model.contributions("made_up_1:66960-66970").table)
    mistakes = [
        lambda: model.score(variants, stats="NONE"),
        lambda: model.score(variants, bins="centre:0"),
        lambda: model.score(variants, window="somewhere"),
        lambda: model.score(variants, shifts="1,x"),
        lambda: model.score(variants, indels="right"),
        lambda: model.score(variants, colour="red"),
        lambda: model.score("made_up_1:66969:T"),
        lambda: model.score([("made_up_1", "x", "T", "G")]),
        lambda: model.predict("made_up_7:1-10"),
        lambda: model.predict("made_up_1:9-2"),
        lambda: model.saturate("made_up_1:66969-66970", stat="REF"),
        lambda: model.saturate("made_up_1:66969-66970", max_alleles=1),
        lambda: model.contributions("made_up_1:66960-66970", mean_by="all", max_gradients=0),
    ]
    for number, mistake in enumerate(mistakes):
        try:
            mistake()
            print(number, "is accepted")
        except Exception as error:
            print(number, type(error).__name__, isinstance(error, ValueError), error)
mistakes = [
    lambda: model.score(variants),
    lambda: ev.open_model("demo"),
    lambda: ev.open_model("nowhere", "demo/genome.fa"),
    lambda: ev.open_model("demo", "missing.fa"),
    lambda: ev.open_model("demo", "demo/genome.fa", tracks="NONE"),
    lambda: ev.open_model("demo", "demo/genome.fa", precision="tf32"),
    lambda: ev.open_model("demo", "demo/genome.fa", precision="double"),
    lambda: ev.open_model("demo", "demo/genome.fa", device="gpu"),
    lambda: ev.open_model("demo", "demo/genome.fa", head="mouse"),
    lambda: ev.score_vcf("two.vcf", "scores.parquet", **options),
    lambda: ev.score_vcf("two.vcf", "x.tsv", layout="list", **options),
    lambda: ev.score_vcf("two.vcf", "x.parquet", shard="3/2", **options),
    lambda: ev.score_vcf("two.vcf", "x.parquet", cache_size="many", **options),
    lambda: ev.score_vcf("two.vcf", "x.parquet", gene_bins=4, gtf="demo/genes.gtf", **options),
    lambda: ev.score_vcf("two.vcf", "x.parquet", gene_window="tss", **options),
    lambda: ev.score_vcf("two.vcf", "x.parquet", verify=-1, **options),
    lambda: ev.score_vcf("missing.vcf", "x.parquet", **options),
    lambda: ev.score_vcf("late.vcf", "x.parquet", strict=True, **options),
    lambda: ev.read_scores("two.vcf"),
    lambda: ev.read_scores("missing.parquet"),
    lambda: scores.read(stats="SAX"),
    lambda: scores.read(tracks="NONE"),
]
for number, mistake in enumerate(mistakes):
    try:
        mistake()
        print(number, "is accepted")
    except Exception as error:
        print(number, type(error).__name__, isinstance(error, ValueError), error)
"""

COMMANDS = (
    "annotate background components contributions convert convert-transform demo derive fetch merge model plot "
    "predict report saturate score tracks"
)

STATISTICS = "SAD,SAR,SADR,sqrtSAD,SAX,SAXR,D1,logD1,D2,logD2,JS,logJS,REF,ALT"

CASES: dict[str, list[Step]] = {
    "python": [script(PYTHON)],
    "text": steps(
        f"score few.vcf {DEMO} -o out.tsv --stats {STATISTICS} --tracks assay:CAGE,0-2,!1",
        f"score two.vcf {DEMO} -o out.tsv.gz --summary --tracks @tracks.txt -q",
        Step(f"score - {DEMO} -o - --tracks /GATA/", stdin="few.vcf"),
        f"score few.vcf {DEMO} -o long.tsv --layout long --stats SAD,SAR --tracks 0-1 --bins centre:1000",
    ),
    "parquet": steps(
        f"score few.vcf {DEMO}",
        Step(f"score few.vcf {DEMO}", 2),
        f"score few.vcf {DEMO} -o list.parquet --layout list --dtype float16 --stats SAD,REF,SADR --window grid",
        f"score few.vcf {DEMO} -o long.parquet --layout long --stats SAD,SADR --bins made_up_1:115000-125000",
    ),
    "selection": steps(
        f"score dense.vcf {DEMO} -o region.tsv --region regions.bed --region made_up_1:66969 --pass-only --window grid",
        f"score dense.vcf {DEMO} -o ids.tsv --include-id ids.txt --window shared:1000 --cache-size 1M",
        f"score list.txt {DEMO} -o list.tsv --tracks DEMO:CHIP:AP1 --log-json log.jsonl",
        f"score odd.vcf {DEMO} -o odd.tsv --allow-mismatches --tracks 8",
    ),
    "indels": steps(
        *(
            f"score indels.vcf {DEMO} -o {policy}.tsv --indels {policy} --window grid"
            for policy in ("left", "average", "stitch")
        ),
        f"score two.vcf {DEMO} -o views.tsv --reverse-complement --shifts -1,0,1 --bins centre:2000",
    ),
    "engines": steps(
        f"score indels.vcf {DEMO} -o full.parquet --engine full --stats SAD,SAR",
        f"score dense.vcf {DEMO} -o mixed.parquet --precision mixed --window grid --verify 1 "
        "--region made_up_1:66950-66960",
    ),
    "shards": steps(
        *(
            f"score dense.vcf {DEMO} --shard {k}/3 -o {k}.parquet -g demo/genes.gtf --part-size 2 --window grid "
            "--summary"
            for k in (1, 2, 3)
        ),
        "merge out.parquet 3.parquet 1.parquet 2.parquet",
        *refused(
            "merge out.parquet 3.parquet 1.parquet 2.parquet",
            "merge gap.parquet 1.parquet 2.parquet",
            "merge twice.parquet 1.parquet 2.parquet 2.parquet",
        ),
        f"score two.vcf {DEMO} --shard 1/2 -o 1.tsv.gz --tracks assay:CAGE",
        f"score two.vcf {DEMO} --shard 2/2 -o 2.tsv.gz --tracks assay:CAGE",
        "merge out.tsv.gz 1.tsv.gz 2.tsv.gz",
        Step("merge mixed.parquet 1.parquet 2.tsv.gz 3.parquet", 2),
    ),
    "resume": steps(
        Step(f"score late.vcf {DEMO} -o strict.parquet --part-size 2 --strict", 2),
        Step(f"score late.vcf {DEMO} -o strict.parquet --part-size 2", 2),
        Step(f"score late.vcf {DEMO} -o strict.parquet --part-size 2 --resume --stats SAR", 2),
        f"score late.vcf {DEMO} -o strict.parquet --part-size 2 --resume",
        f"score late.vcf {DEMO} -o strict.parquet --part-size 2 --resume",
        Step(f"score few.vcf {DEMO} -o out.tsv --part-size 3 -g demo/genes.gtf", 143, stopped="out.tsv"),
        f"score few.vcf {DEMO} -o out.tsv --part-size 3 -g demo/genes.gtf --resume",
    ),
    "summary": steps(
        f"score few.vcf {DEMO} -o only.parquet --summary-only --stats SAD,SADR -g demo/genes.gtf",
        f"score two.vcf {DEMO} -o only.tsv.gz --summary-only --tracks !assay:CAGE",
    ),
    "genes": steps(
        f"score two.vcf {DEMO} -o variant.parquet -g demo/genes.gtf --gene-columns tracks --gene-stat SAD,SADR "
        "--gene-bins 10 --transcripts basic --summary",
        f"score two.vcf {DEMO} -o tss.tsv -g demo/genes.gtf --gene-window tss --region made_up_1:66969 "
        "--gene-tracks assay:CAGE,DEMO:DNASE:OPEN --tracks 8-11",
    ),
    "background": steps(
        f"score dense.vcf {DEMO} -o common.parquet --stats SAD,SADR",
        "background common.parquet -o common.background.parquet",
        f"score few.vcf {DEMO} -o wide.tsv --stats SAD --background common.background.parquet --summary --indels left",
        f"score two.vcf {DEMO} -o list.parquet --layout list --background common.background.parquet --tracks 3,1 "
        "--stats SAD,SADR --annotate annotated.vcf",
        f"score two.vcf {DEMO} -o long.parquet --layout long --background common.background.parquet --summary "
        "--dtype float16 --stats SADR",
        "report wide.tsv -o report.html --top 2",
        *refused(
            f"score two.vcf {DEMO} -o x.parquet --background common.background.parquet --stats SAX",
            f"score two.vcf {DEMO} -o x.parquet --background common.background.parquet --bins centre:1000",
            f"score two.vcf {DEMO} -o x.parquet --background common.parquet",
            "background common.parquet common.parquet -o twice.parquet",
        ),
        script(H5),
        "background --from-1000g '1000G.MAF_threshold=0.005.22.h5' --scale sum -o 1000g.parquet",
    ),
    "components": steps(
        f"score dense.vcf {DEMO} -o scores.parquet --stats SAD,SAR --window grid",
        "components scores.parquet --fit transform.npz --num 3 -o fit.parquet",
        "components scores.parquet --transform transform.npz --num 2 -o applied.tsv",
        "components scores.parquet --transform transform.npz --num 1 -o -",
        "components scores.parquet --fit sar.npz --stat SAR --num 2 -o sar.tsv.gz",
        "annotate dense.vcf scores.parquet --vep-plugin --components fit.parquet -o plugin.vcf.gz",
        script(PICKLE),
        "convert-transform transform.pkl theirs.npz --trust-pickle --any-weights --divisor 1",
        "components scores.parquet --transform theirs.npz --num 4 -o theirs.tsv",
        *refused(
            "convert-transform transform.pkl again.npz",
            "components scores.parquet -o x.tsv",
            "components scores.parquet --transform theirs.npz -o x.tsv",
            "components scores.parquet --transform transform.npz --stat SAR -o x.tsv",
            "components scores.parquet --transform scores.parquet -o x.tsv",
        ),
    ),
    "annotate": steps(
        f"score few.vcf {DEMO} -o scores.parquet --stats SAD,SAR -g demo/genes.gtf --annotate at_once.vcf.gz",
        "annotate few.vcf scores.parquet -o out.vcf --info assay:CAGE",
        "annotate few.vcf scores.parquet -o out.vcf.gz --stat SAR",
        f"score two.vcf {DEMO} -o two.parquet --annotate at_once.bcf",
        "annotate two.vcf two.parquet -o out.bcf --info @tracks.txt",
        "annotate few.vcf scores.parquet --vep-plugin -o plugin.vcf.gz --info assay:CHIP:TF",
        *refused(
            "annotate out.bcf two.parquet -o twice.bcf",
            "annotate few.vcf scores.parquet -o contig_not_declared.bcf",
            "annotate dense.vcf scores.parquet -o x.vcf",
            "annotate few.vcf scores.parquet -o x.txt",
            "annotate few.vcf scores.parquet -o x.vcf --stat JS",
            "annotate few.vcf scores.parquet -o out.vcf",
            "annotate few.vcf few.vcf -o x.vcf",
        ),
    ),
    "predict": steps(
        f"predict made_up_1:66001-67000 regions.bed {DEMO} -o tracks --tracks assay:CAGE",
        f"predict made_up_1:66001-67000 made_up_2:1-500 {DEMO} -o out.parquet --windows-per-bin 2",
        f"predict made_up_1:60001-61000 {DEMO} -o out.zarr --tracks 0-2 --reverse-complement",
        *refused(
            f"predict made_up_1:66001-67000 {DEMO} -o other",
            f"predict made_up_1:66001-67000 {DEMO} -o out.parquet",
            f"predict made_up_1:66001-67000 {DEMO} -o x.parquet --windows-per-bin 3",
            f"predict made_up_1 {DEMO} -o x.parquet --max-windows 2",
            f"predict made_up_8:1-100 {DEMO} -o x.parquet",
        ),
    ),
    "alleles": steps(
        f"predict --vcf few.vcf {DEMO} -o tracks --tracks DEMO:CHIP:AP1,assay:CAGE",
        f"predict --vcf made_up_1:66969:T:G --vcf two.vcf {DEMO} -o out.parquet --tracks 0-3 --window grid",
        f"predict --vcf indels.vcf {DEMO} -o out.zarr --tracks 1 --indels stitch",
        Step(f"predict made_up_1:1-100 --vcf few.vcf {DEMO} -o x.parquet", 2),
    ),
    "saturate": steps(
        f"saturate made_up_1:66968-66971 {DEMO} -o out.parquet --deletions 2",
        f"saturate one.bed {DEMO} -o out.zarr --stat SADR --tracks assay:CAGE,2",
        f"saturate made_up_1:66968-66969 {DEMO} -o 1.parquet --shard 1/2",
        f"saturate made_up_1:66968-66969 {DEMO} -o 2.parquet --shard 2/2",
        "merge merged.parquet 1.parquet 2.parquet",
        "derive out.parquet --effects effects.npz --centred centred.zarr --importance importance --modisco modisco",
        "derive out.zarr --effects other.zarr --centred centred.npz --mean-of 3 --tracks assay:CAGE",
        "derive effects.npz --centred of_arrays.npz",
        *refused(
            "derive out.parquet",
            "derive dense.vcf --centred x.npz",
            "derive out.parquet --centred centred.npz",
            f"saturate made_up_1:1-20000 {DEMO} -o x.parquet",
            f"saturate made_up_1:66968-66971 {DEMO} -o x.parquet --stat REF",
            f"saturate made_up_1:66968-66971 {DEMO} -o x.tsv",
        ),
    ),
    "contributions": steps(
        f"contributions made_up_1:66950-66955 one.bed {DEMO} -o tracks --tracks assay:CAGE",
        f"contributions made_up_1:66969:T:G {DEMO} -o out.parquet --mean-by group --width 30 "
        "--reverse-complement --bins centre:2000",
        f"contributions indels.vcf {DEMO} -o out.zarr --tracks 2 --width 11 --steps 2",
        f"contributions made_up_1:66960-66970 {DEMO} -o out.npz --mean-by all --uncorrected --modisco modisco",
        *refused(
            f"contributions made_up_1:66960-66970 {DEMO} -o x.parquet",
            f"contributions made_up_1:66969:T:G {DEMO} -o x --tracks 2",
            f"contributions made_up_1:66960-66970 {DEMO} -o x.parquet --tracks 0-5 --max-gradients 3",
        ),
    ),
    "plot": steps(
        f"plot made_up_1:66969:T:G {DEMO} -g demo/genes.gtf --logo --logo-bp 2 --top 2 -o logo.png --span 5000",
        f"plot indels.vcf {DEMO} -o many.pdf --tracks assay:CAGE,2 --top 2 --width 120",
        f"plot made_up_1:66969:T:G made_up_1:5:A:C {DEMO} -o out.svg --tracks 2 --logo "
        "--logo-by contributions --logo-bp 5",
        *refused(
            f"plot made_up_1:66969:T {DEMO} -o x.png",
            f"plot made_up_1:66969:T:G {DEMO} -o x.jpeg",
            f"plot made_up_1:66969:T:G {DEMO} -o x.png --span 0",
        ),
    ),
    "report": steps(
        f"score few.vcf {DEMO} -o scores.parquet --stats SAD,SADR -g demo/genes.gtf",
        "report scores.parquet -o plain.html --stat SAD --top 3",
        f"saturate one.bed {DEMO} -o saturation.parquet",
        f"contributions made_up_1:66969:T:G {DEMO} -o contributions.npz --mean-by group --width 10",
        "report scores.parquet -o full.html --top 2 -g demo/genes.gtf --saturation saturation.parquet "
        f"--contributions contributions.npz {DEMO}",
        *refused(
            "report scores.parquet -o plain.html",
            "report scores.parquet -o x.html --stat JS",
            "report few.vcf -o x.html",
            "report scores.parquet -o x.html -m demo",
            "report scores.parquet -o x.html -f other.fa -m demo",
        ),
    ),
    "weights": steps(
        "tracks -m demo",
        "tracks -m demo 'assay:CAGE,!DEMO:CAGE:LYMPHOID'",
        "model demo",
        "model demo --json",
        "convert demo demo.safetensors",
        "model demo.safetensors",
        "score two.vcf -f demo/genome.fa -m demo.safetensors -o converted.tsv --tracks 0-2",
        "fetch weights tracks genome hg38 --plan",
        *refused(
            "tracks -m demo NONE",
            "tracks -m demo '/(/'",
            "tracks -m demo 99",
            "tracks -m demo assay:NONE",
            "model nowhere",
            "model few.vcf",
            "convert demo demo.safetensors",
            "convert demo demo.npz",
            "fetch genome hg99 --plan",
            "fetch nothing",
        ),
    ),
    "help": steps("--help", "--version", *(f"{command} --help" for command in COMMANDS.split())),
    "refused": [
        Step(f"score cut.vcf.gz {DEMO}", 1),
        *refused(
            "",
            "scores few.vcf",
            "score",
            f"score few.vcf {DEMO} --bin all",
            f"score few.vcf {DEMO} --tracks NONE",
            f"score few.vcf {DEMO} --tracks 0-12",
            f"score few.vcf {DEMO} --tracks @missing.txt",
            f"score few.vcf {DEMO} --stats SAD,NONE",
            f"score few.vcf {DEMO} --bins banana",
            f"score few.vcf {DEMO} --bins centre:0",
            f"score few.vcf {DEMO} --bins made_up_5:1-1000",
            f"score few.vcf {DEMO} --shifts 1,x",
            f"score few.vcf {DEMO} --window shared:0",
            f"score few.vcf {DEMO} --indels right",
            f"score few.vcf {DEMO} --shard 3/2",
            f"score few.vcf {DEMO} --region made_up_1:9-2",
            f"score few.vcf {DEMO} --region missing.bed",
            f"score few.vcf {DEMO} --include-id missing.txt",
            f"score few.vcf {DEMO} --layout list -o x.tsv",
            f"score few.vcf {DEMO} -o x.csv",
            f"score few.vcf {DEMO} -o nowhere/x.parquet",
            f"score few.vcf {DEMO} --head mouse",
            f"score few.vcf {DEMO} --precision tf32",
            f"score few.vcf {DEMO} --device gpu",
            f"score few.vcf {DEMO} --cache-size many",
            f"score few.vcf {DEMO} --batch-size 0",
            f"score few.vcf {DEMO} -g missing.gtf",
            f"score few.vcf {DEMO} -g few.vcf",
            f"score few.vcf {DEMO} -g demo/genes.gtf --transcripts MANE",
            f"score few.vcf {DEMO} --background missing.parquet",
            f"score few.vcf {DEMO} --track-table few.vcf",
            f"score few.vcf {DEMO} --annotate x.txt",
            f"score missing.vcf {DEMO}",
            f"score not_a.vcf {DEMO}",
            f"score bad.vcf {DEMO} --strict --tracks 0",
            "score few.vcf -m demo",
            "score few.vcf -f missing.fa -m demo",
            "score few.vcf -f hg38 -m demo",
            "score few.vcf -f other.fa -m demo",
            "score few.vcf -f few.vcf -m demo",
            "score few.vcf -f demo/genome.fa",
            "score few.vcf -f demo/genome.fa -m nowhere",
            "score few.vcf -f demo/genome.fa -m few.vcf",
            f"predict {DEMO} -o x.parquet",
            f"saturate {DEMO} -o x.parquet",
        ),
    ],
    "demo": steps("demo out"),
}
"""By name."""

if "ONEDNN_MAX_CPU_ISA" in os.environ:  # TensorFlow would abort at bfloat16 products
    CASES["engines"] = CASES["engines"][:1]
