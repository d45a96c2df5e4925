"""The catalogues of messages, kept in step with the source: ``make messages``.

Collects every sentence of the probe that goes through `probe.words.language` and the help of its
commands, merges them into each language's ``gatewatch.po`` and compiles that to the ``.mo``
beside it. Both are committed: a checkout, a wheel and a Debian package need no compiler. What
nobody has translated stays English.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from probe.cli import Commands, main
from probe.words.helptext import messages
from probe.words.language import DOMAIN, FOLDER, for_scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

ROOT = Path(__file__).parents[1]

_KEYWORDS = {"_": None, "mark": None, "Sentence": None, "ngettext": (1, 2)}
_METHODS = [("**.py", "python")]

_HEADER = """\
Messages of gatewatch in {language}.
A draft: IT AWAITS REVIEW BY A NATIVE SPEAKER.
Written anew by `make messages`; translations are kept."""


@for_scripts()
def template() -> Catalog:
    """All messages of the source, with the files in which they stand."""
    found = Catalog()
    for name, _, message, comments, _ in extract_from_dir(
        ROOT / "probe", _METHODS, keywords=_KEYWORDS
    ):
        found.add(message, locations=[(f"probe/{name}", 0)], auto_comments=comments)
    for command in (main, *_probes(main)):
        for text in messages(command):
            found.add(text, locations=[("help", 0)])
    return found


def _probes(group: Commands) -> Iterator[click.Command]:
    """The commands that a volunteer's install has; those for analysts are in English."""
    context = group.make_context("gatewatch", [], resilient_parsing=True)
    ours = {path.stem for path in (ROOT / "probe" / "commands").glob("*.py")}
    for name in group.list_commands(context):
        if name in ours:
            command = group.get_command(context, name)
            assert command is not None
            yield command


def catalogues() -> list[Path]:
    """The ``.po`` of each language."""
    return sorted(Path(FOLDER).glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(path: Path) -> Catalog:
    """A catalogue as it stands."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name, domain=DOMAIN)


def merged(path: Path) -> Catalog:
    """A catalogue with the messages that the source has now, and the translations that it had."""
    catalogue = read(path)
    created, revised = catalogue.creation_date, catalogue.revision_date
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.creation_date, catalogue.revision_date = created, revised
    catalogue.project, catalogue.version = "gatewatch", ""
    catalogue.last_translator = catalogue.language_team = "nobody yet; a draft"
    language = catalogue.locale.english_name if catalogue.locale else path.parents[1].name
    catalogue.header_comment = "\n".join(
        f"# {line}" for line in _HEADER.format(language=language).splitlines()
    )
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """The ``.po`` of a catalogue."""
    file = io.BytesIO()
    write_po(file, catalogue, width=100, sort_output=True, include_lineno=False)
    return file.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """The ``.mo`` of a catalogue: what the program reads."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages that stay English."""
    texts = [(message.id, message.string) for message in catalogue if message.id]
    return [
        text if isinstance(text, str) else text[0]
        for text, said in texts
        if not (all(said) if isinstance(said, tuple) else said)
    ]


if __name__ == "__main__":
    for po in catalogues():
        catalogue = merged(po)
        po.write_bytes(written(catalogue))
        po.with_suffix(".mo").write_bytes(compiled(catalogue))
        missing = untranslated(catalogue)
        print(f"{po.relative_to(ROOT)}: {len(catalogue)} messages, {len(missing)} not translated")
        for text in missing:
            print(f"  {text[:90]!r}")
