"""An option that names a folder to write to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from probe.words.language import _


class Folder(click.Path):
    """A folder, there or not. The empty name is none: that is the folder one happens to be in."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType.convert`."""
        if value == "":
            self.fail(_("the name of the folder is empty"), param, ctx)
        return super().convert(value, param, ctx)
