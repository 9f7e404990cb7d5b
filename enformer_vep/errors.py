"""What can go wrong, and why an allele is skipped."""

from collections.abc import Callable
from enum import Enum

from enformer_vep.wording import for_command_line, with_options


class EnformerVepError(Exception):
    """The work failed. The message is one line: what, where, expected, found, what to do.

    Attributes:
      message: the message, with options as `wording.option` gives them. As text, the error names them as the command
        line does, until `render` names them for another reader.
    """

    exit_code = 1

    is_resumable = True
    """Whether the same command with --resume may succeed, continuing from the finished parts."""

    def __init__(self, message: str) -> None:
        super().__init__(for_command_line(message))
        self.message = message

    def add(self, text: str) -> None:
        """Adds to the message."""
        self.message += text
        self.args = (for_command_line(self.message),)

    def render(self, option: Callable[[str, str | None], str]) -> None:
        """Names the options in the message for another reader, given their names and values on the command line."""
        self.args = (with_options(self.message, option),)


class InputError(EnformerVepError, ValueError):
    """The command or one of its inputs cannot be used."""

    exit_code = 2
    is_resumable = False


class VcfError(InputError):
    """The variants cannot be read."""


class DamagedVcfError(VcfError):
    """The variants can only be read up to a place where the file is cut short or damaged."""

    exit_code = 1


class FastaError(InputError):
    """The genome cannot be read."""


class FastaReadError(FastaError):
    """The genome could be opened, but can no longer be read."""

    exit_code = 1
    is_resumable = True


class WeightsError(InputError):
    """The model's weights are missing, damaged or those of another model."""


class TrackError(InputError):
    """The track table or the choice of tracks does not fit the model."""


class GeneError(InputError):
    """The genes cannot be read, or do not fit the genome or the tracks."""


class DeviceError(InputError):
    """The requested device does not exist or cannot be used."""


class OutputError(InputError):
    """The results cannot be written to the requested place."""


class FetchError(InputError):
    """A file cannot be fetched, or is another than expected."""


class TransferError(FetchError):
    """A download did not succeed, though another attempt may."""

    exit_code = 1


class UnreachableError(TransferError):
    """No server answered."""


class DiskFullError(TransferError):
    """The disk has too little room."""


class TransformError(InputError):
    """The transform of scores into components is unusable, or does not belong to the scores."""


class PartError(EnformerVepError):
    """A finished part of a run cannot be read."""

    is_resumable = False


class VerificationError(EnformerVepError):
    """Scores differ too much from those of the full engine."""

    is_resumable = False


class SkipReason(str, Enum):
    """Why an allele is not scored, as written to OUT.skipped.tsv."""

    MALFORMED_RECORD = "malformed_record"
    NO_ALT = "no_alt"
    SPANNING_DELETION = "spanning_deletion"
    SYMBOLIC_ALT = "symbolic_alt"
    BREAKEND = "breakend"
    INVALID_ALT = "invalid_alt"
    INVALID_REF = "invalid_ref"
    ALLELE_TOO_LONG = "allele_too_long"
    CONTIG_NOT_IN_FASTA = "contig_not_in_fasta"
    OUT_OF_RANGE = "out_of_range"
    REF_MISMATCH = "ref_mismatch"
    REF_ALT_SWAPPED = "ref_alt_swapped"
    OUTSIDE_BINS = "outside_bins"
    NOT_FINITE = "not_finite"

    def __str__(self) -> str:
        return self.value
