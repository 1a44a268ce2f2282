"""Tests whose means are missing are skipped on a person's machine, and fail where they must not."""

from __future__ import annotations

import pytest

from voiceproject.testing.plugin import program, require


def test_what_is_present_is_fine() -> None:
    require("something", "it")
    assert program("absent-for-sure", "sh").endswith("/sh")


def test_what_is_missing_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PARLEY_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="absent-for-sure is missing"):
        program("absent-for-sure")


@pytest.mark.parametrize("name", ["CI", "PARLEY_CI"])
def test_what_is_missing_fails_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(pytest.fail.Exception, match="absent-for-sure is missing"):
        program("absent-for-sure")
