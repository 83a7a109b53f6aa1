"""How long a comparison takes beside its slowest model alone: `python -m tests.benchmarks.bench_compare`.

A server streams 100 pieces to each model, to the slowest in about a second, to the others faster. In code and in a cell
of a real kernel, in turn, round after round; medians and ratios are printed.
"""

from __future__ import annotations

import statistics
from time import perf_counter

import g4f

from ..kernel import Kernel
from ..servers import DONE, Request, Server, Step, chunk, delta, stream

ROUNDS, PIECES, SLOWEST = 5, 100, 1.0


def paced(request: Request) -> list[Step]:
    """Answer in a second, or in as many tenths as the model's name says."""
    pause = SLOWEST * int(request.json["model"].partition("-")[2]) / 10 / PIECES
    steps = stream(delta("word "), end=False)
    for _ in range(PIECES):
        steps += [pause, chunk(delta("word "))]
    return [*steps, chunk(delta(finish="stop")), chunk(DONE), b"0\r\n\r\n"]


def main() -> None:
    """Measure all, and print them."""
    with Server(paced) as server, Kernel() as kernel:
        kernel.run("%load_ext g4f_jupyter\nimport time\ntook = []")
        kernel.run("%config ChatMagics.provider = " + repr(server.url))
        found: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for count in (1, 2, 4, 8):
                models = [f"m-{10 - number}" for number in range(count)]
                for way in ("code", "cell"):
                    start = perf_counter()
                    if way == "cell":
                        cell = kernel.run(f"%%chat --once {' '.join(f'-m {model}' for model in models)}\n?")
                        assert cell.status == "ok", cell.error
                    elif count == 1:
                        g4f.ChatCompletion.create(models[0], "?", server.url)
                    else:
                        g4f.compare("?", models, provider=server.url)
                    found.setdefault(f"{way}, {count}", []).append(perf_counter() - start)
        for name, seconds in found.items():
            alone = statistics.median(found[f"{name.partition(',')[0]}, 1"])
            print(f"{name:10} {statistics.median(seconds):6.3f} s  × {statistics.median(seconds) / alone:.3f}")


if __name__ == "__main__":
    main()
