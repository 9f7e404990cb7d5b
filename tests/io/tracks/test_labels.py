from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from enformer_vep.io.tracks.labels import GROUPS, add_labels, parse_description, track_group
from enformer_vep.io.tracks.table import TrackTable, read_track_table, unnamed_tracks
from enformer_vep.model.location import locate_model

NUM_TRACKS = {"human": 5313, "mouse": 1643}

DESCRIPTIONS = {
    # ENCODE and FANTOM5
    "DNASE:frontal cortex male adult (27 years)": ("DNASE", "", "frontal cortex male adult (27 years)"),
    "CHIP:H3K4me3:SK-N-SH": ("CHIP", "H3K4me3", "SK-N-SH"),
    "CHIP:eGFP-ZNF395:HEK293 genetically modified": ("CHIP", "ZNF395", "HEK293 genetically modified"),
    "CHIP:3xFLAG-RAD21:HepG2": ("CHIP", "RAD21", "HepG2"),
    "CAGE:chronic myelogenous leukemia cell line:K562 ENCODE, biol_": (
        "CAGE",
        "",
        "chronic myelogenous leukemia cell line:K562 ENCODE",
    ),
    "CAGE:putamen, adult, , tech_": ("CAGE", "", "putamen, adult"),
    "CAGE:Urethra,": ("CAGE", "", "Urethra"),
    # GEO: title / source / cell type
    "ATAC:BM1214-Day0-UNK-A / Bone Marrow CD34+ / UNK": ("ATAC", "", "Bone Marrow CD34+ / UNK"),
    "CHIP:active:ChIP_hHIF1a-trough-DMSO CHIP-Seq / U2OS cells / .": ("CHIP", "HIF1a", "U2OS cells"),
    "CHIP:hBMAL1:ChIP_hBMAL1 Chip-seq / U2OS cells / .": ("CHIP", "BMAL1", "U2OS cells"),
    "CHIP:.:batch2_chrom1_LoVo_NKX2.2_Rabbit_PassedQC / LoVo / colon adenocarcinoma": (
        "CHIP",
        "NKX2.2",
        "LoVo / colon adenocarcinoma",
    ),
    "CHIP:H3K9ac:H3K9ac_6AN_ChIPSeq / U2OS expressing Bmal1:Luc / .": ("CHIP", "H3K9ac", "U2OS expressing Bmal1:Luc"),
    "CHIP:.:Rev-erba ChIP at ZT10 / Liver / .": ("CHIP", "Rev-erba", "Liver"),
    "CHIP:.:ChIP-seq Rpc4 , ZT06, rep1, Arntl KO / Liver / .": ("CHIP", "Rpc4", "Liver"),
    "CHIP:.:H3K9ac in HDAC3 KO liver at ZT10 / Liver / .": ("CHIP", "H3K9ac", "Liver"),
    "CHIP:.:RORgamma_liver_ZT10 / liver / .": ("CHIP", "RORgamma", "liver"),
    "CHIP:RNA:RNAP2_ZT4 control rep1 / gastrocnemius / .": ("CHIP", "RNAP2", "gastrocnemius"),
    "CHIP:.:input_eWAT / eWAT / .": ("CHIP", "", "eWAT"),  # a control
    "CHIP:RPB2:Polr2b_ZT02 / RPB2 IP / .": ("CHIP", "RPB2", ""),
    "CHIP:H3K9ac:H3K9ac KA_cohort1 / H3K9ac KA_cohort1 / .": ("CHIP", "H3K9ac", ""),
    "ATAC:Proximal_tubule-clusters_11-cluster_3": ("ATAC", "", "Proximal tubule"),
    # of one's own
    "chip:CTCF": ("CHIP", "", "CTCF"),
    "RNA:K562": ("", "", ""),
    "CAGE": ("", "", ""),
    "": ("", "", ""),
}


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_labels(description: str) -> None:
    assert parse_description(description) == DESCRIPTIONS[description]


@pytest.mark.parametrize(
    ("assay", "target", "group"),
    [
        ("CHIP", "H3K27Ac", "CHIP:HISTONE"),
        ("CHIP", "H2AFZ", "CHIP:HISTONE"),
        ("CHIP", "H2BK12ac", "CHIP:TF"),
        ("CHIP", "HDAC1", "CHIP:TF"),
        ("CHIP", "", "CHIP:TF"),
        ("DNASE", "", "DNASE"),
        ("cage", "", "CAGE"),
        ("RNA", "", "OTHER"),
        ("", "H3K27ac", "OTHER"),
    ],
)
def test_groups(assay: str, target: str, group: str) -> None:
    assert track_group(assay, target) == group


def test_labels_of_the_table_are_kept() -> None:
    table = pd.DataFrame({"description": ["CHIP:CTCF:K562", "x"], "assay": ["RNA", "CAGE"], "target": ["", ""]})
    add_labels(table)
    assert table.to_dict("list") == {
        "description": ["CHIP:CTCF:K562", "x"],
        "assay": ["RNA", "CAGE"],
        "target": ["", ""],
        "biosample": ["K562", ""],
    }


def test_unnamed_tracks_have_no_labels() -> None:
    tracks = unnamed_tracks("human", 2, description="demo model: made-up")
    assert list(tracks.table) == ["index", "identifier", "description", "assay", "target", "biosample"]
    assert tracks.groups == ["OTHER", "OTHER"]
    assert (tracks.table[["assay", "target", "biosample"]] == "").all(axis=None)


def published(shared_data: Path, head: str) -> TrackTable:
    return read_track_table(str(shared_data / "tracks" / f"targets_{head}.txt"), head, NUM_TRACKS[head])


@pytest.mark.parametrize(
    ("head", "counts", "no_biosample"),
    [("human", (674, 10, 1890, 3991 - 1890, 638, 0), 0), ("mouse", (101, 127, 750, 1058 - 750, 357, 0), 27)],
)
def test_counts_of_the_published_tables(
    head: str, counts: tuple[int, ...], no_biosample: int, shared_data: Path
) -> None:
    tracks = published(shared_data, head)
    assert dict(zip(GROUPS, counts, strict=True)) == {group: tracks.groups.count(group) for group in GROUPS}
    assert (tracks.table["biosample"] == "").sum() == no_biosample
    is_chip = tracks.table["assay"] == "CHIP"
    assert (tracks.table["target"][~is_chip] == "").all()
    unknown = tracks.table[is_chip & (tracks.table["target"] == "")]
    assert list(unknown["identifier"]) == {"human": [], "mouse": ["GSM1659683", "GSM1659685"]}[head]
    assert not tracks.table["target"].str.contains(r"^[.]|abcam|active|^RNA$| ChIP|ZT|eGFP|FLAG").any()


def test_histones_that_are_not_among_the_marks(shared_data: Path) -> None:
    tracks = published(shared_data, "human")
    others = [
        target
        for target, group in zip(tracks.table["target"], tracks.groups, strict=True)
        if group == "CHIP:TF" and target.startswith(("H2A", "H2B", "H3", "H4"))
    ]
    assert len(others) == 111
    assert Counter(others).most_common(1) == [("H3F3A", 16)]


def test_labels_of_the_demo() -> None:
    tracks = read_track_table(str(locate_model("demo").track_table_path("human")), "human", 12)
    assert tracks.groups == ["CHIP:TF"] * 8 + ["DNASE"] + ["CAGE"] * 3
    assert list(tracks.table["target"])[:9] == ["CTCF", "GATA", "AP1", "ETS", "SP1", "NRF1", "YY1", "TBP", ""]
    assert tracks.table["biosample"][9].startswith("ERYTHROID:made-up")
