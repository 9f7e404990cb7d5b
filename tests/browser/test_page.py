"""The page in a real browser: sorting, filtering, export, state, zoom, printing."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import Open
from tests.report.contents import hostile, made_up

pytestmark = pytest.mark.full


def first_rows(page: Any, field: str, num: int = 3) -> list[str]:
    cells = page.locator(f'.tabulator-row .tabulator-cell[tabulator-field="{field}"]')
    return [cells.nth(number).inner_text() for number in range(num)]


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace("\u2212", "-").replace(",", "")) for text in texts]


def count(page: Any) -> str:
    found: str = page.locator("#shown").inner_text()
    return found


def test_scores_are_sorted_by_size(open_page: Open) -> None:
    contents = made_up(40)
    page = open_page(contents)
    largest = np.sort(contents.alleles.strength)[::-1][:3]
    np.testing.assert_allclose(np.abs(numbers(first_rows(page, "score"))), largest, rtol=0.01)
    page.locator('.tabulator-col[tabulator-field="score4"] .tabulator-col-title').click()
    largest = np.sort(np.abs(contents.alleles.score[:, 4]))[::-1][:3]
    np.testing.assert_allclose(np.abs(numbers(first_rows(page, "score4"))), largest, rtol=0.01)
    assert page.locator("#f-sort").input_value() == "score4"
    page.locator("#f-sort").select_option("place")  # as with a keyboard
    page.locator("#f-order").select_option("asc")
    assert first_rows(page, "place", 2) == ["chr1:10,000", "chr1:10,997"]


def test_text_region_and_number_filter(open_page: Open) -> None:
    contents = made_up(90)
    page = open_page(contents)
    assert count(page) == "90 of 90 variants"
    page.locator("#f-text").fill("rs1007")
    assert count(page) == "1 of 90 variants"
    assert first_rows(page, "id", 1) == ["rs1007"]
    page.locator("#f-text").fill("")
    for region, expected in (("chr1", 30), ("1", 30), ("chr1:10,000-11000", 2), ("chr2:39910", 1)):
        page.locator("#f-region").fill(region)
        assert count(page) == f"{expected} of 90 variants"
    page.locator("#f-region").fill("chr9:1-5")
    assert "No such region" in page.locator("#region-problem").inner_text()
    page.locator("#f-region").fill("")
    page.locator("#f-score").fill("5")
    assert count(page) == f"{(contents.alleles.strength >= 5).sum()} of 90 variants"
    page.locator("#f-group").select_option("2")
    assert count(page) == f"{(np.abs(contents.alleles.score[:, 2]) >= 5).sum()} of 90 variants"
    page.locator("button[type=reset]").click()
    page.get_by_text("90 of 90 variants").wait_for()


def test_what_is_shown_is_exported(open_page: Open, tmp_path: Path) -> None:
    contents = made_up(40)
    page = open_page(contents, "#region=chr2&sort=place&order=asc")
    with page.expect_download() as download:
        page.locator("#export").click()
    download.value.save_as(tmp_path / "variants.tsv")
    with (tmp_path / "variants.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    expected = [row for row in range(40) if contents.alleles.fields["chrom"][row] == "chr2"]
    assert [int(row["record"]) for row in rows] == expected
    np.testing.assert_allclose(
        [float(row["SAD:CAGE:score"]) for row in rows], contents.alleles.score[expected, 4], 1e-4
    )
    assert rows[0]["SAD:DNASE:track"] == contents.tracks.identifiers[contents.alleles.track[expected[0], 0]]


def test_the_address_keeps_the_state(open_page: Open) -> None:
    contents = made_up(60)
    page = open_page(contents)
    page.locator("#f-text").fill("rs10")
    page.locator("#f-region").fill("chr3")
    page.locator("#f-sort").select_option("score1")
    page.locator("details.columns summary").click()
    page.locator("#columns label", has_text="ID").first.locator("input").uncheck()
    fragment = "#" + page.url.split("#")[1]
    seen = count(page), first_rows(page, "score1")
    assert "region=chr3" in fragment
    again = open_page(contents, fragment)
    assert (count(again), first_rows(again, "score1")) == seen
    assert again.locator("#f-text").input_value() == "rs10"
    assert not again.locator('.tabulator-col[tabulator-field="id"]').is_visible()
    again.locator('nav a[href="#reading"]').click()
    assert again.url.endswith(fragment)


def pixels(page: Any) -> str:
    """What the plot of positions shows, once it is drawn."""
    found: str = page.evaluate(
        """async () => {
          await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)));
          return document.querySelector("#manhattan canvas").toDataURL();
        }"""
    )
    return found


def test_plots_zoom(open_page: Open) -> None:
    page = open_page(made_up(60))
    whole = pixels(page)
    page.locator("[data-zoom=in]").click()
    nearer = pixels(page)
    assert nearer != whole
    page.locator("[data-zoom=right]").click()
    assert pixels(page) not in (whole, nearer)
    page.locator("[data-zoom=all]").click()
    assert pixels(page) == whole
    plot = page.locator("#manhattan .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 60, steps=4)
    page.mouse.up()
    page.mouse.move(5, 5)
    assert pixels(page) not in (whole, nearer)
    page.mouse.dblclick(box["x"] + 5, box["y"] + 5)
    page.mouse.move(5, 5)
    assert pixels(page) == whole


def test_a_point_says_what_it_is_and_leads_to_its_row(open_page: Open) -> None:
    page = open_page(made_up(1))
    plot = page.locator("#manhattan .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    for height in range(20, int(box["height"]) - 20, 8):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + height)
        if "chr1:10,000" in page.locator("#under-cursor").inner_text():
            break
    assert "SAD" in page.locator("#under-cursor").inner_text()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_selector(".tabulator-row.found")


def test_the_strongest_are_shown_in_detail(open_page: Open) -> None:
    contents = made_up(40)
    page = open_page(contents)
    panels = page.locator("details.variant")
    assert panels.count() == 3
    page.locator('button[aria-label^="Details of rank 2"]').click()
    opened = panels.nth(1)
    opened.locator("table.heat").wait_for()
    assert opened.locator("canvas").count() == 2 * 5  # both profiles of the strongest track of each group
    assert opened.locator("table.heat tbody tr").count() == 20
    detail = contents.detailed[1]
    largest = opened.locator("table.heat tbody tr").first.inner_text()
    assert contents.tracks.biosamples[int(np.abs(detail.scores).argmax())] in largest
    assert "GENE0" in opened.locator("table").last.inner_text()


def test_it_prints_a_table_and_light_plots(open_page: Open) -> None:
    page = open_page(made_up(300), color_scheme="dark")
    pdf = page.pdf(format="A4")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 20
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#printed tbody tr").count() == 50
    assert "The first 50 of 300 variants" in page.locator("#printed").inner_text()
    assert not page.locator("#grid").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_hostile_text_is_shown_as_text(open_page: Open) -> None:
    text = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\u202e"
    page = open_page(hostile(text))
    page.locator("details.variant").first.wait_for()
    shown = text.replace("\u202e", "⟨U+202E⟩")
    assert page.locator("h1 bdi").inner_text() == shown
    assert shown[:60].rstrip() in page.locator('.tabulator-cell[tabulator-field="id"]').first.text_content()
    for part in ("details.variant summary", "table.heat", "dl.facts", "#under-cursor"):
        assert page.locator(part).first.locator("img, script").count() == 0
    assert page.locator("img").count() == 0


def test_a_page_without_alleles_opens(open_page: Open) -> None:
    page = open_page(made_up(0))
    assert "No variant passes the filters." in page.locator("#grid").inner_text()


def test_logos_show_the_bases_around_the_variant(open_page: Open) -> None:
    page = open_page(made_up(12, num_detailed=1), viewport={"width": 360, "height": 740})
    logos = page.locator("svg.logo")
    assert logos.count() == 3  # a saturation's, and REF and ALT of contributions
    assert logos.first.get_attribute("aria-label").startswith("Logo of the bases of reference around chr")
    letters = "".join(logos.first.locator("text.letter").all_text_contents())
    assert len(letters) == 41
    drawn = [path.get_attribute("class") for path in logos.first.locator("path").all()]
    assert len(drawn) == 40  # the height of one base is not known
    assert drawn == [f"base-{letter}" for number, letter in enumerate(letters) if number != 3]
    shaded, holder = (logos.first.locator(".changed"), page.locator(".scroll:has(> svg.logo)").first)
    box, around = shaded.bounding_box(), holder.bounding_box()
    assert around["x"] <= box["x"] <= around["x"] + around["width"] - box["width"]
    page.emulate_media(media="print")
    assert [label for label in page.locator(".allele").all_inner_texts() if label] == ["REF", "ALT"]
    page.emulate_media(media="screen")
    page.locator("summary", has_text="Logo as a table").first.click()
    assert page.locator("details[open] > .scroll > table", has_text="Contribution").locator("tbody tr").count() == 41
