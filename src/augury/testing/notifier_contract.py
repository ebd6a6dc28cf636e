"""What must every notifier do? Subclass `NotifierContract` in a test, and say how one is made and what arrives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from augury.errors import NotifierFailed
from augury.notifiers.contract import Message, Notifier

MESSAGE = Message(
    id="ltv/v1/failed/1/failed-1",
    kind="failed",
    project="shop",
    target="prod",
    pipeline="ltv",
    version="v1",
    title="ltv failed: 2 dates, 2026-01-04 to 2026-01-05",
    text='prepare: no such column <amount> & "more"\nThen: augury retry ltv',
    dates=("2026-01-04", "2026-01-05"),
    at=datetime(2026, 1, 5, 6, tzinfo=UTC),
    run_id="R1",
)
"""A message as the service makes them."""
ODD = "a\r\nBcc: eve@example.org\t<&> ñ 日本"
"""What must not become a header, markup or an error."""


class NotifierContract(ABC):
    """The promises of every notifier."""

    @pytest.fixture
    @abstractmethod
    def notifier(self) -> Notifier:
        """One that works."""

    @pytest.fixture
    @abstractmethod
    def received(self) -> Callable[[], list[str]]:
        """What arrived so far, as a reader sees it, oldest first."""

    @pytest.fixture
    @abstractmethod
    def broken(self) -> tuple[Notifier, str]:
        """One that nobody listens to, and a secret of its options (empty where it has none)."""

    def test_it_is_a_notifier_with_options_that_are_checked(self, notifier: Notifier) -> None:
        assert isinstance(notifier, Notifier)
        kind: Any = type(notifier)
        with pytest.raises(ValueError, match="surely_no_option"):
            kind.Options.model_validate({"surely_no_option": 1})

    def test_a_message_arrives_with_what_people_need(
        self, notifier: Notifier, received: Callable[[], list[str]]
    ) -> None:
        notifier.send(MESSAGE)
        (arrived,) = received()
        for words in ("shop", "prod", MESSAGE.title, "no such column", "augury retry ltv"):
            assert words in arrived

    def test_each_message_arrives_once(self, notifier: Notifier, received: Callable[[], list[str]]) -> None:
        for name in ("rfm failed", "ltv held"):
            notifier.send(replace(MESSAGE, id=name, title=name))
        first, second = received()
        assert "rfm failed" in first
        assert "ltv held" in second

    def test_odd_text_is_text(self, notifier: Notifier, received: Callable[[], list[str]]) -> None:
        notifier.send(replace(MESSAGE, title=ODD, text=ODD * 400))
        (arrived,) = received()
        assert "ñ 日本" in arrived

    def test_a_message_that_is_not_taken_is_an_error_without_secrets(self, broken: tuple[Notifier, str]) -> None:
        notifier, secret = broken
        with pytest.raises(NotifierFailed) as caught:
            notifier.send(MESSAGE)
        assert not secret or secret not in str(caught.value)
        assert not secret or secret not in repr(notifier)
