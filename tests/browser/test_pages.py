"""The pages as a reader's browser shows them: sorted and filtered, on a phone, in the dark, and never online."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from paralab.report.write import report, report_all
from tests.unit.fake_runs import write_run

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pages are not tested")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="NO CHROMIUM FOUND: the report's pages are not tested")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]
PHONE = {"width": 390, "height": 844}


@dataclass
class Seen:
    """What a page did besides being shown."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("experiments")
    for place, trainer in enumerate(("supervised/logistic", "semi_supervised/label_spreading", "unsupervised/kmeans")):
        for labels in (20, 100, None):
            for seed in range(2):
                score = 0.7 + 0.05 * place + seed / 100 + (labels or 1257) / 20_000
                folder = write_run(root, trainer, labels=labels, seed=seed, score=score, question="Which is <best>?")
                (folder / "run.log").write_text("it went well\n")
    failed = write_run(root, seed=9, labels=20, score=None, status="failed", error="ValueError: <b>too few</b> rows")
    (failed / "run.log").write_text("Traceback: boom\n")
    write_run(root, experiment="odd #1?", score=0.5)
    write_run(root, experiment="empty", score=None, status="failed")
    report_all(root)
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def page(browser: playwright.Browser, seen: Seen) -> Iterator[playwright.Page]:
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    watch(opened, seen)
    yield opened
    opened.close()
    assert seen.complaints == []
    assert all(urlparse(url).scheme in ("file", "data") for url in seen.requests)


def watch(page: playwright.Page, seen: Seen) -> None:
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))


def column(table: playwright.Locator, place: int) -> list[str]:
    rows = table.locator("tbody tr:visible")
    return [rows.nth(i).locator("th, td").nth(place).inner_text().split("\n")[0] for i in range(rows.count())]


def open_report(page: playwright.Page, site: Path) -> playwright.Locator:
    page.goto((site / "demo/report/index.html").as_uri())
    return page.locator("table[aria-labelledby=t0-leaderboard]")


def test_question_and_answer_come_first(page: playwright.Page, site: Path) -> None:
    open_report(page, site)
    assert page.locator("h1").inner_text() == "demo"
    assert page.locator("header .lead").inner_text() == "Which is <best>?"
    assert "kmeans" in page.locator("header .answer").inner_text()
    assert page.locator("header .answer").bounding_box()["y"] < 600  # type: ignore[index]


def test_a_click_sorts_and_another_turns(page: playwright.Page, site: Path) -> None:
    table = open_report(page, site)
    labels = table.locator("thead button", has_text="labels")
    labels.click()
    assert column(table, 2) == ["all"] * 3 + ["100"] * 3 + ["20"] * 3
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    labels.click()
    assert column(table, 2) == ["20"] * 3 + ["100"] * 3 + ["all"] * 3
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    table.locator("thead button", has_text="mean").click()
    means = [float(text.split(" ")[0]) for text in column(table, 4)]
    assert means == sorted(means, reverse=True)
    assert table.locator("th[aria-sort]").count() == 1


def test_the_keyboard_sorts_too(page: playwright.Page, site: Path) -> None:
    table = open_report(page, site)
    table.locator("thead button").first.focus()
    page.keyboard.press("Enter")
    names = column(table, 0)
    assert names == sorted(names)
    page.keyboard.press("Space")
    assert column(table, 0) == names[::-1]


def test_words_filter_rows(page: playwright.Page, site: Path) -> None:
    table = open_report(page, site)
    field = page.get_by_label("Filter").first
    field.fill("SEMI 100")
    assert column(table, 0) == ["label_spreading"]
    assert page.locator("output").first.inner_text() == "1 of 9"
    field.fill("nothing of it")
    assert column(table, 0) == []
    field.fill("")
    assert len(column(table, 0)) == 9


def test_every_link_leads_to_a_file(page: playwright.Page, site: Path) -> None:
    pages = [site / "index.html"]
    followed: set[Path] = set()
    while pages:
        here = pages.pop()
        page.goto(here.as_uri())
        for target in page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
            path = Path(unquote(urlparse(target).path))
            assert path.is_file(), f"{here} links to {target}"
            if path.suffix == ".html" and path not in followed:
                followed.add(path)
                pages.append(path)
    assert sum(path.parent.name == "runs" for path in followed) == 20


def test_a_run_says_why_it_failed(page: playwright.Page, site: Path) -> None:
    open_report(page, site)
    assert "ValueError: <b>too few</b> rows" in page.locator("table[aria-labelledby=failures]").inner_text()
    page.locator("table[aria-labelledby=failures] a").click()
    assert "ValueError: <b>too few</b> rows" in page.locator(".answer.no").inner_text()
    assert "Traceback: boom" in page.locator("pre").last.inner_text()
    page.get_by_role("link", name="demo").click()
    assert page.locator("h1").inner_text() == "demo"


@pytest.mark.parametrize("name", ["index.html", "demo/report/index.html", "a run"])
def test_a_phone_scrolls_one_way_only(page: playwright.Page, site: Path, name: str) -> None:
    path = next((site / "demo/report/runs").iterdir()) if name == "a run" else site / name
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "16px"


def test_dark_is_dark_and_paper_is_white(page: playwright.Page, site: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    table = open_report(page, site)
    assert page.evaluate(ground) == "rgb(20, 23, 27)"
    assert contrast(page) > 7
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert contrast(page) > 7
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert not page.locator(".filter").first.is_visible()
    assert table.is_visible()


def contrast(page: playwright.Page) -> float:
    """Of the text against its ground, as WCAG defines it."""
    shades = [page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor")]
    bright = []
    for shade in shades:
        parts = [int(part) / 255 for part in shade[4:-1].split(",")]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        bright.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return float((max(bright) + 0.05) / (min(bright) + 0.05))


def test_without_scripts_tables_are_whole(browser: playwright.Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    table = open_report(plain, site)
    assert table.locator("tbody tr").count() == 9
    assert plain.locator("input, button").count() == 0
    context.close()


def test_figures_say_what_they_show(page: playwright.Page, site: Path) -> None:
    open_report(page, site)
    words = page.eval_on_selector_all("figure svg", "all => all.map(each => each.getAttribute('aria-label'))")
    assert words
    assert all(each and len(each) > 20 for each in words)
    assert page.locator("svg").count() == page.locator("svg[role=img]").count()


def test_only_the_pages_own_script_runs(page: playwright.Page, seen: Seen, tmp_path: Path) -> None:
    root = tmp_path / "experiments"
    write_run(root, score=0.5)
    made = report(root, "demo").page
    made.write_text(made.read_text().replace("</main>", "</main><script>document.title = 'taken'</script>"))
    page.goto(made.as_uri())
    assert page.title() == "demo · paralab report"
    assert any("Content Security Policy" in each for each in seen.complaints)
    seen.complaints.clear()
