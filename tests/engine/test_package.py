import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from engine.errors import PackageDamaged
from engine.package import read_info, read_package
from engine.serving.predictor import load


@pytest.fixture
def copy(churn: Any, tmp_path: Path) -> Path:
    """A package that a test may damage."""
    return Path(shutil.copytree(churn.folder, tmp_path / "package"))


def test_a_package_holds_what_the_design_says(packaged: Any) -> None:
    info = read_package(packaged.folder)
    names = {path.relative_to(packaged.folder).as_posix() for path in packaged.folder.rglob("*") if path.is_file()}
    assert {"model.json", "profile.json", "drift.profile", "evaluation.json", "card.md", "report.html"} < names
    assert set(info.files) == names - {"model.json"}
    assert packaged.target == info.target
    assert packaged.target not in {column.name for column in info.columns}
    assert info.lineage.rows == info.lineage.train_rows + info.lineage.test_rows == 240
    assert info.metric.rows == info.lineage.test_rows == len(packaged.test)
    assert info.metric.ci[0] <= info.metric.value <= info.metric.ci[1]
    assert sum(member.weight for member in info.members) == pytest.approx(1)


def test_the_identifier_is_left_out_and_said(churn: Any) -> None:
    info = read_info(churn.folder)
    assert "customerID" in info.dropped
    assert "customerID" not in {column.name for column in info.columns}


def test_no_file_is_or_holds_a_pickle(packaged: Any) -> None:
    for path in packaged.folder.rglob("*"):
        if path.is_file():
            assert path.suffix not in {".pkl", ".pickle", ".joblib", ".bin"}
            for name, data in unpacked(path):
                assert not looks_like_pickle(data), f"{path.name}: {name}"


def unpacked(path: Path) -> list[tuple[str, bytes]]:
    """The file, or each entry when it is a zip archive (skops)."""
    if not zipfile.is_zipfile(path):
        return [(path.name, path.read_bytes())]
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def looks_like_pickle(data: bytes) -> bool:
    if data.startswith(b"\x93NUMPY"):
        # an array of objects is a pickle inside an .npy file
        np.load(io.BytesIO(data), allow_pickle=False)
        return False
    return data[:1] == b"\x80" and data[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageDamaged, match=r"model\.json is missing"):
        read_package(tmp_path)


def test_every_missing_file_is_named(copy: Path) -> None:
    for name in read_info(copy).files:
        moved = (copy / name).rename(copy / "aside")
        with pytest.raises(PackageDamaged, match=f"{name} is missing"):
            read_package(copy)
        moved.rename(copy / name)
    read_package(copy)


def test_every_altered_file_is_named(copy: Path) -> None:
    for name in read_info(copy).files:
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        with pytest.raises(PackageDamaged, match=f"{name} was altered"):
            load(copy)
        (copy / name).write_bytes(whole)
    load(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_broken_model_json_is_refused(copy: Path, content: str) -> None:
    (copy / "model.json").write_text(content)
    with pytest.raises(PackageDamaged, match=r"model\.json is not valid"):
        read_package(copy)


def test_a_file_outside_of_the_folder_is_refused(copy: Path) -> None:
    rewrite(copy, files={"../secret": "0" * 64})
    with pytest.raises(PackageDamaged, match="lies outside"):
        read_package(copy)


def test_a_member_outside_of_the_folder_is_refused(copy: Path) -> None:
    member = json.loads((copy / "model.json").read_text())["members"][0]
    rewrite(copy, members=[{**member, "folder": "../../elsewhere"}])
    with pytest.raises(PackageDamaged, match="has no files"):
        read_package(copy)


def rewrite(folder: Path, **changes: object) -> None:
    record = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(record | changes))


class Surprise:
    """A type that is on nobody's list."""


def test_a_forged_weights_file_is_refused_even_with_the_right_hash(copy: Path) -> None:
    from hashlib import sha256

    info = json.loads((copy / "model.json").read_text())
    weights = next(name for name in info["files"] if name.endswith(".skops"))
    forged = skops.io.dumps(Surprise())
    (copy / weights).write_bytes(forged)
    rewrite(copy, files=info["files"] | {weights: sha256(forged).hexdigest()})
    with pytest.raises(PackageDamaged, match=r"cannot be loaded \(UntrustedTypesFoundException"):
        load(copy)
