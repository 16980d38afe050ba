"""Speed and memory of the paper's eight architectures: ``python -m tests.benchmarks.bench_models``.

Each architecture is measured in a process of its own, at the paper's final configuration, on
made-up spectra: training (batches of 64, bfloat16, AdamW), inference (batches of 64, float32
and bfloat16), Monte Carlo dropout with 50 passes as the product runs it, and the peak of the
process's memory, torch included, before and after training. For Transformers, one spectrum
also goes through the same trunk with a token for each of the 6800 pixels. Prints a table, or
JSON with ``--json``, with the load average: other processes slow every figure. With ``--cpu``
seconds are those that the process itself had a processor, which other processes hardly touch
(for one thread; with more, the seconds of all threads are added).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from stellar_core.inference.mc_dropout import run_passes
from stellar_core.models.branches import PatchEmbedding, TransformerEncoder, spectrum_channels
from stellar_core.models.registry import ARCHITECTURES, N_PIXEL, ModelConfig
from stellar_core.models.zoo import Network, build

CLOCKS = {False: time.perf_counter, True: time.process_time}
BATCH = 64
PASSES = 50
COLUMNS = {
    "parameters": "parameters",
    "train": "train/s",
    "infer_f32": "infer/s f32",
    "infer_bf16": "infer/s bf16",
    "mc50": "MC-50 stars/s",
    "mb_inference": "MB infer",
    "mb_training": "MB train",
    "ratio_6800": "vs 6800 tokens",
    "mb_6800": "MB 6800",
}


def stars(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Flux, coverage and features of ``n`` made-up stars."""
    draw = torch.Generator().manual_seed(0)
    return 1 + 0.1 * torch.randn(n, N_PIXEL, generator=draw), torch.ones(n, N_PIXEL), torch.randn(n, 29, generator=draw)


def per_second(call: Callable[[], object], items: int, options: argparse.Namespace) -> float:
    """Items per second of ``call``, which treats ``items`` at once, after one call to warm up."""
    clock = CLOCKS[options.cpu]
    call()
    calls, start = 0, clock()
    while calls < 3 or clock() - start < options.seconds:
        call()
        calls += 1
    return items * calls / (clock() - start)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def half() -> torch.autocast:
    return torch.autocast("cpu", dtype=torch.bfloat16)


def training_step(network: Network) -> Callable[[], None]:
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=1e-2)
    flux, coverage, features = stars(BATCH)
    features[::2] = torch.nan
    dropout = torch.Generator().manual_seed(0)

    def step() -> None:
        with half():
            predicted = network(flux, coverage, features, dropout)
        loss = sum(part.square().mean() for part in predicted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def long_trunk(config: ModelConfig) -> Callable[[], torch.Tensor]:
    """One spectrum through the Transformer of ``config`` with one token per pixel."""
    width = config.spectrum_width
    embedding = PatchEmbedding(width, 1)
    encoder = TransformerEncoder(
        N_PIXEL, width, config.spectrum_depth, config.heads, config.dropout, config.architecture.attention
    )
    trunk = nn.Sequential(embedding, encoder).requires_grad_(False)
    flux, coverage, _ = stars(1)
    return lambda: trunk(spectrum_channels(flux, coverage))


def measure(name: str, options: argparse.Namespace) -> dict[str, float]:
    """The figures of one architecture."""
    config = ModelConfig(name)
    network = build(config, torch.Generator().manual_seed(0))
    batch = stars(BATCH)
    found: dict[str, float] = {"parameters": network.n_parameter}
    with torch.inference_mode():
        found["infer_f32"] = per_second(lambda: network(*batch), BATCH, options)
        with half():
            found["infer_bf16"] = per_second(lambda: network(*batch), BATCH, options)
    few = [np.asarray(part[:4]) for part in batch]
    found["mc50"] = per_second(lambda: run_passes(network, *few, samples=PASSES, seed=0), 4, options)
    found["mb_inference"] = peak_megabytes()
    found["train"] = per_second(training_step(network), BATCH, options)
    found["mb_training"] = peak_megabytes()
    return found


def measure_long(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Seconds and memory of one forward pass of one spectrum on 6800 tokens, bfloat16, without warming up."""
    call = long_trunk(ModelConfig(name))
    with torch.inference_mode(), half():
        start = CLOCKS[options.cpu]()
        call()
        return {"seconds_6800": CLOCKS[options.cpu]() - start, "mb_6800": peak_megabytes()}


def in_a_process(arguments: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_models", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def show(rows: dict[str, dict[str, float]]) -> str:
    """A table of text."""

    def cell(value: float | None) -> str:
        return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    lines = [f"{'':22}" + "".join(f"{title:>15}" for title in COLUMNS.values())]
    for name, found in rows.items():
        label = f"{ARCHITECTURES[name].number}. {name}"
        lines.append(f"{label:22}" + "".join(f"{cell(found.get(key)):>15}" for key in COLUMNS))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="architectures; the paper's eight by default")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    parser.add_argument("--cpu", action="store_true", help="count processor seconds instead of the clock's")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=["measure", "long"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.child:
        task = measure if options.child == "measure" else measure_long
        sys.stdout.write(json.dumps(task(options.names[0], options)))
        return
    before, rows = os.getloadavg(), {}
    common = ["--threads", str(options.threads), "--seconds", str(options.seconds), *(["--cpu"] if options.cpu else [])]
    for name in options.names or [entry.name for entry in ARCHITECTURES.values() if entry.number <= 8]:
        rows[name] = in_a_process([name, *common, "--child", "measure"])
        if ARCHITECTURES[name].attention:
            long = in_a_process([name, *common, "--child", "long"])
            rows[name] |= long | {"ratio_6800": rows[name]["infer_bf16"] * long["seconds_6800"]}
    loads = {"before": before[0], "after": os.getloadavg()[0]}
    if options.json:
        sys.stdout.write(
            json.dumps({"threads": options.threads, "load_average": loads, "models": rows}, indent=1) + "\n"
        )
        return
    clock = "processor" if options.cpu else "clock"
    sys.stdout.write(
        f"{options.threads} threads, seconds of the {clock}; "
        f"load average {loads['before']:.1f} before, {loads['after']:.1f} after\n"
    )
    sys.stdout.write(show(rows) + "\n")


if __name__ == "__main__":
    main()
