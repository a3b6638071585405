"""How well the offline planner understands labelled messages, with sentence embeddings and by rules alone.

    python benchmarks/planner.py [--write] [--wrong]

--write stores the vectors of the examples that ship (after a change of the examples or of how messages are read);
--wrong lists what is not understood of the part that ships. The held-back part is only counted, never listed.
"""

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HELD_BACK = ROOT / "tests" / "agents" / "utterances" / "held_back.jsonl"
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description="Score of the offline planner on labelled messages.")
    parser.add_argument("--write", action="store_true", help="store the vectors of the examples that ship")
    parser.add_argument("--wrong", action="store_true", help="list what is not understood of the part that ships")
    asked = parser.parse_args()
    if asked.write:
        write()
    started = time.perf_counter()
    from agents.offline.meaning import open_meaning

    meaning = open_meaning()
    print(f"opened in {time.perf_counter() - started:.2f} s" if meaning else "no weights: rules alone")
    report(meaning, asked.wrong)


def write() -> None:
    from agents.offline.meaning import open_meaning, store_vectors
    from rag.embed import absence, open_embedder

    embedder = open_embedder()
    if embedder is None:
        raise SystemExit(absence())
    store_vectors(embedder)
    open_meaning.cache_clear()


def report(meaning: object, wrong: bool) -> None:
    from agents.offline.labelled import EXAMPLES, read_examples
    from agents.offline.scoring import score
    from agents.offline.understanding import understand

    print(f"{'messages':28} {'how':6} {'intent':>7} {'slot P':>7} {'R':>6} {'F1':>6} {'ms':>7} {'p95':>7}")
    for part, path in (("shipped", EXAMPLES), ("held back", HELD_BACK)):
        examples = read_examples(path)
        for how, read in (("rules", understand), ("both", partial(understand, meaning=meaning))):
            # timed first: afterwards the embedder remembers the messages
            times = sorted(timed(examples, read))
            found = score(examples, read)
            print(
                f"{part + f' ({found.messages})':28} {how:6} {found.accuracy:7.3f} {found.precision:7.3f} "
                f"{found.recall:6.3f} {found.f1:6.3f} {statistics.median(times):7.1f} "
                f"{times[int(len(times) * 0.95)]:7.1f}"
            )
        print("  worst:", "; ".join(f"{a} taken for {b}: {n}" for (a, b), n in found.confused[:5]))
        if wrong and path == EXAMPLES:
            print("\n".join(f"  {text!r}: {label}, taken for {taken}" for text, label, taken in found.wrong))


def timed(examples: object, read: object) -> list[float]:
    """Milliseconds of each message."""
    from agents.offline.labelled import known_in

    times = []
    for example in examples:  # type: ignore[attr-defined]
        known, question = known_in(example.context)
        started = time.perf_counter()
        read(example.text, known, question)  # type: ignore[operator]
        times.append(1e3 * (time.perf_counter() - started))
    return times


if __name__ == "__main__":
    main()
