"""What our own files say of a model: `config.json` beside a checkpoint, and the same in our safetensors files."""

import json
from pathlib import Path
from typing import Any

from enformer_vep.errors import WeightsError
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.sources.source import ModelSettings

CONFIG_FORMAT = 1


def read_config_file(path: Path) -> ModelSettings:
    """Reads a model's `config.json`.

    Raises:
      WeightsError: it is not one, or its sizes cannot be used.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a model's config: {str(error).splitlines()[0]}") from error
    if not isinstance(settings, dict) or settings.get("format") != CONFIG_FORMAT or "config" not in settings:
        raise WeightsError(f"{path} is not a model's config of format {CONFIG_FORMAT}")
    return ModelSettings(parse_config(settings["config"], path), settings.get("name"), settings.get("notice"))


def parse_config(values: Any, path: Path) -> EnformerConfig:
    """Returns the sizes that `EnformerConfig.to_dict` gave.

    Args:
      values: the parsed JSON.
      path: the file they were read from, for messages.

    Raises:
      WeightsError: they cannot be used.
    """
    try:
        return EnformerConfig.from_dict(values)
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{path}: {error}") from error


def config_file_text(config: EnformerConfig, name: str, notice: str | None) -> str:
    """Returns the content of a `config.json`."""
    settings = {"format": CONFIG_FORMAT, "name": name, "notice": notice, "config": config.to_dict()}
    return json.dumps(settings, indent=2) + "\n"
