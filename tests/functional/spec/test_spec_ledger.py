"""Where is the ledger of a target, if the environment does not say so?"""

from __future__ import annotations

import pytest

from augury.errors import SpecError
from tests.functional.spec.folder import Shop

TARGETS = """
name: shop
targets:
  dev: {path: .augury}
  prod: {path: .augury, ledger: "${AUGURY_LEDGER}"}
"""


def test_a_target_that_is_not_in_use_needs_no_ledger(shop: Shop) -> None:
    """A laptop need not know the password of production; production says what it misses, once."""
    shop.write("augury.yml", TARGETS)
    assert shop.read(environment={}).target_name == "dev"
    with pytest.raises(SpecError) as caught:
        shop.read(target="prod", environment={})
    (problem,) = caught.value.problems
    assert (problem.key, problem.line) == ("targets.prod.ledger", 5)
    assert "AUGURY_LEDGER is not set" in problem.message


def test_an_address_that_cannot_be_used_is_one_problem_without_its_password(shop: Shop) -> None:
    shop.write("augury.yml", TARGETS)
    who = "shop:hunter2@db"
    for address in (f"mysql://{who}/x", f"postgresql://{who}", f"postgresql://{who}:x/y"):
        with pytest.raises(SpecError) as caught:
            shop.read(target="prod", environment={"AUGURY_LEDGER": address})
        (problem,) = caught.value.problems
        assert "postgresql://host/database" in problem.message
        assert "hunter2" not in str(caught.value)
