"""enformer-vep: how much Enformer expects every variant of a VCF to change each of its tracks.

In Python, `import enformer_vep as ev` offers `ev.score_variants`, `ev.score_vcf`, `ev.open_model`, `ev.read_scores` and
`ev.demo_files`. Each is imported when it is first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enformer_vep.api.explaining import Contributions as Contributions
    from enformer_vep.api.explaining import Saturation as Saturation
    from enformer_vep.api.model import Model as Model
    from enformer_vep.api.model import open_model as open_model
    from enformer_vep.api.predictions import AllelePrediction as AllelePrediction
    from enformer_vep.api.predictions import Prediction as Prediction
    from enformer_vep.api.scores import Scores as Scores
    from enformer_vep.api.scores import read_scores as read_scores
    from enformer_vep.api.scoring import score_variants as score_variants
    from enformer_vep.api.scoring import score_vcf as score_vcf
    from enformer_vep.demo.run import DemoFiles as DemoFiles
    from enformer_vep.demo.run import demo_files as demo_files
    from enformer_vep.errors import EnformerVepError as EnformerVepError
    from enformer_vep.errors import InputError as InputError
    from enformer_vep.errors import SkipReason as SkipReason
    from enformer_vep.genome.variant import Variant as Variant

__version__ = "0.1.0"

_HOMES = {
    "AllelePrediction": "api.predictions",
    "Contributions": "api.explaining",
    "DemoFiles": "demo.run",
    "EnformerVepError": "errors",
    "InputError": "errors",
    "Model": "api.model",
    "Prediction": "api.predictions",
    "Saturation": "api.explaining",
    "Scores": "api.scores",
    "SkipReason": "errors",
    "Variant": "genome.variant",
    "demo_files": "demo.run",
    "open_model": "api.model",
    "read_scores": "api.scores",
    "score_variants": "api.scoring",
    "score_vcf": "api.scoring",
}
"""Where each public name is."""

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
