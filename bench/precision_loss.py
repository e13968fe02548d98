#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the precision int16 changes: masks of 64 points on real tiles, beside those of float32:
    python bench/precision_loss.py build/release/bin/bench_sam TILE.tif... [--size vit_b] [--outliers 30]
A tile is the corner of 1024 x 1024 pixels of an image of three bands with 8 bits. The weights are random; the decoder is
trained for a moment on the first tile, so that its masks are as sure as a trained network's (make_sure in
tests/model/parity/automatic_masks.py, whose packages are needed). --outliers: every block's normalisations make four
channels that many times as large as the others, as large transformers' training does: the case that is hard to round."""
import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent / "tests/model/parity")]
import automatic_masks
import compare_sam

SIDE, POINTS = compare_sam.SIDE, 64
MEAN, DEVIATION = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


def pixels_of(path):
    Image.MAX_IMAGE_PIXELS = None
    pixels = np.array(Image.open(path).crop((0, 0, SIDE, SIDE)).convert("RGB"))
    return pixels


def write_model(folder, size, outliers, pixels, steps):
    segment_anything = automatic_masks.import_segment_anything()
    torch.manual_seed(12)
    sam = segment_anything.sam_model_registry[size]().eval()
    if outliers > 1:
        with torch.no_grad():
            for block in sam.image_encoder.blocks:
                for norm in (block.norm1, block.norm2):
                    norm.weight[torch.randperm(len(norm.weight))[:4]] *= outliers
    automatic_masks.see_points(sam)
    automatic_masks.make_sure(sam, segment_anything, pixels, steps=steps, rate=1e-3, half=False, batch=2)
    vision = compare_sam.vision(size) | dict(mlp_dim=4 * compare_sam.SIZES[size][0])
    (folder / "config.json").write_text(json.dumps(dict(
        model_type="sam", vision_config=vision, prompt_encoder_config={}, mask_decoder_config=dict(layer_norm_eps=1e-5))))
    (folder / "preprocessor_config.json").write_text("{}")
    save_file(automatic_masks.to_transformers(sam.state_dict()), folder / "model.safetensors", metadata={"format": "pt"})


def answers(program, folder, name, threads):
    process = compare_sam.Process([program, folder, str(threads), str(POINTS), *name.split()[1:]], {})
    process.ask("encoder")
    process.ask("prompts")
    process.process.stdin.close()
    process.process.wait()  # it writes results after it has said how long they took
    return [np.fromfile(folder / f"{name}.{kind}.f32", np.float32) for kind in ("embedding", "logits")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, help="bench_sam, built with -DPLAT_BUILD_BENCH=ON")
    parser.add_argument("tiles", type=pathlib.Path, nargs="+")
    parser.add_argument("--size", choices=compare_sam.SIZES, default="vit_b")
    parser.add_argument("--outliers", type=float, default=1)
    parser.add_argument("--steps", type=int, default=100, help="of the decoder's training")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_model(folder, options.size, options.outliers, pixels_of(options.tiles[0]), options.steps)
        grid = (np.arange(8) + 0.5) * SIDE / 8
        np.stack(np.meshgrid(grid, grid), -1).astype(np.float32).tofile(folder / "points.f32")
        for tile in options.tiles:
            normalised = ((pixels_of(tile) - MEAN) / DEVIATION).transpose(2, 0, 1)
            np.ascontiguousarray(normalised, np.float32).tofile(folder / "tile.f32")
            embedding, logits = answers(options.program, folder, "plat", options.threads)
            embedding16, logits16 = answers(options.program, folder, "plat int16", options.threads)
            a, b = (x.reshape(POINTS * 3, -1) > 0 for x in (logits, logits16))
            iou = (a & b).sum(1) / np.maximum((a | b).sum(1), 1)
            iou[~(a | b).any(1)] = 1
            size = np.sqrt(np.square(embedding).mean())
            print(f"{tile.name}: IoU of {len(iou)} masks of {int(np.median(a.sum(1)))} pixels: mean {iou.mean():.4f}, "
                  f"20th {np.sort(iou)[len(iou) // 20]:.4f}, least {iou.min():.4f}; embedding off by "
                  f"{np.sqrt(np.square(embedding16 - embedding).mean()) / size:.1e} of its usual size", flush=True)


if __name__ == "__main__":
    main()
