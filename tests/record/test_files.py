"""Files that appear whole or not at all."""

import errno
import json
import os
from pathlib import Path

import pytest

from shared.record import files


@pytest.mark.parametrize("content", [float("nan"), {"loss": [1.0, float("inf")]}, {"path": Path("x")}])
def test_what_json_does_not_have_is_refused_and_the_old_file_stays(content: object, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    files.write_json(path, {"old": True})
    with pytest.raises((ValueError, TypeError)):
        files.write_json(path, content)
    assert json.loads(path.read_text()) == {"old": True}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("existed", [True, False])
def test_a_disk_that_fails_leaves_the_old_file_or_none(
    existed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "result.json"
    if existed:
        files.write_json(path, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_json(path, "new")
    assert path.exists() == existed
    assert not existed or json.loads(path.read_text()) == "old"


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EINVAL, None])
def test_room_is_made_sure_of_where_the_file_system_cannot_reserve_it(
    number: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*arguments: int) -> None:
        raise OSError(number, "not supported")

    written: list[int] = []
    if number:
        monkeypatch.setattr(os, "posix_fallocate", unsupported)
    else:
        monkeypatch.delattr(os, "posix_fallocate")
    monkeypatch.setattr(os, "fsync", lambda descriptor: written.append(os.fstat(descriptor).st_size))
    files.reserve(tmp_path, 5000)
    assert written == [5000]
    assert list(tmp_path.iterdir()) == []


def test_no_room_is_told_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        files.reserve(tmp_path, 5000)
    assert list(tmp_path.iterdir()) == []


def test_text_keeps_every_character(tmp_path: Path) -> None:
    files.write_text(tmp_path / "table.md", "η = 3 → 95 %\n")
    assert (tmp_path / "table.md").read_bytes().decode() == "η = 3 → 95 %\n"


def test_only_a_number_that_json_has_is_kept() -> None:
    assert [files.finite(value) for value in (0.5, float("nan"), float("-inf"))] == [0.5, None, None]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_file_is_not_replaced_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    os.mkfifo(tmp_path / "page.html.tmp")
    files.write_text(path, "page")
    assert path.read_text() == "page"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match="found a pipe, folder or device"):
        files.write_text(path, "page")
    assert path.is_fifo()


def test_whatever_has_a_name_is_removed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "within").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    for name in ("file", "folder", "link", "nothing"):
        files.remove(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
