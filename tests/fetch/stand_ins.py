"""Lets small files stand in for the published ones: a folder as a mirror has it takes the place of the real checksums.

Run as a script, it does so for one command: `python stand_ins.py FOLDER fetch weights --mirror URL`. The script imports
only the installed package, so that it can be used with any installation.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Replace = Callable[[Any, str, Any], None]


def install(mirror: Path, replace_item: Callable[[dict, str, Any], None], replace_attribute: Replace) -> None:
    """Makes the program expect the files of a folder.

    Args:
      mirror: the folder, with models/enformer/, tracks/ and genomes/NAME/, or some of them.
      replace_item: sets the item of a dict.
      replace_attribute: sets the attribute of a module.
    """
    from dataclasses import replace

    from enformer_vep.fetch import remote

    for name, item in list(remote._ITEMS.items()):
        folder = mirror / Path(item.files[0].place).parent
        files = tuple(
            remote.RemoteFile(
                f"https://nowhere.invalid/{path.name}",
                str(path.relative_to(mirror)),
                checksum=None if name == remote.WEIGHTS else digest(path, "sha256"),
            )
            for path in sorted(folder.glob("*"))
        )
        if files:
            replace_item(remote._ITEMS, name, remote.Item(name, files))
    for name, genome in list(remote._GENOMES.items()):
        path = mirror / genome.fasta.place
        if path.is_file():
            fasta = replace(genome.fasta, url="https://nowhere.invalid/genome", checksum=digest(path, "md5"), size=None)
            checksums = replace(genome.checksums, url="https://nowhere.invalid/md5sum.txt")
            replace_item(remote._GENOMES, name, replace(genome, fasta=fasta, checksums=checksums))
    indexes = list(mirror.glob("models/enformer/*.index"))
    if indexes:
        _publish(indexes[0], replace_attribute)


def _publish(index: Path, replace_attribute: Replace) -> None:
    """Makes the tensors of a checkpoint the published ones."""
    from enformer_vep.model.sources import source
    from enformer_vep.model.sources.bundle import read_bundle_index

    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    tensors = tuple(
        source.PublishedTensor("", key.removesuffix(suffix).removeprefix("module/"), entry.masked_crc32c)
        for key, entry in read_bundle_index(index).entries.items()
        if key.startswith("module/") and key.endswith(suffix)
    )
    replace_attribute(source, "published_tensors", lambda: tensors)


def digest(path: Path, kind: str) -> str:
    """Returns a file's checksum as the table has it."""
    return f"{kind}:{hashlib.new(kind, path.read_bytes()).hexdigest()}"


if __name__ == "__main__":
    install(Path(sys.argv[1]), dict.__setitem__, setattr)
    from enformer_vep.cli import main

    sys.exit(main(sys.argv[2:]))
