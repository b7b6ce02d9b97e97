"""The systemd unit: read and judged by systemd itself."""

import re
import subprocess
import sys
from pathlib import Path

from tests.grafana.tools import need, run

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/systemd/enrollment-gateway.service"
PROGRAM = "/opt/enrollment-gateway/bin/enrollment-gateway"
WORST = 3.5


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    text = UNIT.read_text()
    assert text.count(PROGRAM) == 1
    # The program is not installed where this runs; any other one stands for it.
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace(PROGRAM, sys.executable))
    # What it says of other units of the machine is not ours.
    told = run(need("systemd-analyze", "systemd"), "verify", str(unit))
    assert UNIT.name not in told


def test_a_slip_of_the_pen_is_found(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text().replace(PROGRAM, sys.executable)
    unit.write_text(text.replace("PrivateTmp=yes", "PrivateTemp=yes"))
    told = run(need("systemd-analyze", "systemd"), "verify", str(unit))
    assert "PrivateTemp" in told


def test_systemd_finds_little_that_it_exposes() -> None:
    told = run(
        need("systemd-analyze", "systemd"), "security", "--offline=yes", "--no-pager", str(UNIT)
    )
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", told)
    assert found, told[-500:]
    assert float(found[1]) <= WORST


def test_the_commands_of_the_guide_name_files_that_are_there() -> None:
    guide = (ROOT / "deploy/README.md").read_text()
    for name in ("locks/gateway.lock", "enrollment-gateway.example.toml", "deploy/secrets.sh"):
        assert name in guide
        assert (ROOT / name).exists()
    assert f"{UNIT.relative_to(ROOT)} /etc/systemd/system/" in guide
    for target in re.findall(r"\]\(([^)#]+)\)", guide):
        assert (ROOT / "deploy" / target).exists(), target


def test_the_script_of_secrets_is_sound() -> None:
    subprocess.run(["bash", "-n", ROOT / "deploy/secrets.sh"], check=True)
