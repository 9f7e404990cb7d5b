"""The columns in which the letters of two alleles stand."""

from enformer_vep.plots.content import LogoColumns


def aligned(
    start: int, reference: str, alternate: str, changed: tuple[int, int], inserted: tuple[int, int]
) -> tuple[LogoColumns, list[int], list[int]]:
    """Puts two alleles into common columns: equal flanks, and between them what differs, from the left.

    Args:
      start: the genome's position of the first base of both, 0-based.
      reference: the reference's bases.
      alternate: the alternate's bases.
      changed: from where to where the reference differs, as places in `reference`.
      inserted: the same in `alternate`; it begins at the same place.

    Returns:
      The columns, and for each base of the reference and of the alternate its column.
    """
    num_changed, num_inserted = changed[1] - changed[0], inserted[1] - inserted[0]
    width = max(num_changed, num_inserted)
    num_right = len(reference) - changed[1]
    places = list(range(changed[0]))

    def of_allele(num: int) -> list[int]:
        first_right = changed[0] + width
        return [*places, *range(changed[0], changed[0] + num), *range(first_right, first_right + num_right)]

    of_reference, of_alternate = of_allele(num_changed), of_allele(num_inserted)
    positions: list[int | None] = [None] * (changed[0] + width + num_right)
    for place, column in enumerate(of_reference):
        positions[column] = start + place
    assert len(of_alternate) == len(alternate)
    return LogoColumns(tuple(positions), range(changed[0], changed[0] + width)), of_reference, of_alternate
