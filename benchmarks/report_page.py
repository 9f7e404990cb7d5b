"""How long does a page of 10,000 alleles take to open, and to filter?

    python -m benchmarks.report_page        # needs Chromium and playwright, of the extra 'test'

The alleles are made up. The strongest 20 have profiles and logos; what the logos add to the size is stated. Each time
is the least of several, as the machine may be busy: from the request until the table and the plots are drawn, and from
the input in the text field until the same.
"""

import argparse
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TEXTS = ("rs10", "tissue number 7", "rs1", "gene1", "rs") * 3
IS_DRAWN = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"


def seconds_to_open(page: Any) -> float:
    start = time.perf_counter()
    page.reload()
    page.wait_for_selector(".tabulator-row")
    page.evaluate(IS_DRAWN)
    return time.perf_counter() - start


def milliseconds_to_filter(page: Any, text: str) -> float:
    found: float = page.evaluate(
        f"""async (text) => {{
          const start = performance.now();
          const input = document.getElementById("f-text");
          input.value = text;
          input.dispatchEvent(new Event("input"));
          await {IS_DRAWN};
          return performance.now() - start;
        }}""",
        text,
    )
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    from enformer_vep.report.page import render
    from tests.report.contents import made_up

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alleles", type=int, default=10_000)
    num_alleles = parser.parse_args().alleles
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        parser.error(f"needs one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        path = Path(folder) / "report.html"
        contents = made_up(num_alleles, num_detailed=20)
        path.write_bytes(render(contents))
        without = len(render(replace(contents, detailed=[replace(one, logos=()) for one in contents.detailed])))
        page = running.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        page.goto(path.as_uri())
        opened = [seconds_to_open(page) for _ in range(3)]
        filtered = [milliseconds_to_filter(page, text) for text in TEXTS]
        size = path.stat().st_size
        print(f"{num_alleles:,} alleles, {size / 1e6:.2f} MB, of which logos {(size - without) / 1e6:.3f} MB")
        print(f"opened in {min(opened):.2f} s (at most {max(opened):.2f} s)")
        print(f"filtered in {min(filtered):.0f} ms (at most {max(filtered):.0f} ms)")


if __name__ == "__main__":
    main()
