"""`score --annotate`: what must be known before a run, so that its VCF can be annotated after it."""

from contextlib import closing
from pathlib import Path

import pysam

from enformer_vep.errors import InputError, OutputError
from enformer_vep.io.vcf.annotated_bcf import check_convertible
from enformer_vep.io.vcf.annotated_vcf import checked_header
from enformer_vep.io.vcf.annotations import ABOUT_KEY
from enformer_vep.io.vcf.reader import STANDARD_INPUT
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.io.whole_file import check_writable
from enformer_vep.run.annotate.course import AnnotateSettings, is_bcf, output_kind
from enformer_vep.run.score.naming import output_paths
from enformer_vep.run.settings import ScoreSettings


def plan_annotation(out: str, settings: ScoreSettings) -> AnnotateSettings:
    """Checks that the VCF of a run can be annotated with the scores that it will write.

    A run with --resume replaces the annotated VCF of an earlier run, and no other file.

    Args:
      out: the VCF to write.
      settings: the run.

    Returns:
      What `annotate_vcf` is to do when the run is finished.

    Raises:
      InputError: it cannot be annotated, or the output cannot be written.
    """
    kind = output_kind(out)
    vcf, paths = settings.inputs.vcf, output_paths(settings)
    if settings.inputs.shard is not None:
        raise InputError("--annotate does not go with --shard: use 'annotate' when the shards are merged")
    if vcf == STANDARD_INPUT:
        raise InputError("--annotate needs a VCF that is a file: standard input can be read only once")
    if paths.is_standard_output:
        raise InputError("--annotate needs scores in a file: name one with -o")
    if not is_bcf(vcf):
        checked_header(vcf)
        if kind == "bcf":
            check_convertible(vcf, kind)
    path = Path(out)
    if path.exists() and path.samefile(vcf):
        raise OutputError(f"{out} is the VCF itself: choose another output")
    is_replaced = settings.output.overwrite or (settings.output.resume and path.is_file() and is_annotated(out))
    check_writable(path, overwrite=is_replaced)
    return AnnotateSettings(vcf, str(paths.table), out, overwrite=is_replaced)


def is_annotated(path: str) -> bool:
    """Returns whether a file is a VCF or BCF that `annotate` wrote."""
    start = f"##{ABOUT_KEY}="
    try:
        if is_bcf(path):
            with pysam.VariantFile(path, drop_samples=True) as file:
                return start in str(file.header)
        with closing(VcfStream(path, path)) as stream:
            for line in stream.lines():
                if not line.startswith(b"##"):
                    return False
                if line.startswith(start.encode()):
                    return True
    except (InputError, OSError, ValueError):
        return False
    return False
