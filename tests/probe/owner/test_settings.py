"""The owner's settings: understood as a whole, or refused with file and line."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from probe.owner.settings import _CHECKS, Settings, read_settings, settings_file
from probe.words.failure import BadInput

if TYPE_CHECKING:
    from pathlib import Path

KEY = "A1" * 32


def test_everything_that_can_be_set_is_read(tmp_path: Path) -> None:
    """Each setting arrives in one form: capitals, no slash at the end, small letters, floats."""
    path = tmp_path / "settings.toml"
    path.write_text(
        "# mine\n"
        'country = "kh"\n'
        'access_as = "as38623"\n'
        'collector = "https://collect.example.org/gatewatch/"\n'
        f'collector_key = "{KEY}"\n'
        'collector_certificate = "collector.pem"\n'
        'proxy = "socks5h://127.0.0.1:9050"\n'
        "daily_megabytes = 2\n"
        "monthly_megabytes = 25.5\n"
        "keep_accepted_days = 90\n",
        encoding="utf-8",
    )
    assert read_settings(path) == Settings(
        country="KH",
        access_as=38623,
        collector="https://collect.example.org/gatewatch",
        collector_key=KEY.lower(),
        collector_certificate="collector.pem",
        proxy="socks5h://127.0.0.1:9050",
        daily_megabytes=2.0,
        monthly_megabytes=25.5,
        keep_accepted_days=90,
    )


def test_no_file_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never wrote one has the defaults; the file is looked for in the data folder."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path))
    assert settings_file() == tmp_path / "settings.toml"
    assert read_settings() == Settings()
    assert list(tmp_path.iterdir()) == []


def test_every_setting_has_a_check() -> None:
    """No setting is taken as it comes, and no check is of a setting that there is not."""
    assert list(_CHECKS) == [field.name for field in fields(Settings)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('colector = "https://c.example.org"', "there is no setting 'colector'; there are access"),
        ("[collector]", "has to be an address such as https://"),
        ("collector.url = 1", "has to be an address such as https://"),
        (
            'collector = "http://collect.example.org"',
            "http only for one on this machine, or an .onion",
        ),
        ('collector = "https://"', "has to be an address"),
        ('collector = "https://c.example.org:99999"', "has to be an address"),
        ('collector = "https://c.example.org?to=me"', "has to be an address"),
        ('collector_key = "12"', "has to be 64 hexadecimal digits"),
        ("collector_certificate = 1", "has to be the name of a file"),
        ('proxy = "socks5://127.0.0.1:9050"', "socks5 would ask the resolver here"),
        ('proxy = "socks5h://127.0.0.1"', "has to be an address such as socks5h://"),
        ('country = "Cambodia"', "has to be a country code of two letters, such as KH"),
        ('country = "XX"', "has to be a country code of two letters, such as KH"),
        ("country = 116", "has to be a country code of two letters, such as KH"),
        ('access_as = "Viettel"', 'has to be the AS number of your provider, such as "AS38623"'),
        ("access_as = true", "has to be the AS number of your provider"),
        ("access_as = 4294967296", "has to be the AS number of your provider"),
        ("daily_megabytes = 0", "has to be a number of megabytes above 0"),
        ("monthly_megabytes = true", "has to be a number of megabytes above 0"),
        ("keep_accepted_days = 0", "has to be a whole number of days above 0"),
        ("keep_accepted_days = 30.5", "has to be a whole number of days above 0"),
        ("keep_accepted_days = true", "has to be a whole number of days above 0"),
        ("keep_accepted_days = 4000000", "has to be a whole number of days above 0"),
        ("monthly_megabytes = nan", "has to be a number of megabytes above 0"),
        ("collector = https://c.example.org", "cannot be read as TOML; a setting looks like"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    """The sentence says the file, the line, what is wrong and what it has to be."""
    path = tmp_path / "settings.toml"
    path.write_text(f"# one\n# two\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput) as failure:
        read_settings(path)
    assert failure.value.message.startswith(f"{path}:3: ")
    assert said in failure.value.message


def test_a_password_is_not_repeated(tmp_path: Path) -> None:
    """What is wrong with a proxy is said without whoever may use it: that is pasted and logged."""
    path = tmp_path / "settings.toml"
    for proxy in ("socks5h://sokha:s@cret@127.0.0.1", "sokha:s@cret@127.0.0.1:9050"):
        path.write_text(f'proxy = "{proxy}"', encoding="utf-8")
        with pytest.raises(BadInput, match=r"proxy is '.*@127\.0\.0\.1") as failure:
            read_settings(path)
        assert not {"sokha", "cret"} & set(failure.value.message.replace("@", ":").split(":"))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://localhost",
        "http://abc.onion",
        "HTTPS://c.org",
    ],
)
def test_http_is_for_this_machine_and_tor(tmp_path: Path, address: str) -> None:
    """A collector on loopback or behind Tor needs no TLS; any other does."""
    path = tmp_path / "settings.toml"
    path.write_text(f'collector = "{address}"', encoding="utf-8")
    assert read_settings(path).collector == address


@pytest.mark.skipif(os.name != "posix", reason="no such files")
def test_a_pipe_in_the_place_of_the_settings_is_not_waited_for(tmp_path: Path) -> None:
    """Whoever looks would wait for ever."""
    os.mkfifo(tmp_path / "settings.toml")
    with pytest.raises(OSError, match=r"settings\.toml") as refused:
        read_settings(tmp_path / "settings.toml")
    assert refused.value.errno == errno.ENXIO


def test_lines_may_end_as_anywhere(tmp_path: Path) -> None:
    """As editors of Windows and of old Macs end them."""
    for end in ("\r\n", "\r"):
        path = tmp_path / "settings.toml"
        path.write_bytes(f'# mine{end}collector = "https://a.example"{end}'.encode())
        assert read_settings(path).collector == "https://a.example"


def test_a_file_of_bytes_is_no_settings(tmp_path: Path) -> None:
    """It is refused as a whole, in one sentence."""
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe1\x00")
    with pytest.raises(BadInput, match="not a text file"):
        read_settings(path)


@hypothesis_settings(max_examples=200)
@given(st.text(), st.sampled_from([*_CHECKS, "other"]), st.booleans())
@example('"', "collector", True)
@example("[::1", "proxy", True)
@example("[" * 100_000, "proxy", False)
def test_whatever_stands_there_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: str, key: str, quoted: bool
) -> None:
    """Any text in the file gives settings or the one failure, never another exception."""
    path = tmp_path_factory.mktemp("settings") / "settings.toml"
    said = f"'{value}'" if quoted else value
    path.write_text(f"{key} = {said}\n", encoding="utf-8", newline="", errors="replace")
    with contextlib.suppress(BadInput):
        assert read_settings(path) != Settings()
