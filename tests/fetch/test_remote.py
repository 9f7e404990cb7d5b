"""The table of remote files, against the page beside the project that says where things are published."""

import re
from pathlib import Path

import pytest

from enformer_vep.errors import InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.fetching import FetchSettings, parse_words, plan
from enformer_vep.fetch.remote import (
    GENOMES,
    HUGGING_FACE_FILE,
    HUGGING_FACE_REPOSITORY,
    ITEMS,
    KAGGLE_HANDLE,
    RemoteFile,
    find_genome,
)

PAGE = Path(__file__).resolve().parents[3] / "shared" / "enformer.md"


def all_files() -> list[RemoteFile]:
    items = [*ITEMS.values(), *(genome.item for genome in GENOMES.values())]
    return [file for item in items for file in item.files]


def test_the_table_is_what_the_page_says() -> None:
    if not PAGE.is_file():
        pytest.skip(f"the page is not beside the project: {PAGE}")
    text = PAGE.read_text(encoding="utf-8")
    section = " ".join(text.split("## Where the published weights are")[1].split("\n## ")[0].split())
    bucket, names = re.search(r"`(storage\.googleapis\.com/\S+/)` .*?\| (`.*?) \(", section).groups()
    assert [file.url for file in ITEMS["weights"].files] == [
        f"https://{bucket}{name}" for name in re.findall("`([^`]+)`", names)
    ]
    tables, heads = re.search(r"`(raw\.\S+)targets_\{(\S+)\}\.txt`", section).groups()
    assert [file.url for file in ITEMS["tracks"].files] == [
        f"https://{tables}targets_{head}.txt" for head in heads.split(",")
    ]
    digests = re.findall(r"\b[0-9a-f]{64}\b", section)
    assert [file.checksum for file in ITEMS["tracks"].files] == [f"sha256:{digest}" for digest in digests]
    assert f"Kaggle model `{KAGGLE_HANDLE}`" in section
    assert f"Hugging Face `{HUGGING_FACE_REPOSITORY}`" in section
    assert f"`{HUGGING_FACE_FILE}`" in section


@pytest.mark.parametrize("name", ["hg38", "hg19", "mm10", "mm39", "hs1"])
def test_genomes_are_those_of_ucsc(name: str) -> None:
    genome = GENOMES[name]
    folder = f"https://hgdownload.soe.ucsc.edu/goldenPath/{name}/bigZips/"
    assert genome.fasta.url == f"{folder}{name}.fa.gz"
    assert genome.checksums.url == f"{folder}md5sum.txt"
    assert re.fullmatch("md5:[0-9a-f]{32}", genome.fasta.checksum or "")
    assert find_genome(name.upper()) == genome


def test_places_and_names_are_unique() -> None:
    places = [file.place for file in all_files()]
    assert len(set(places)) == len(places)
    names = [name for genome in GENOMES.values() for name in (genome.name, *genome.aliases)]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() for name in names)


def test_places_of_what_is_fetched(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for file in ITEMS["weights"].files:
        assert (tmp_path / file.place).parent == cache.weights
    for head, file in zip(("human", "mouse"), ITEMS["tracks"].files, strict=True):
        assert tmp_path / file.place == cache.track_table(head)


def test_the_cache_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Cache.at(None).folder == tmp_path / "enformer-vep"
    assert Cache.at("here").folder == Path("here")
    assert Cache.at("~/there").folder == Path("/home/somebody/there")


WORDS = {
    "weights tracks genome hg38": ["weights", "tracks", "hg38"],
    "hg38 weights": ["hg38", "weights"],
    "genome mm10 genome hg19": ["mm10", "hg19"],
    "genome mm10 hg19 tracks": ["mm10", "hg19", "tracks"],
    "Genome HG38 hg38 WEIGHTS": ["hg38", "weights"],
    "genome chm13": ["hs1"],
    "T2T-CHM13 hs1": ["hs1"],
}


@pytest.mark.parametrize("words", WORDS)
def test_words(words: str) -> None:
    assert [item.name for item in parse_words(words.split())] == WORDS[words]


BAD_WORDS = {
    "genome": "genome needs the name of one: expected hg38 (GRCh38), hg19",
    "weights genome": "as in genome hg38",
    "genome hg83": "unknown genome 'hg83': expected hg38 (GRCh38), hg19 (GRCh37), mm10 (GRCm38), mm39 (GRCm39), "
    "hs1 (T2T-CHM13v2.0); did you mean hg38?",
    "genome genome": "unknown genome 'genome'",
    "genome GRCh38": "did you mean hg38?",
    "genome tracks": "unknown genome 'tracks'",
    "wieghts": "nothing to fetch is called 'wieghts': expected weights, tracks or a genome of hg38",
    "track": "did you mean tracks?",
}


@pytest.mark.parametrize("words", BAD_WORDS)
def test_bad_words(words: str) -> None:
    with pytest.raises(InputError) as error:
        parse_words(words.split())
    assert BAD_WORDS[words] in str(error.value)


@pytest.mark.parametrize("mirror", ["ftp://mirror", "/some/folder", "mirror.org"])
def test_a_mirror_is_a_url(mirror: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the mirror '.*' is not a URL: expected http://... or https://..."):
        FetchSettings(parse_words(["tracks"]), Cache(tmp_path), mirror)


def test_the_plan(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    lines = plan(parse_words(["weights", "tracks", "hg38"]), cache).splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert rows[0] == ["url", "size", "checksum", "place"]
    files = [file for item in (*ITEMS.values(), GENOMES["hg38"].item) for file in item.files]
    assert [(url, place) for url, _, _, place in rows[1:]] == [(file.url, file.place) for file in files]
    assert {checksum for _, _, checksum, _ in rows[1:4]} == {"CRC-32C of each tensor"}
    assert rows[3][1] == "about 1 GB"
    assert rows[4][1:3] == ["about 801 kB", ITEMS["tracks"].files[0].checksum]
    assert rows[7][1:3] == ["about 984 MB", GENOMES["hg38"].fasta.checksum]
    assert f"put each file at its place in {cache.downloads}" in lines[-3]


def test_the_plan_for_a_mirror_and_for_other_sources(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    text = plan(parse_words(["tracks"]), cache, mirror="https://mirror.org/vep/")
    assert "\nhttps://mirror.org/vep/tracks/targets_human.txt\t" in text
    (note,) = plan(parse_words(["weights"]), cache, source="huggingface").splitlines()
    assert note.startswith(
        f"# from https://huggingface.co/{HUGGING_FACE_REPOSITORY} take pytorch_model.bin, put it into "
    )
    assert str(cache.weights) in note
