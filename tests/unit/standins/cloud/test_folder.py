"""A local cloud takes only a folder of its own, alone, and begins afresh."""

from pathlib import Path

import pytest

from standins.cloud.folder import LocalCloudError, claim_folder


def test_what_an_earlier_cloud_left_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "cloud"
    claim_folder(folder).close()
    (folder / "sms" / "old.json").write_text("{}")
    (folder / "outputs.json").write_text("{}")
    claim_folder(folder).close()
    assert [*(folder / "sms").iterdir()] == []
    assert not (folder / "outputs.json").exists()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_an_earlier_cloud_left_stays_for_one_that_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "cloud"
    claim_folder(folder).close()
    (folder / "sms" / "old.json").write_text("{}")
    (folder / "ports.json").write_text("{}")
    claim_folder(folder, keep=True).close()
    assert (folder / "sms" / "old.json").exists()
    assert not (folder / "ports.json").exists(), "the ports say that a cloud is ready"


def test_a_folder_with_somebody_elses_mail_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    with pytest.raises(LocalCloudError, match="neither empty nor a local cloud's folder; remedy"):
        claim_folder(tmp_path)
    assert (tmp_path / "mail").is_dir()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    with claim_folder(tmp_path) as claim:
        assert not claim.closed


def test_two_clouds_do_not_share_a_folder(tmp_path: Path) -> None:
    with claim_folder(tmp_path), pytest.raises(LocalCloudError, match="another local cloud runs in"):
        claim_folder(tmp_path)
    claim_folder(tmp_path).close()
