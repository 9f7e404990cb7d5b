"""enformer-vep: how much Enformer expects every variant of a VCF to change each of its tracks."""

__version__ = "0.1.0"
