"""`python -m tests.fuzz`: fuzz each target for a time, following coverage (atheris, libFuzzer).

Each target is a process of its own, so that one that dies is seen. A finding is kept in
``runs/fuzz/`` as the bytes that lead to it; ``--replay FILE --target NAME`` shows it again.
"""

import argparse
import hashlib
import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

NAMES = ("path", "headers", "wire")
LEAST_SECONDS = 1


def main() -> int:
    """0: nothing found; 1: something was; 2: there is no fuzzer here."""
    asked = _arguments()
    if asked.replay:
        from tests.fuzz import targets  # noqa: PLC0415 - only where it is asked for

        targets.TARGETS[asked.target](asked.replay.read_bytes())
        return 0
    if asked.child:
        return _fuzz(asked.target, asked.seconds, asked.out)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: make setup", file=sys.stderr)  # noqa: T201
        return 2
    names = [asked.target] if asked.target else NAMES
    seconds = max(LEAST_SECONDS, int((asked.seconds or asked.minutes * 60) / len(names)))
    codes = [_child(name, seconds, asked.out) for name in names]
    return 1 if any(codes) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="for all targets together")
    parser.add_argument("--seconds", type=int, help="instead of --minutes")
    parser.add_argument("--target", choices=NAMES, help="only this one")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"))
    parser.add_argument("--replay", type=Path, help="bytes that were found; needs --target")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(name: str, seconds: int, out: Path) -> int:
    print(f"fuzzing {name} for {seconds} s", flush=True)  # noqa: T201
    ours = ("--child", "--target", name, "--seconds", str(seconds), "--out", str(out))
    return subprocess.run([sys.executable, "-m", "tests.fuzz", *ours], check=False).returncode


def _fuzz(name: str, seconds: int, out: Path) -> int:
    atheris = importlib.import_module("atheris")  # it ships no types
    with atheris.instrument_imports(include=["gateway"]):
        from tests.fuzz import targets  # noqa: PLC0415 - what it brings along is followed
    from tests.fuzz.seeds import SEEDS  # noqa: PLC0415 - brings pytest along

    corpus, found = out / "corpus" / name, out / "found" / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(
        [
            "fuzz",
            f"-max_total_time={seconds}",
            f"-artifact_prefix={found}/",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-max_len=4096",
            "-print_final_stats=1",
            "-verbosity=0",
            str(corpus),
        ],
        keeping(targets.TARGETS[name], found),
    )
    atheris.Fuzz()  # ends the process: 0 when its time is up, another code at a finding
    return 0


def keeping(target: Callable[[bytes], None], found: Path) -> Callable[[bytes], None]:
    """The target; bytes that it finds something with are kept (libFuzzer alone does not do it)."""

    def fuzzed(data: bytes) -> None:
        try:
            target(data)
        except BaseException:
            (found / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            raise

    return fuzzed


if __name__ == "__main__":
    sys.exit(main())
