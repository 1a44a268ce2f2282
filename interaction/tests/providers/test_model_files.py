"""Models out of wheels: fetched by the real pip from an index that is a folder."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from interaction.providers.local._shared import model_files
from interaction.providers.local._shared.model_files import (
    DamagedModel,
    FetchFailed,
    FetchState,
    ModelFile,
    Trouble,
    WheelModel,
    _trouble_of,
)
from interaction.providers.local._shared.pip_trouble import trouble_in

CONTENT = {"encoder.ort": b"encoder" * 5_000, "tokenizer.bin": b"tokens"}
WHEEL = "parley_test_ears-1.0-py3-none-manylinux2014_x86_64.whl"


def made_model(**changed: str) -> WheelModel:
    """``changed``: what the SHA-256 of a file should be."""
    return WheelModel(
        name="ears-en",
        language="en",
        requirement="parley-test-ears==1.0",
        platform="manylinux2014_x86_64",
        wheel_size=1_000,
        files=tuple(
            ModelFile(
                f"parley_test_ears/{name}",
                len(content),
                changed.get(name.partition(".")[0], hashlib.sha256(content).hexdigest()),
            )
            for name, content in CONTENT.items()
        ),
    )


MODEL = made_model()


@pytest.fixture
def index(tmp_path: Path, own_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that serves as package index, with the model's wheel in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_wheel(folder: Path, *, without: str = "") -> None:
    info = "parley_test_ears-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, content in CONTENT.items():
            if name != without:
                wheel.writestr(f"parley_test_ears/{name}", content)
        wheel.writestr("parley_test_ears/__init__.py", "raise SystemExit('run')")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: parley-test-ears\nVersion: 1.0\n"
        )
        tag = "Tag: py3-none-manylinux2014_x86_64\n"
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{tag}")
        wheel.writestr(f"{info}/RECORD", "")


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def failure(model: WheelModel = MODEL) -> Trouble:
    with pytest.raises(FetchFailed) as caught:
        model.fetch()
    assert model.state == FetchState("failed", trouble=caught.value.trouble)
    assert not model.present
    assert left(model_files.models_folder()) <= {"ears-en.lock", "ears-en.failed"}
    return caught.value.trouble


@pytest.mark.usefixtures("processes", "index")
def test_a_model_is_fetched_and_nothing_else_of_its_wheel(own_models: Path) -> None:
    parts: list[float] = []
    assert MODEL.state == FetchState("absent")
    MODEL.fetch(parts.append)
    assert left(MODEL.path) == set(CONTENT)
    assert left(own_models) == {"ears-en", "ears-en.lock"}
    assert MODEL.verified(own_models) == MODEL.path
    assert MODEL.state == FetchState("here")
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


@pytest.mark.usefixtures("processes")
def test_two_at_a_time_fetch_it_once(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    download = WheelModel._download

    def counted(model: WheelModel, folder: Path, progress: Callable[[float], None]) -> Path:
        calls.append(1)
        return download(model, folder, progress)

    monkeypatch.setattr(WheelModel, "_download", counted)
    threads = [threading.Thread(target=MODEL.fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert MODEL.present
    assert calls == [1]


@pytest.mark.usefixtures("processes")
def test_a_truncated_wheel_is_damaged(index: Path) -> None:
    whole = (index / WHEEL).read_bytes()
    (index / WHEEL).write_bytes(whole[: len(whole) // 2])
    assert failure() in ("damaged", "failed")


@pytest.mark.usefixtures("processes", "index")
def test_what_pip_cannot_find_is_not_on_the_index_and_can_be_tried_again(index: Path) -> None:
    wheel = (index / WHEEL).rename(index / "elsewhere")
    assert failure() == "not_on_index"
    wheel.rename(index / WHEEL)
    MODEL.fetch()
    assert MODEL.state == FetchState("here")


@pytest.mark.usefixtures("processes", "own_models")
def test_nobody_at_the_address_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert failure() == "offline"


def box(folder: Path, **how: str) -> Path:
    make_wheel(folder, **how)
    (folder / "made").mkdir()
    return folder / "made"


def test_a_file_that_is_another_one_is_damaged(tmp_path: Path) -> None:
    place = box(tmp_path)
    with pytest.raises(FetchFailed, match="damaged"):
        made_model(encoder="0" * 64)._unpack(tmp_path / WHEEL, place)


def test_a_wheel_without_the_file_is_damaged(tmp_path: Path) -> None:
    place = box(tmp_path, without="tokenizer.bin")
    with pytest.raises(FetchFailed, match="damaged"):
        MODEL._unpack(tmp_path / WHEEL, place)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_part_of_a_wheel_is_damaged(tmp_path: Path, part: float) -> None:
    place = box(tmp_path)
    whole = (tmp_path / WHEEL).read_bytes()
    (tmp_path / WHEEL).write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(FetchFailed, match="damaged"):
        MODEL._unpack(tmp_path / WHEEL, place)


@pytest.mark.parametrize("at", [100, 5_000, 20_000, 34_000])
def test_a_wheel_with_a_wrong_byte_is_damaged(tmp_path: Path, at: int) -> None:
    place = box(tmp_path)
    content = bytearray((tmp_path / WHEEL).read_bytes())
    content[at] ^= 0xFF
    (tmp_path / WHEEL).write_bytes(content)
    with pytest.raises(FetchFailed, match="damaged"):
        MODEL._unpack(tmp_path / WHEEL, place)


def place_model(folder: Path) -> None:
    (folder / "ears-en").mkdir()
    for name, content in CONTENT.items():
        (folder / "ears-en" / name).write_bytes(content)


def test_a_damaged_file_on_the_disk_is_noticed_and_removed(own_models: Path) -> None:
    place_model(own_models)
    (own_models / "ears-en" / "encoder.ort").write_bytes(CONTENT["encoder.ort"][:-1] + b"?")
    assert MODEL.present
    with pytest.raises(DamagedModel):
        MODEL.verified(own_models)
    assert MODEL.state == FetchState("absent")


def test_a_missing_file_is_noticed(own_models: Path) -> None:
    place_model(own_models)
    (own_models / "ears-en" / "tokenizer.bin").unlink()
    assert not MODEL.present
    with pytest.raises(DamagedModel):
        MODEL.verified(own_models)


def test_what_is_here_is_not_fetched_again(
    own_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_model(own_models)
    monkeypatch.setattr(WheelModel, "_fetch", None)
    MODEL.fetch()


def test_a_fetch_that_runs_elsewhere_shows_how_far_it_is(own_models: Path) -> None:
    (own_models / "ears-en.part" / "pip").mkdir(parents=True)
    (own_models / "ears-en.part" / "pip" / "wheel").write_bytes(bytes(250))
    with (own_models / "ears-en.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert MODEL.state == FetchState("running", 0.25)
    assert MODEL.state == FetchState("absent")


@pytest.mark.usefixtures("processes", "index")
def test_what_a_killed_fetch_left_is_no_matter(own_models: Path) -> None:
    (own_models / "ears-en.part").mkdir()
    (own_models / "ears-en.part" / "half").write_bytes(bytes(900))
    (own_models / "ears-en").mkdir()
    (own_models / "ears-en" / "encoder.ort").write_bytes(b"half")
    MODEL.fetch()
    assert left(own_models) == {"ears-en", "ears-en.lock"}
    assert MODEL.verified(own_models)


def test_a_folder_that_cannot_be_made_is_said(own_models: Path) -> None:
    shutil.rmtree(own_models)
    own_models.write_text("a file")
    with pytest.raises(FetchFailed, match="not_writable"):
        MODEL.fetch()
    assert MODEL.state == FetchState("absent")


def test_no_pip_is_said(own_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "find_spec", lambda name: None)
    assert failure() == "no_pip"


@pytest.mark.parametrize(
    ("number", "trouble"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "not_writable"),
        (errno.EACCES, "not_writable"),
        (errno.EPERM, "not_writable"),
        (errno.EIO, "failed"),
    ],
)
def test_what_the_disk_says_is_understood(
    own_models: Path, monkeypatch: pytest.MonkeyPatch, number: int, trouble: Trouble
) -> None:
    def failing(*given: object) -> None:
        raise OSError(number, "of the disk")

    monkeypatch.setattr(WheelModel, "_fetch", failing)
    assert failure() == trouble
    assert _trouble_of(OSError(number, "")) == trouble


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("offline", "WARNING: Retrying (Retry(total=0)) after connection broken by "
         "'NewConnectionError('<HTTPSConnection>: Failed to establish a new connection: "
         "[Errno 111] Connection refused')': /simple/x/\nERROR: No matching distribution found"),
        ("offline", "NameResolutionError(\"Failed to resolve 'pypi.org'\")\nERROR: Could not find "
         "a version that satisfies the requirement x\nERROR: No matching distribution found for x"),
        ("offline", "ConnectTimeoutError(<x>, 'Connection to pypi.org timed out.')"),
        ("offline", "ReadTimeoutError(\"HTTPSConnectionPool: Read timed out.\")"),
        ("offline", "ProxyError('Cannot connect to proxy.', OSError('Tunnel failed'))"),
        ("offline", "SSLError(SSLCertVerificationError(1, 'certificate verify failed'))"),
        ("offline", "ERROR: HTTP error 503: 503 Server Error: Service Unavailable for url: https"),
        ("offline", "OSError: [Errno 101] Network is unreachable"),
        ("offline", "Max retries exceeded with url: /simple/x/"),
        ("refused", "ERROR: 401 Client Error: Unauthorized for url: https://pypi.example/simple/"),
        ("refused", "ERROR: HTTP error 403 while getting https://pypi.example/x.whl"),
        ("refused", "407 Client Error: Proxy Authentication Required"),
        ("disk_full", "ERROR: Could not install packages due to an OSError: [Errno 28] No space "
         "left on device"),
        ("disk_full", "[Errno 122] Disk quota exceeded"),
        ("not_writable", "ERROR: [Errno 13] Permission denied: '/x'"),
        ("not_writable", "ERROR: [Errno 30] Read-only file system: '/x'"),
        ("not_on_index", "ERROR: Could not find a version that satisfies the requirement x==1.0 "
         "(from versions: 2.0)\nERROR: No matching distribution found for x==1.0"),
        ("damaged", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."),
        ("damaged", "error: incomplete-download"),
        ("damaged", "ERROR: Wheel 'x' located at /x.whl is invalid."),
        ("damaged", "zipfile.BadZipFile: File is not a zip file"),
        ("failed", "ERROR: Exception: something new"),
        ("failed", ""),
    ],
)  # fmt: skip
def test_what_pip_says_is_understood(trouble: Trouble, said: str) -> None:
    assert trouble_in(said) == trouble
