"""A model that learned from what gives its target away is promoted only where that is said by the column's name."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.data.profiled import FrameProfile, Leak
from engine.errors import ApprovalNeeded, BadChoice, NotFound
from engine.package_info import PackageFiles
from engine.registry import Registry
from tools.models import Promotion
from tools.workshop import Workshop


@pytest.fixture
def leaky(trained: Workshop, tmp_path: Path) -> Workshop:
    """The workshop with the small model, in a home of its own; its profile names a column that the model uses, and
    one that it does not."""
    home = tmp_path / "leaky"
    shutil.copytree(trained.home, home)
    workshop = replace(trained, home=home, registry=Registry(home))
    profile = workshop.registry.get("cancer").package / PackageFiles.PROFILE
    found = FrameProfile.model_validate_json(profile.read_bytes())
    leaks = [Leak(column=name, by="values", strength=1.0, sentence="A leak.") for name in ("mean_radius", "unused")]
    profile.write_text(found.model_copy(update={"leaks": tuple(leaks)}).model_dump_json())
    return workshop


def test_a_leak_blocks_a_promotion_until_it_is_named(leaky: Workshop) -> None:
    with pytest.raises(ApprovalNeeded, match=r"away: mean_radius.*despite_leaks=\['mean_radius'\]") as refused:
        leaky.call("promote_model", model="cancer")
    assert "unused" not in str(refused.value)
    with pytest.raises(ApprovalNeeded):
        leaky.call("promote_model", model="cancer", alias="challenger", despite_leaks=["unused", "mean_radius2"])
    assert "champion" not in leaky.registry.get("cancer").aliases
    done = leaky.call("promote_model", model="cancer", despite_leaks=["mean_radius"])
    assert isinstance(done, Promotion)
    assert "champion" in leaky.registry.get("cancer").aliases


def test_what_is_no_model_or_no_alias_is_told_before_any_leak(leaky: Workshop) -> None:
    with pytest.raises(NotFound):
        leaky.call("promote_model", model="nothing")
    with pytest.raises(BadChoice, match="'winner' is not a known alias"):
        leaky.call("promote_model", model="cancer", alias="winner")
