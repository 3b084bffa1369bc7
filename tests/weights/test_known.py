from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from txt2vid.errors import UsageError
from txt2vid.weights import mirror
from txt2vid.weights.known import NETWORKS, PUBLISHED, Known, amount, entry, of_file, of_kind


@pytest.mark.parametrize("known", PUBLISHED, ids=lambda known: known.name)
def test_an_entry_can_be_fetched_and_checked(known: Known) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", known.sha256)
    assert known.size > 1_000_000
    assert len(known.mirrors) > 1
    for url in known.mirrors:
        mirror.check(url, https_only=True)
        assert urlsplit(url).path.endswith(".pth")
        assert not urlsplit(url).query
    assert known.terms.short in known.terms.text or "research" in known.terms.short
    assert "\n" not in known.terms.text


def test_names_and_files_are_unique() -> None:
    names = [name for known in PUBLISHED for name in (known.name, *known.files)]
    assert len(set(names)) == len(names)


def test_the_terms_of_wav2lip() -> None:
    for name in ("wav2lip", "wav2lip-gan"):
        text = entry(name).terms.text
        assert all(words in text for words in ("research", "personal", "not commercially", "LRS2", "Prajwal", "2020"))


def test_lookups() -> None:
    assert entry("wav2lip-gan") is entry("wav2lip_gan.pth")
    assert of_file("s3fd-619a316812.pth") is entry("s3fd")
    assert of_file("my.pth") is None
    assert [known.name for known in of_kind("wav2lip")] == ["wav2lip", "wav2lip-gan"]
    with pytest.raises(UsageError, match="'wav2lop': choose one of wav2lip, wav2lip-gan, s3fd"):
        entry("wav2lop")


def test_networks_suggest_what_can_be_fetched() -> None:
    for kind, network in NETWORKS.items():
        assert entry(network.fetch) in of_kind(kind)


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (999_999, "999999 bytes"), (435_807_851, "436 MB")])
def test_amounts(size: int, text: str) -> None:
    assert amount(size) == text
