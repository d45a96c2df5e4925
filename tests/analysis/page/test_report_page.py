"""The report in a browser: it runs, asks nobody for anything, and can be read by everybody.

Needs Chromium, which `.ci/run` installs.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import altair as alt
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

import analysis as gw
from analysis.library.statement import Verdict
from analysis.page import figures, palette
from probe.record import Attribution
from tests.analysis.country import HOME, Country
from tests.analysis.verdicts import HOSTILE, behind_a_gateway, verdict_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.xdist_group("chromium"),
]


def _diverse() -> Country:
    country = Country(12)
    country.everyone("lan own {up}", days=range(20))
    return country


# Networks of a real country, as they are registered.
REGISTERED = (
    "SysEleven GmbH",
    "RTL2 FERNSEHEN GMBH & CO. KG",
    "PFALZKOM GmbH",
    "Verein zur Foerderung eines Deutschen Forschungsnetzes e.V.",
    "RS Gesellschaft fuer Informationstechnik mbH & Co.KG",
    "WWW Mmm Communications",
)


def _registered() -> Country:
    """Each leaves by itself, under the name that stands in a registry."""
    country = Country(len(REGISTERED))
    names = {f"Net {i}": name for i, name in enumerate(REGISTERED, start=1)}
    for prefix, said in list(country.table.prefixes.items()):
        if said.organisation in names:
            country.table.prefixes[prefix] = said._replace(organisation=names[said.organisation])
    country.everyone("lan own {up}", days=range(8))
    return country


def _years() -> Country:
    """A gateway in three years, the last of which has hardly begun."""
    country = Country(7)
    country.everyone("lan own gate {up}", days=range(-1000, 95, 21))
    return country


def _long_names() -> Country:
    """Networks with names of sixty letters, of which one has no blanks."""
    country = Country(6)
    zone = "Phnom Penh Special Economic Zone Telecommunications & Internet"
    for i, name in enumerate((f"{zone} 1", f"{zone} 2", "AS-" + "Anyone" * 9), start=1):
        country.table.add(f"20.0.{i}.0/24", Attribution(100 + i, f"N{i}", name, HOME))
    country.everyone("lan own gate {up}")
    for i in range(1, 7):
        country.trace(i, f"20.0.{1 + i % 6}.200", "lan own gate")
    return country


def _broad() -> Country:
    """So many networks that a table of all is broader than a sheet of paper."""
    country = Country(42)
    country.everyone("lan own gate {up}", days=[0])
    for i in range(1, 7):
        for j in range(7, 43):
            country.trace(i, f"20.0.{j}.200", "lan own gate")
    return country


def _roll_out() -> Country:
    """One network after the other moves to a gateway, within four weeks."""
    country = Country(8)
    for i in range(1, 9):
        moved = 10 + 3 * i
        country.everyone("lan own {up}", members=[i], days=range(moved))
        country.everyone("lan own gate {up}", members=[i], days=range(moved, 48))
    return country


COUNTRIES: dict[str, Callable[[], Country]] = {
    "single_gateway": behind_a_gateway,
    "diverse": _diverse,
    "registered": _registered,
    "empty": lambda: Country(3),
    "hostile": lambda: behind_a_gateway(HOSTILE),
    "years": _years,
    "long_names": _long_names,
    "broad": _broad,
    "roll_out": _roll_out,
}


PAGES = [*(f"{name}.en" for name in COUNTRIES), "single_gateway.km"]


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    return {name: verdict_of(make()) for name, make in COUNTRIES.items()}


COMMAND = "gatewatch analyze kh/2026 --country KH --policy captured=0.85 --policy days=14 --json"


@pytest.fixture(scope="module")
def files(verdicts: dict[str, Verdict], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages."""
    folder = tmp_path_factory.mktemp("pages")
    for page in PAGES:
        name, _, language = page.partition(".")
        html = gw.report(verdicts[name], language=language)
        (folder / f"{page}.html").write_text(html, encoding="utf-8")
    fields = verdicts["empty"].to_dict()
    fields["provenance"]["command"] = COMMAND
    html = gw.report(dataclasses.replace(verdicts["empty"], _fields=fields))
    (folder / "command.en.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page, with everything that it asked for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def opened(browser: Browser, files: Path) -> Opening:
    return Opening(browser.new_page(offline=True), files)


class Opening:
    """Opens one page after the other in one tab, since each tab costs half a second."""

    def __init__(self, tab: Page, files: Path) -> None:
        self._files = files
        self._opened = Opened(tab)
        tab.on("request", lambda request: self._opened.requests.append(request.url))
        tab.on("console", lambda message: self._opened.complaints.append(message.text))
        tab.on("pageerror", lambda error: self._opened.complaints.append(str(error)))

    def __call__(
        self,
        name: str,
        *,
        width: int = 1000,
        scheme: Literal["light", "dark"] = "light",
        forced: Literal["active", "none"] = "none",
    ) -> Opened:
        tab = self._opened.page
        self._opened = Opened(tab)
        tab.set_viewport_size({"width": width, "height": 800})
        tab.emulate_media(media="null", color_scheme=scheme, forced_colors=forced)
        tab.goto((self._files / f"{name}.html").as_uri())
        return self._opened


@pytest.mark.parametrize("name", PAGES)
def test_the_page_asks_nobody_and_complains_of_nothing(
    name: str, opened: Opening, files: Path
) -> None:
    """One request, for the file itself; nothing on the console; far below three megabytes."""
    found = opened(name)
    found.page.wait_for_load_state("load")
    assert found.requests == [(files / f"{name}.html").as_uri()]
    assert found.complaints == []
    assert (files / f"{name}.html").stat().st_size < 500_000


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *((name, "light") for name in PAGES),
        *((f"{name}.en", "dark") for name in ("single_gateway", "diverse")),
    ],
)
def test_nothing_is_kept_from_who_cannot_see(
    name: str, scheme: Literal["light", "dark"], opened: Opening
) -> None:
    """axe finds no violation: headings, tables, labels, contrast."""
    results = Axe().run(opened(name, scheme=scheme).page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize(
    ("name", "width"), [*((name, 320) for name in PAGES), ("single_gateway.en", 740)]
)
def test_a_telephone_shows_it_without_scrolling_sideways(
    name: str, width: int, opened: Opening
) -> None:
    """What is wider scrolls by itself; the narrow pictures are shown, the wide ones are not."""
    page = opened(name, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    seen = page.evaluate(
        "[...document.querySelectorAll('svg[role=img]')].filter(e => e.checkVisibility())"
        ".map(e => e.parentElement.className)"
    )
    assert set(seen) <= {"narrow" if width <= 736 else "wide"}
    assert bool(seen) != name.startswith("empty")


def test_a_telephone_breaks_no_word_of_the_rule(opened: Opening) -> None:
    """What the rule asks for has room for its words beside the numbers."""
    page = opened("single_gateway.en", width=360).page
    broken = page.evaluate(
        """() => [...document.querySelectorAll('table.rule tbody th')].flatMap(th => {
            const text = th.firstChild, range = document.createRange();
            return [...text.data.matchAll(/\\S+/g)].filter(word => {
                range.setStart(text, word.index);
                range.setEnd(text, word.index + word[0].length);
                return new Set([...range.getClientRects()].map(box => box.top)).size > 1;
            }).map(word => word[0]);
        })"""
    )
    assert broken == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "name", ["single_gateway.en", "single_gateway.km", "diverse.en", "registered.en", "years.en"]
)
def test_no_word_of_a_picture_is_cut_off(name: str, width: int, opened: Opening) -> None:
    """Whatever font a reader's system has: every word stands whole inside its picture."""
    page = opened(name, width=width).page
    cut = page.evaluate(
        """() => [...document.querySelectorAll('svg[role=img]')].filter(e => e.checkVisibility())
        .flatMap(svg => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect();
                return box.left < frame.left - .5 || box.right > frame.right + .5;
            }).map(text => text.textContent);
        })"""
    )
    assert cut == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["single_gateway.en", "single_gateway.km", "years.en"])
def test_two_dates_are_not_read_as_one(name: str, width: int, opened: Opening) -> None:
    """ "1/1/20263/1/2026" is no day: between two dates of an axis there is room for a blank."""
    page = opened(name, width=width).page
    dates = page.evaluate(
        """() => [...document.querySelectorAll('#time svg[role=img]')]
        .filter(e => e.checkVisibility()).flatMap(svg => [...svg.querySelectorAll('text')])
        .filter(text => /20[0-9]{2}$/.test(text.textContent))
        .map(text => text.getBoundingClientRect()).map(box => [box.left, box.right])
        .sort((a, b) => a[0] - b[0])"""
    )
    assert len(dates) > 1
    assert min(after[0] - before[1] for before, after in pairwise(dates)) >= 4


@pytest.mark.parametrize("width", [360, 1280])
def test_the_word_of_the_alarm_stands_on_no_mark(width: int, opened: Opening) -> None:
    """Also where networks move one after the other, and the marks climb for weeks."""
    page = opened("roll_out.en", width=width).page
    word, *marks = page.evaluate(
        """() => [...document.querySelectorAll('#time svg[role=img]')]
        .filter(e => e.checkVisibility()).flatMap(svg => {
            const word = [...svg.querySelectorAll('text')].find(e => e.textContent == 'alarm');
            const marks = svg.querySelectorAll('line[stroke-width="6"], path');
            return [word, ...marks].map(e => e.getBoundingClientRect())
                .map(box => [box.left, box.right, box.top, box.bottom]);
        })"""
    )
    left, right, top, bottom = word
    assert len(marks) == 2 * 48
    over = [one for one in marks if left < one[1] and one[0] < right]
    assert [one for one in over if top < one[3] and one[2] < bottom] == []


@pytest.mark.parametrize("width", [320, 360, 440, 740])
def test_no_word_of_the_command_is_broken(width: int, opened: Opening) -> None:
    """Typed from paper, "-" and "-policy" are other words; a copied command is as it was."""
    page = opened("command.en", width=width).page
    copied, broken = page.evaluate(
        """() => {
            const shown = document.querySelector('#redo pre code');
            const broken = [...shown.querySelectorAll('.word')]
                .filter(word => word.getClientRects()[0].height > 1.9 * parseFloat(
                    getComputedStyle(word).fontSize)).map(word => word.textContent);
            getSelection().selectAllChildren(shown);
            return [getSelection().toString(), broken];
        }"""
    )
    assert copied.splitlines()[1] == COMMAND
    assert broken == []


@pytest.fixture(scope="module")
def wide_names() -> Verdict:
    country = _long_names()
    country.table.add("20.6.6.0/24", Attribution(106, "N6", "Wide M&M Wholesale WAN GmbH", HOME))
    return verdict_of(country)


@pytest.mark.parametrize("width", [360, 720])
@pytest.mark.parametrize("made", [figures.grid, figures.domestic, figures.recruits])
def test_no_name_of_a_picture_for_a_paper_is_cut_off(
    made: Callable[..., alt.LayerChart],
    width: int,
    wide_names: Verdict,
    browser: Browser,
    tmp_path: Path,
) -> None:
    """The font in which its room was measured may be narrower than a reader's."""
    made(wide_names, width=width).save(tmp_path / "picture.svg")
    page = browser.new_page(viewport={"width": 1000, "height": 800}, offline=True)
    page.goto((tmp_path / "picture.svg").as_uri())
    names = page.evaluate(
        """() => {
            const frame = document.documentElement.getBoundingClientRect();
            return [...document.querySelectorAll('text')].map(text => {
                const box = text.getBoundingClientRect();
                return [text.textContent, box.left >= frame.left - .5 && box.top >= frame.top - .5
                    && box.right <= frame.right + .5 && box.bottom <= frame.bottom + .5];
            });
        }"""
    )
    page.close()
    assert any(name.startswith("Phnom Penh Special") or "Wide" in name for name, _ in names)
    assert [name for name, whole in names if not whole] == []


def test_no_heading_of_a_grid_is_cut_off(opened: Opening) -> None:
    """Two networks whose names differ at the end can be told apart; such a column is wider."""
    page = opened("long_names.en", width=1280).page
    cut = page.evaluate(
        """() => [...document.querySelectorAll('th.turned')].filter(th => {
            const cell = th.getBoundingClientRect(), range = document.createRange();
            range.selectNodeContents(th);
            return [th.firstChild.getBoundingClientRect(), ...range.getClientRects()].some(box =>
                box.left < cell.left - .5 || box.right > cell.right + .5 || box.top < cell.top - .5)
                || th.firstChild.scrollWidth > th.firstChild.clientWidth + 1
                || th.firstChild.scrollHeight > th.firstChild.clientHeight + 1;
        }).map(th => th.textContent)"""
    )
    assert cut == []


def test_the_dark_page_is_dark_and_so_are_its_pictures(opened: Opening) -> None:
    """Each colour of a picture has its twin."""
    page = opened("single_gateway.en", scheme="dark").page
    colours = page.evaluate(
        "[getComputedStyle(document.documentElement).backgroundColor,"
        f" getComputedStyle(document.querySelector('svg [fill=\"{palette.GATEWAY.light}\"]')).fill]"
    )
    assert colours == [rgb(palette.PAPER.dark), rgb(palette.GATEWAY.dark)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_colours_are_the_readers_own_a_grid_has_frames(
    scheme: Literal["light", "dark"], opened: Opening
) -> None:
    """The page's are gone then. Who is named, who is not and the unknown differ by their frames."""
    page = opened("single_gateway.en", scheme=scheme, forced="active").page
    frames = page.evaluate(
        """() => Object.fromEntries(['candidate', 'gateway', 'itself', 'unknown'].map(role => {
            const cell = document.createElement('td');
            cell.className = role;
            document.querySelector('table.matrix tbody tr').append(cell);
            const style = getComputedStyle(cell);
            return [role, style.borderTopStyle + ' ' + style.borderTopWidth];
        }))"""
    )
    assert len(set(frames.values())) == 4
    assert not any(frame.startswith("none") for frame in frames.values())


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_it_is_light_and_whole(scheme: Literal["light", "dark"], opened: Opening) -> None:
    """Whoever reads in the dark prints black on white, the wide pictures, on a few sheets."""
    page = opened("single_gateway.en", scheme=scheme).page
    sheet = page.pdf(format="A4", print_background=True)
    assert sheet.startswith(b"%PDF")
    assert 2 <= sheet.count(b"/Type /Page\n") <= 8
    page.emulate_media(media="print", color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.documentElement).color") == rgb(
        palette.INK.light
    )
    assert page.locator(".narrow").first.is_hidden()
    assert page.locator(".wide").first.is_visible()


@pytest.mark.parametrize("name", ["broad.en", "long_names.en"])
def test_no_table_is_broader_than_a_sheet(name: str, opened: Opening) -> None:
    """Paper does not scroll: 36 columns get narrower, and the last one stands on it."""
    a4_within_margins = 688
    page = opened(name, width=a4_within_margins).page
    page.emulate_media(media="print")
    ends = page.evaluate(
        "[...document.querySelectorAll('table')].map(e => e.getBoundingClientRect().right)"
    )
    assert len(ends) > 3
    assert max(ends) <= a4_within_margins
    assert page.locator("table.matrix").last.locator("th.turned").last.is_visible()


def test_no_picture_is_higher_than_a_sheet(opened: Opening) -> None:
    """Of forty networks the last ones would stand on the next."""
    a4_below_a_heading = 860
    page = opened("broad.en", width=688).page
    page.emulate_media(media="print")
    heights = page.evaluate(
        "[...document.querySelectorAll('figure svg')].map(e => e.getBoundingClientRect().height)"
    )
    assert 0 < max(heights) <= a4_below_a_heading


def test_paper_shows_nothing_to_be_clicked_and_no_heading_without_its_picture(
    opened: Opening,
) -> None:
    """What is folded stays off it; what stands above a picture goes to the next sheet with it."""
    page = opened("single_gateway.en").page
    page.emulate_media(media="print")
    folded = page.locator("details:not([open])")
    assert folded.count() > 2
    assert not any(fold.is_visible() for fold in folded.all())
    breaks = page.evaluate(
        """() => [...document.querySelectorAll('figure, .scroll, .legend')].flatMap(picture => {
            const before = picture.previousElementSibling;
            return before && picture.checkVisibility() ? [getComputedStyle(before).breakAfter] : [];
        })"""
    )
    assert len(breaks) > 3
    assert set(breaks) == {"avoid"}


def test_paper_tears_no_sign_from_its_words(opened: Opening) -> None:
    """Chromium divides a flex box between two sheets, whatever it is told."""
    page = opened("single_gateway.en").page
    page.emulate_media(media="print")
    shown = "legends => legends.map(legend => getComputedStyle(legend).display)"
    assert set(page.locator(".legend").evaluate_all(shown)) == {"block"}


def test_each_name_stands_over_the_middle_of_its_column(opened: Opening) -> None:
    """So that one of two lines is not taken for that of its neighbour."""
    page = opened("single_gateway.en").page
    off = page.evaluate(
        """() => [...document.querySelectorAll('th.turned')].map(th => {
            const range = document.createRange();
            range.selectNodeContents(th.querySelector('span'));
            const [cell, name] = [th.getBoundingClientRect(), range.getBoundingClientRect()];
            return Math.abs(cell.left + cell.right - name.left - name.right) / 2;
        })"""
    )
    assert off
    assert max(off) < 3


def test_the_head_of_a_grid_is_as_high_as_its_longest_name(opened: Opening) -> None:
    """And not as the longest that there could be: short names stand right below their continent."""
    page = opened("single_gateway.en").page
    heights = page.evaluate(
        "[...document.querySelectorAll('th.turned')].map(th => [th.getBoundingClientRect().height,"
        " th.querySelector('span').getBoundingClientRect().height])"
    )
    assert heights
    assert max(head for head, _ in heights) < max(name for _, name in heights) + 8


def test_paper_breaks_no_name_of_a_row_for_which_there_is_room(opened: Opening) -> None:
    """In none of the grids; that with continents above it left half of the sheet empty."""
    page = opened("single_gateway.en", width=688).page
    page.emulate_media(media="print")
    widths = page.evaluate(
        """() => [...document.querySelectorAll('table.matrix')].map(grid => {
            const name = grid.querySelector('tbody th');
            name.textContent = 'Angkor Data Communication';
            return name.getBoundingClientRect().width;
        })"""
    )
    assert len(widths) == 2
    assert widths[0] == widths[1]


def test_no_line_of_khmer_runs_into_the_next(opened: Opening) -> None:
    """Its letters have feet and hats: the large figures at the top need the room, too."""
    page = opened("single_gateway.km", width=360).page
    heights = page.evaluate(
        """() => [...document.querySelectorAll('dl.figures :is(dt, dd)')].map(e => {
            const style = getComputedStyle(e);
            return parseFloat(style.lineHeight) / parseFloat(style.fontSize);
        })"""
    )
    assert min(heights) >= 1.5


def test_the_keyboard_reaches_all_there_is(opened: Opening) -> None:
    """First the way past the head, then tables that scroll and what can be unfolded, in order."""
    page = opened("single_gateway.en", width=360).page
    reached: list[str] = []
    for _ in range(12):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
        )
        if name in reached:
            break
        reached.append(name)
    assert reached[0] == "To the pictures"
    for name in ("The numbers of this picture", "Gateways by network and destination",
                 "Ways between networks at home", "All numbers of the rule"):  # fmt: skip
        assert name in reached
    page.get_by_text("The numbers of this picture").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.numbers table").first.is_visible()


def test_headings_make_an_outline(opened: Opening) -> None:
    """One first heading, and none that skips a level."""
    page = opened("single_gateway.en").page
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].map(e => Number(e.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_hostile_name_runs_nothing(opened: Opening) -> None:
    """It stands there as text; and a script that came in all the same would not be run."""
    page = opened("hostile.en").page
    assert HOSTILE in page.inner_text("h1")
    assert page.evaluate("document.scripts.length + document.images.length") == 0
    page.evaluate(
        "() => { const s = document.createElement('script');"
        " s.textContent = 'window.pwned = 1'; document.body.append(s); }"
    )
    assert page.evaluate("window.pwned") is None
