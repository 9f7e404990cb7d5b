"""The settings of a run, and its summary."""

from dataclasses import dataclass
from pathlib import Path

from enformer_vep.errors import SkipReason
from enformer_vep.wording import plural


@dataclass(frozen=True)
class ScoreSettings:
    """The settings of `score`.

    Attributes:
      vcf: the variants, '-' for standard input.
      fasta: the reference genome.
      out: OUT, '-' for text on standard output, None to name it after the VCF.
      model: a checkpoint's folder or prefix, a SavedModel's folder, or a name.
      head: the head to score.
      statistics: their names, separated by commas.
      track_table: the published table that names the tracks, None to name them by number.
      tracks: which tracks are wanted, None for all.
      layout: 'wide', 'list' or 'long'.
      dtype: 'float32' or 'float16', of the scores as they are written.
      regions: regions or BED files outside which records are left out; none for the whole file.
      pass_only: whether records that failed a filter are left out.
      include_id: a file of the only IDs that are wanted, None for all.
      shard: 'K/N', the share of the alleles that is scored, None for all.
      batch_size: sequences that are run at a time, None for the device's default.
      part_size: alleles of a part, None for the device's default.
      device: 'cpu', 'gpu', 'gpu:N', None for the first GPU and else the CPU.
      engine: 'reusing', or 'full' for the plain one.
      window: where windows lie: 'centred', 'grid' or 'shared:BP'.
      precision: 'float32', 'tf32', 'mixed' or 'bfloat16'.
      cache_bytes: bytes of reference towers that the reusing engine keeps.
      verify: number of alleles that are scored again by the full engine.
      verify_tolerance: the largest accepted error, None for the precision's default.
      strict: whether an allele that cannot be scored stops the run.
      allow_mismatches: whether the run continues when the FASTA seems to be of another assembly.
      resume: whether the finished parts of an earlier run are used.
      overwrite: whether existing files are overwritten.
      quiet: whether no progress is shown on standard error.
      log_json: a file to which progress is appended as JSON lines, None for no such file.
      command: the command line, for the run record.
    """

    vcf: str
    fasta: str
    out: str | None = None
    model: str = "enformer"
    head: str = "human"
    statistics: str = "SAD"
    track_table: str | None = None
    tracks: str | None = None
    layout: str = "wide"
    dtype: str = "float32"
    regions: tuple[str, ...] = ()
    pass_only: bool = False
    include_id: str | None = None
    shard: str | None = None
    batch_size: int | None = None
    part_size: int | None = None
    device: str | None = None
    engine: str = "reusing"
    window: str = "centred"
    precision: str = "float32"
    cache_bytes: int = 128 * 2**20
    verify: int = 0
    verify_tolerance: float | None = None
    strict: bool = False
    allow_mismatches: bool = False
    resume: bool = False
    overwrite: bool = False
    quiet: bool = False
    log_json: str | None = None
    command: str = ""


@dataclass(frozen=True)
class ScoreSummary:
    """The result of a run.

    Attributes:
      num_scored: alleles scored.
      num_skipped: alleles skipped, by reason.
      num_new: alleles that this run scored or skipped; the others were finished before it.
      seconds: time from the first allele to the last, without loading.
      table: the path of the scores, None if they went to standard output.
      skipped: the path of the table of skipped alleles.
      verification: a sentence on the alleles that were verified, None if there were none.
    """

    num_scored: int
    num_skipped: dict[SkipReason, int]
    num_new: int
    seconds: float
    table: Path | None
    skipped: Path
    verification: str | None = None

    def __str__(self) -> str:
        num_skipped = sum(self.num_skipped.values())
        num_alleles = self.num_scored + num_skipped
        text = f"scored {self.num_scored} of {plural(num_alleles, 'allele')} in {self.seconds:.1f} s"
        if self.num_new:
            text += f" ({self.seconds / self.num_new:.2g} s per allele)"
        if self.num_new < num_alleles:
            text += f"; {num_alleles - self.num_new} of them were finished by an earlier run"
        if num_skipped:
            reasons = ", ".join(f"{count} {reason.value}" for reason, count in sorted(self.num_skipped.items()))
            text += f"; skipped {num_skipped} ({reasons}), see {self.skipped}"
        if self.verification:
            text += f"; {self.verification}"
        return f"{text}; results: {self.table or 'standard output'}"
