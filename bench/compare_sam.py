#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times SAM's encoder and decoder in plat beside transformers, segment-anything and onnxruntime:
    python bench/compare_sam.py build/release/bin/bench_sam [--threads 2] [--rounds 5] [--prompts 64] [--size vit_b]
All get the same random weights, tile and number of threads. Each lives in a process of its own; in each round each of
them runs once, in an order that turns, so that what else the machine does falls on all. Ratios are taken within a
round; the median, least and largest are printed, of wall and of CPU seconds, and ratios of the least times. Beside
them: the share of the float32 rate that this machine reaches when it multiplies matrices of 2048 (in the same rounds).

"plat int16" is plat itself in that precision; what it loses is measured by precision_loss.py.
transformers runs twice: as its users run it, and "kept", with GLIBC told to keep freed pages, as plat tells it.
Packages that are not installed are left out and named; torch and transformers are needed to make the weights.
segment-anything imports torchvision for nothing that is timed: a stub stands in. Weights, about 1 GB with the ONNX
file, go to --scratch, which is kept where it is named and used again."""
import argparse
import importlib.util
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import types

SIDE = 1024
MATRIX, PRODUCTS = 2048, 8
SIZES = {"vit_b": (768, 12, 12), "vit_l": (1024, 24, 16), "vit_h": (1280, 32, 16)}
KEPT = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_TOP_PAD_": "67108864"}


def vision(size):
    """Four layers, evenly spaced, attend to the whole image."""
    width, layers, heads = SIZES[size]
    return dict(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                global_attn_indexes=[layers // 4 * i - 1 for i in (1, 2, 3, 4)])


def operations(size, prompts):
    """Floating-point operations that SAM's own formulas need in matrix products, without those on padded tokens."""
    width, layers, _ = SIZES[size]
    tokens, window = (SIDE // 16) ** 2, 14 * 14
    linear = layers * 2 * tokens * 12 * width * width
    attention = 4 * tokens * width * (4 * tokens + (layers - 4) * window)
    ends = 2 * tokens * (768 * width + 256 * width + 9 * 256 * 256)
    upscaling = 2 * tokens * 256 * 256 + 2 * 4 * tokens * 64 * 128
    # A projection of the image's tokens in the decoder: two of the first layer's three are the same for all prompts.
    projection = 2 * tokens * 256 * 128
    return {"encoder": linear + attention + ends, "prompts": prompts * (upscaling + 7 * projection) + 3 * projection}


def write_model(folder, size, prompts):
    import torch
    from transformers import SamConfig, SamImageProcessor, SamModel
    torch.manual_seed(1)
    model = SamModel(SamConfig(vision_config=vision(size)))
    with torch.no_grad():
        for value in model.parameters():  # also those that begin as zeros, so that no term can be left out
            value += 0.02 * torch.randn(value.shape)
    model._tie_weights()
    model.save_pretrained(folder)
    SamImageProcessor().save_pretrained(folder)
    torch.randn(3, SIDE, SIDE).numpy().tofile(folder / "tile.f32")
    (torch.rand(prompts, 2) * SIDE).round().numpy().tofile(folder / "points.f32")


def write_onnx(folder):
    import warnings
    import torch
    warnings.simplefilter("ignore")  # of the exporter: what depends on the image's size becomes a constant, as is meant
    from transformers import SamModel

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = SamModel.from_pretrained(folder, attn_implementation="eager").vision_encoder

        def forward(self, pixels):
            return self.encoder(pixels).last_hidden_state

    torch.onnx.export(Encoder().eval(), (torch.zeros(1, 3, SIDE, SIDE),), str(folder / "encoder.onnx"),
                      input_names=["pixels"], output_names=["embedding"], opset_version=17, dynamo=False)


class Transformers:
    def __init__(self, folder, threads):
        import torch
        from transformers import SamModel
        self.torch = torch
        torch.set_num_threads(threads)
        self.model = SamModel.from_pretrained(folder).eval()

    def encoder(self, tile):
        return self.model.vision_encoder(self.torch.from_numpy(tile)).last_hidden_state

    def prompts(self, embedding, points):
        points = self.torch.from_numpy(points)[None, :, None]
        labels = self.torch.ones(points.shape[:-1], dtype=self.torch.long)
        return self.model(image_embeddings=embedding, input_points=points, input_labels=labels,
                          multimask_output=True).pred_masks


def meta_names(state):
    """transformers' names in Meta's words."""
    pairs = [("vision_encoder.patch_embed.projection", "image_encoder.patch_embed.proj"),
             ("vision_encoder.neck.conv1", "image_encoder.neck.0"),
             ("vision_encoder.neck.layer_norm1", "image_encoder.neck.1"),
             ("vision_encoder.neck.conv2", "image_encoder.neck.2"),
             ("vision_encoder.neck.layer_norm2", "image_encoder.neck.3"),
             ("vision_encoder.layers.", "image_encoder.blocks."), ("vision_encoder.", "image_encoder."),
             ("shared_image_embedding.positional_embedding", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
             ("prompt_encoder.point_embed", "prompt_encoder.point_embeddings"),
             ("mask_embed.conv1", "mask_downscaling.0"), ("mask_embed.layer_norm1", "mask_downscaling.1"),
             ("mask_embed.conv2", "mask_downscaling.3"), ("mask_embed.layer_norm2", "mask_downscaling.4"),
             ("mask_embed.conv3", "mask_downscaling.6"), ("upscale_conv1", "output_upscaling.0"),
             ("upscale_layer_norm", "output_upscaling.1"), ("upscale_conv2", "output_upscaling.3"),
             ("layer_norm_final_attn", "norm_final_attn"), ("proj_in", "layers.0"), ("proj_out", "layers.2")]
    result = {}
    for name, value in state.items():
        if name == "prompt_encoder.shared_embedding.positional_embedding":
            continue  # the same tensor again
        if ".layers.0." in name and ("hypernetworks" in name or "iou_prediction_head" in name):
            name = name.replace(".layers.0.", ".layers.1.")
        for old, new in pairs:
            name = name.replace(old, new)
        name = name.replace("layer_norm", "norm")
        result[name] = value
    return result


class SegmentAnything:
    def __init__(self, folder, threads):
        import torch

        def stub(name, **contents):
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__dict__.update(contents)

        if importlib.util.find_spec("torchvision") is None:
            for name in ("torchvision", "torchvision.ops", "torchvision.transforms"):
                stub(name)
            stub("torchvision.ops.boxes", batched_nms=None, box_area=None)
            stub("torchvision.transforms.functional", resize=None, to_pil_image=None)
        from safetensors.torch import load_file
        from segment_anything import sam_model_registry
        self.torch = torch
        torch.set_num_threads(threads)
        weights = load_file(folder / "model.safetensors")
        width = weights["vision_encoder.pos_embed"].shape[-1]
        size = next(k for k, v in SIZES.items() if v[0] == width)
        self.model = sam_model_registry[size](checkpoint=None).eval()
        missing = self.model.load_state_dict(meta_names(weights), strict=False)
        left = [k for k in missing.missing_keys if not k.startswith("pixel_")] + list(missing.unexpected_keys)
        assert not left, left

    def encoder(self, tile):
        return self.model.image_encoder(self.torch.from_numpy(tile))

    def prompts(self, embedding, points):
        points = self.torch.from_numpy(points)[:, None]
        sparse, dense = self.model.prompt_encoder((points, self.torch.ones(points.shape[:2])), None, None)
        masks, _ = self.model.mask_decoder(image_embeddings=embedding, sparse_prompt_embeddings=sparse,
                                           dense_prompt_embeddings=dense, multimask_output=True,
                                           image_pe=self.model.prompt_encoder.get_dense_pe())
        return masks[None]


class OnnxRuntime:
    def __init__(self, folder, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), options,
                                                    providers=["CPUExecutionProvider"])

    def encoder(self, tile):
        return self.session.run(None, {"pixels": tile})[0]


CONTENDERS = {"transformers": (Transformers, "transformers", {}), "transformers kept": (Transformers, "transformers", KEPT),
              "segment-anything": (SegmentAnything, "segment_anything", {}),
              "onnxruntime": (OnnxRuntime, "onnxruntime", {})}


INT16 = "plat int16"


def peak_kilobytes():
    """Of this process alone: getrusage counts what the parent held before it became this program."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def work(name, folder, threads):
    """A contender's process: as bench_sam, lines in, times out."""
    import numpy
    import torch
    torch.set_grad_enabled(False)
    contender = CONTENDERS[name][0](folder, threads)
    tile = numpy.fromfile(folder / "tile.f32", numpy.float32).reshape(1, 3, SIDE, SIDE)
    points = numpy.fromfile(folder / "points.f32", numpy.float32).reshape(-1, 2)
    embedding = None
    print("0 0 0", flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), cpu_seconds()
        if line.strip() == "encoder":
            embedding = result = contender.encoder(tile)
        else:
            result = contender.prompts(embedding, points)
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        kind = "embedding" if line.strip() == "encoder" else "logits"
        numpy.asarray(result).tofile(folder / f"{name}.{kind}.f32")
        print(wall, cpu, peak_kilobytes(), flush=True)


class Process:
    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | environment)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare_sam.py: {' '.join(map(str, self.process.args))} ended; its message stands above.")
        return [float(x) for x in line.split()]

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.answer()


def difference(folder, name, kind):
    import numpy
    ours, theirs = (numpy.fromfile(folder / f"{n}.{kind}.f32", numpy.float32) for n in ("plat", name))
    return abs(ours - theirs).max() / abs(theirs).max()


def spread(values):
    return f"{statistics.median(values):5.2f} ({min(values):4.2f}-{max(values):4.2f})"


def report(folder, task, runs, rates, flop):
    """`runs`: name -> a list of (wall, cpu, peak) for each round; `rates`: FLOP/s of each round by wall and CPU time."""
    print(f"\n{task}: {flop / 1e9:.0f} GFLOP in matrix products")
    print(f"{'':18s} {'wall s: median, least':>22s} {'CPU s':>13s} {'peak MB':>8s}   {'plat / it: wall':>17s} "
          f"{'CPU':>17s} {'of least':>9s}")
    ours = runs["plat"]
    for name, theirs in runs.items():
        wall, cpu = ([r[i] for r in theirs] for i in (0, 1))
        line = f"{name:18s} {statistics.median(wall):14.2f} {min(wall):7.2f} {statistics.median(cpu):6.2f} {min(cpu):6.2f}"
        line += f" {max(r[2] for r in theirs) / 1024:8.0f}"
        if name != "plat":
            line += "   " + spread([a[0] / b[0] for a, b in zip(ours, theirs)])
            line += " " + spread([a[1] / b[1] for a, b in zip(ours, theirs)])
            line += f" {min(a[1] for a in ours) / min(cpu):9.2f}"
            kind = "embedding" if task == "encoder" else "logits"
            line += f"   differs by {difference(folder, name, kind):.0e} of the largest"
        print(line)
    limits = [flop / rate for rate, _ in rates]
    by_cpu = [flop / rate for _, rate in rates]
    print(f"{'matrix products':18s} {statistics.median(limits):14.2f} {min(limits):7.2f} "
          f"{statistics.median(by_cpu):6.2f} {min(by_cpu):6.2f} {'':8s}   "
          f"{spread([a[0] / b for a, b in zip(ours, limits)])} {spread([a[1] / b for a, b in zip(ours, by_cpu)])} "
          f"{min(a[1] for a in ours) / min(by_cpu):9.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, help="bench_sam, built with -DPLAT_BUILD_BENCH=ON")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--size", choices=SIZES, default="vit_b")
    parser.add_argument("--scratch", type=pathlib.Path, help="where weights go; default: a temporary folder")
    parser.add_argument("--only", nargs="*", choices=[INT16, *CONTENDERS], default=[INT16, *CONTENDERS], help="beside plat")
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.worker, options.scratch, options.threads)

    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.scratch or pathlib.Path(temporary)) / f"{options.size}-{options.prompts}"
        if not (folder / "points.f32").exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_model(folder, options.size, options.prompts)
        names = [n for n in options.only if n == INT16 or importlib.util.find_spec(CONTENDERS[n][1])]
        print("not installed:", ", ".join(set(options.only) - set(names)) or "none")
        if "onnxruntime" in names and not (folder / "encoder.onnx").exists():
            write_onnx(folder)
        program = [options.program, folder, str(options.threads), str(options.prompts)]
        processes = {"plat": Process(program, {})}
        for name in names:
            if name == INT16:
                processes[name] = Process([*program, "int16"], {})
                continue
            command = [sys.executable, __file__, options.program, "--worker", name, "--scratch", folder,
                       "--threads", str(options.threads)]
            processes[name] = Process(command, CONTENDERS[name][2])
        runs = {task: {n: [] for n in processes if task == "encoder" or n != "onnxruntime"}
                for task in ("encoder", "prompts")}
        rates = []
        for number in range(options.rounds + 1):
            order = list(processes)
            order = order[number % len(order):] + order[:number % len(order)]
            for task in runs:
                for name in order:
                    if name not in runs[task]:
                        continue
                    times = processes[name].ask(task)
                    if number > 0:  # the first round fills caches and heaps
                        runs[task][name].append(times)
            wall, cpu, _ = processes["plat"].ask("matmul")
            # CPU time is shared out to as many threads as run, so that both kinds of limit stand for the same work.
            flop = PRODUCTS * 2 * MATRIX**3
            if number > 0:
                rates.append((flop / wall, flop / cpu))
        for process in processes.values():
            process.process.stdin.close()
        print(f"{options.size}, {options.threads} threads, {options.rounds} rounds; matrices of {MATRIX}: "
              f"{statistics.median(r[0] for r in rates) / 1e9:.0f} GFLOP/s, "
              f"{statistics.median(r[1] for r in rates) / 1e9:.0f} for each CPU second")
        flop = operations(options.size, options.prompts)
        for task in runs:
            report(folder, task, runs[task], rates, flop[task])


if __name__ == "__main__":
    main()
