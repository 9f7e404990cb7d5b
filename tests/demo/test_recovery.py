import pandas as pd
import pytest

from enformer_vep.demo.recovery import Recovery, measure_recovery
from enformer_vep.demo.variants import SiteVariant


def test_recovery_by_hand() -> None:
    kinds = ["break", "break", "create", "create", "random", "random", "enhancer_break", "enhancer_break", "silent"]
    factors = ["GATA", "AP1", "GATA", "AP1", "", "", "GATA", "GATA", "AP1"]
    truths = {
        2 * number: SiteVariant("c", number + 1, "A", "C", kind, factor)
        for number, (kind, factor) in enumerate(zip(kinds, factors, strict=True))
    }
    scores = pd.DataFrame(
        {
            "record": [*truths, 100],
            # |SAD| of the random ones is 1 and 3: the broken GATA site stands above one of the two.
            "SAD:DEMO:CHIP:GATA": [-2.0, 9, 5, 9, 1, -3, -9, -9, 9, 7],
            # |SAD| of the random ones is 2 and 4: the broken AP1 site stands above one and beside the other.
            "SAD:DEMO:CHIP:AP1": [9.0, 4, 9, -1, -2, 4, 9, 9, 9, 7],
            "SAD:DEMO:CAGE:ERYTHROID": [9.0, 9, 9, 9, 9, 9, -1, 1, 9, 7],
        }
    )
    recovery = measure_recovery(scores, truths)
    assert recovery == Recovery(
        auroc=pytest.approx((0.5 + 0.75) / 2),
        num_signs=4,
        num_right_signs=2,  # broken GATA, created GATA; not broken AP1, created AP1
        num_enhancers=2,
        num_lowered=1,
    )
    assert [line.split("  ")[-1].strip() for line in str(recovery).splitlines()] == ["AUROC 0.625", "2 of 4", "1 of 2"]
    with pytest.raises(KeyError):
        measure_recovery(scores.drop(index=0), truths)
