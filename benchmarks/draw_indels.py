"""Draws the figures of `benchmarks/indels.py`: errors by policy and length, and AUROC by policy and statistic."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.indel_truth import LENGTH_CLASSES, POLICIES
from benchmarks.indels import ALL_LENGTHS, DEMO_MODEL, RULES, name_of_class

COLOURS = {"left": "#999999", "average": "#E69F00", "stitch": "#56B4E9", "tower": "#0B5C8E"}
"""Of Okabe and Ito, or between two of them: told apart by the colour-blind, and in print by their lightness."""

WIDTH = 0.2
"""Of a bar; a group has one for each policy."""

ERRORS = {
    "harmless_rms": "SAD of indels that change no site: error",
    "broken_rms": "SAD of a site that an indel breaks: error",
}
STYLE = {"svg.hashsalt": "indels", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Draws the picture.

    Args:
      rows: the table of `indels.py`, SAD among its statistics.
      path: the file, whose suffix says what kind of picture it is.
    """
    lengths = [name_of_class(one) for one in LENGTH_CLASSES]
    statistics = list(rows["statistic"].unique())
    policies = [policy for policy in POLICIES if policy in set(rows["policy"])]
    of_factors = rows[rows["tracks"] == "CHIP"]
    of_all = of_factors[of_factors["lengths"] == ALL_LENGTHS]
    of_sad = of_factors[of_factors["statistic"] == "SAD"]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
        for axis, (figure_name, title) in zip(axes, ERRORS.items(), strict=False):
            _bars(axis, of_sad.set_index(["scorer", "policy", "lengths"])[figure_name], policies, lengths)
            axis.set_title(title, loc="left", fontsize=9)
            axis.set_xlabel("change of the length")
            axis.set_ylim(bottom=0)
        axes[0].set_ylabel("root mean square, in units of a broken site")
        _bars(
            axes[2], of_all.set_index(["scorer", "policy", "statistic"])["auroc"], policies, statistics, has_values=True
        )
        axes[2].set_title("AUROC, broken sites against no change", loc="left", fontsize=9)
        axes[2].set_ylim(0.5, 1.04)
        axes[2].set_xlabel("statistic, largest of the factors' tracks")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(path, dpi=150, metadata=metadata)
        plt.close(figure)


def _bars(axis: Any, values: pd.Series, policies: list[str], groups: list[str], *, has_values: bool = False) -> None:
    """Draws a bar for every policy in every group, and a line where the rules alone would end."""
    for number, policy in enumerate(policies):
        at = np.arange(len(groups)) + (number - (len(policies) - 1) / 2) * WIDTH
        heights = [values[DEMO_MODEL, policy, group] for group in groups]
        axis.bar(at, heights, 0.92 * WIDTH, color=COLOURS[policy], label=policy)
        ruled = [values[RULES, policy, group] for group in groups]
        if has_values:
            for x, height, rule in zip(at, heights, ruled, strict=True):
                axis.text(x, max(height, rule) + 0.006, f"{height:.2f}", fontsize=6, ha="center")
        label = RULES if number == len(policies) - 1 else None
        axis.hlines(ruled, at - 0.46 * WIDTH, at + 0.46 * WIDTH, color="black", linewidth=1.5, label=label)
    axis.set_xticks(range(len(groups)), groups)
