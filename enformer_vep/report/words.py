"""What statistics and reasons mean, in words for readers who do not know the program."""

from collections.abc import Mapping
from types import MappingProxyType

STATISTICS: Mapping[str, str] = MappingProxyType(
    {
        "SAD": "the predicted signal of ALT minus that of REF, added up over the bins. 10 is 10 counts more with ALT",
        "SAR": "the change in log2(1 + signal) from REF to ALT, added up over the bins",
        "SADR": "the change in log2 of the total signal from REF to ALT. 1 means twice the signal with ALT",
        "sqrtSAD": "the change in the square root of the signal from REF to ALT, added up over the bins",
        "SAX": "the change from REF to ALT in the bin that changes most",
        "SAXR": "the change in log2(1 + signal) from REF to ALT in the bin that changes most",
        "D1": "the change from REF to ALT, up or down, added up over the bins. It has no direction",
        "logD1": "the change in log2(1 + signal), up or down, added up over the bins. It has no direction",
        "D2": "the Euclidean distance between the signals of ALT and REF. It has no direction",
        "logD2": "the Euclidean distance between log2(1 + signal) of ALT and REF. It has no direction",
        "JS": "how much the shape of the signal differs between ALT and REF. It has no direction",
        "logJS": "how much the shape of log2(1 + signal) differs between ALT and REF. It has no direction",
        "REF": "the signal that is predicted for REF. It is not an effect",
        "ALT": "the signal that is predicted for ALT. It is not an effect",
    }
)
"""What a score is, by the name of its statistic."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "malformed_record": "The line is not a valid VCF record.",
        "no_alt": "The record has no ALT allele.",
        "spanning_deletion": "ALT is *, a deletion that another record describes.",
        "symbolic_alt": "ALT is symbolic, such as <DEL>, and has no sequence.",
        "breakend": "ALT is a breakend, which joins two places of the genome.",
        "invalid_alt": "ALT is not a sequence of the letters A, C, G, T and N.",
        "invalid_ref": "REF is not a sequence of the letters A, C, G, T and N.",
        "allele_too_long": "The allele is longer than the model's window has room for.",
        "contig_not_in_fasta": "The reference genome does not have this contig.",
        "out_of_range": "The position lies outside its contig.",
        "ref_mismatch": "REF is not what the reference genome has there.",
        "ref_alt_swapped": "REF is not what the reference genome has there, but ALT is.",
        "outside_bins": "The model does not see the bins that were asked for from this variant.",
        "not_finite": "The model predicted a value that is not a number.",
    }
)
"""What a reason for skipping an allele means."""

UNSIGNED = frozenset({"D1", "logD1", "D2", "logD2", "JS", "logJS", "REF", "ALT"})
"""Statistics that are never negative."""
