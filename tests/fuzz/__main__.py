"""Coverage-guided fuzzing of what reads other people's files: `python -m tests.fuzz [TARGET…]`.

It needs the extra `soak`. What goes wrong is kept in `fuzz-findings/`, to be mended and put into
`tests/fuzz/findings/`, where `make test` tries it for ever. Exit code 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.soak import record
from tests.fuzz.targets import FINDINGS, TARGETS

_FIGURE = re.compile(r"^stat::(\w+): +(\d+)$", re.MULTILINE)


def main() -> int:
    """Fuzz the targets one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=300, help="for each (default: 300)")
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz-findings"), help="where to keep them"
    )
    given = parser.parse_args()
    unknown = set(given.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"there is no target {min(unknown)!r}; there are: {', '.join(TARGETS)}")
    wrong = [
        name
        for name in given.targets or TARGETS
        if not fuzzed(name, seconds=given.seconds, keep=given.keep)
    ]
    return 1 if wrong else 0


def fuzzed(name: str, *, seconds: int, keep: Path) -> bool:
    """Fuzz one target; whether nothing went wrong."""
    target = TARGETS[name]
    keep.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus, words = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        seeds = [*target.seeds, *(path.read_bytes() for path in FINDINGS.glob(f"{name}-*"))]
        for at, seed in enumerate(seeds):
            (corpus / f"seed{at}").write_bytes(seed)
        words.write_text("".join(f'"{word}"\n' for word in target.words))
        command = [sys.executable, "-m", "tests.fuzz.child", name, str(corpus)]
        limits = [
            f"-max_total_time={seconds}",
            "-timeout=20",
            "-rss_limit_mb=4096",
            "-max_len=8192",
        ]
        options = [f"-dict={words}", f"-artifact_prefix={keep}/{name}-", "-print_final_stats=1"]
        done = subprocess.run(
            [*command, *limits, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    said = done.stdout.decode(errors="replace")
    figures = {key: int(figure) for key, figure in _FIGURE.findall(said)}
    edges = [int(found) for found in re.findall(r" cov: (\d+)", said)]
    record(
        f"fuzzing of {name}",
        cases=figures.get("number_of_executed_units", 0),
        seconds=seconds,
        places_reached=max(edges, default=0),
        wrong=int(done.returncode != 0),
    )
    if done.returncode != 0:
        sys.stdout.write(said[-6000:])
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
