"""Files and folders that appear whole or not at all."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from engine.files import atomic_folder, write_atomic


def _replace_for_ever(target: str) -> None:
    while True:
        with atomic_folder(Path(target)) as folder:
            (folder / "whole").touch()


def test_a_replaced_folder_holds_the_new_files_only(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with atomic_folder(tmp_path / "package") as folder:
            (folder / name).write_text(name)
    assert [path.name for path in (tmp_path / "package").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_a_failure_keeps_the_old_folder(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "package") as folder:
        (folder / "old").touch()
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "package") as folder:
        raise ZeroDivisionError
    assert (tmp_path / "package" / "old").exists()


def test_a_folder_that_is_replaced_is_there_at_every_moment(tmp_path: Path) -> None:
    target = tmp_path / "package"
    with atomic_folder(target) as folder:
        (folder / "whole").touch()
    process = multiprocessing.get_context("spawn").Process(target=_replace_for_ever, args=(str(target),))
    process.start()
    try:
        seen = 0
        first = os.stat(target).st_ino
        end = time.monotonic() + 10
        while seen < 2000 and time.monotonic() < end:
            found = os.stat(target).st_ino  # FileNotFoundError where there is a gap
            seen += found != first
    finally:
        process.kill()
        process.join()
    assert seen
    assert (target / "whole").exists()


def test_what_is_written_is_as_readable_as_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    (tmp_path / "usual" / "file").touch()
    with atomic_folder(tmp_path / "folder") as folder:
        write_atomic(folder / "file", "text")
    assert (tmp_path / "folder").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "folder" / "file").stat().st_mode == (tmp_path / "usual" / "file").stat().st_mode
