# SPDX-License-Identifier: Apache-2.0
"""Compares masks on a real image with those of the reference packages, from the file that their user has to the masks:
    python real_tiles.py CHECK IMAGE vit_b|vit_l|vit_h|mobile …
CHECK is the program that real_tiles_check.cpp builds to. Each size is built by segment-anything (MobileSAM) with random
weights and saved by torch.save; plat imports that file. The decoder is trained for a moment, as in automatic_masks.py, so
that masks are as sure as a trained network's.
The middle of IMAGE, 1024 pixels a side (enlarged where it is smaller), is asked with points, boxes, masks and several of
these. vit_h takes about 8 GB of memory."""
import gc
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

import automatic_masks
import full_size
import reference

SIDE = 1024


def mobile_sam():
    modeling = reference.import_mobile_sam()
    transformer = modeling.TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8)
    return modeling.Sam(
        image_encoder=modeling.TinyViT(img_size=SIDE, in_chans=3, num_classes=1000, **full_size.TINY),
        prompt_encoder=modeling.PromptEncoder(embed_dim=256, image_embedding_size=(64, 64),
                                              input_image_size=(SIDE, SIDE), mask_in_chans=16),
        mask_decoder=modeling.MaskDecoder(num_multimask_outputs=3, transformer_dim=256, transformer=transformer,
                                          iou_head_depth=3, iou_head_hidden_dim=256))


def random_sam(segment_anything, size):
    torch.manual_seed(12)
    sam = mobile_sam() if size == "mobile" else segment_anything.sam_model_registry[size]()
    reference.randomise(sam.image_encoder, 12)
    return sam.eval()


def middle_of(path):
    image = Image.open(path).convert("RGB")
    scale = SIDE / min(image.size)
    if scale > 1:
        image = image.resize([max(SIDE, round(side * scale)) for side in image.size], Image.BICUBIC)
    left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    return np.array(image.crop((left, top, left + SIDE, top + SIDE)))


def discs(centres, radius):
    """The shares of cells of 4 x 4 pixels that lie in discs."""
    cell = torch.arange(SIDE // 4) * 4 + 1.5
    square = (cell - centres[:, :1]).square()[:, None, :] + (cell - centres[:, 1:]).square()[:, :, None]
    return (square < radius**2).float()


def prompts():
    """By kind: points (P, N, 2) with labels, boxes (P, 4), masks (P, 256, 256)."""
    g = torch.Generator().manual_seed(8)
    points = (torch.rand(8, 3, 2, generator=g) * (SIDE - 1)).round()
    labels = torch.tensor([1, 1, 0]).expand(8, 3).contiguous()
    half = (20 + torch.rand(8, 2, generator=g) * 100).round()
    boxes = torch.cat([points[:, 0] - half, points[:, 0] + half], -1)
    masks = discs(points[:, 0], 60)
    one = dict(points=points[:, :1].contiguous(), labels=labels[:, :1].contiguous())
    return {"point": one, "three points": dict(points=points, labels=labels), "box": dict(boxes=boxes),
            "point and box": one | dict(boxes=boxes), "box and mask": dict(boxes=boxes, masks=masks),
            "point and mask": one | dict(masks=masks), "mask": dict(masks=masks)}


@torch.no_grad()
def answers(sam, embedding):
    out = {}
    for kind, case in prompts().items():
        points = (case["points"], case["labels"]) if "points" in case else None
        parts = []
        for i in range(8):
            at = slice(i, i + 1)
            mask = case["masks"][at, None].logit(1e-3) if "masks" in case else None
            sparse, dense = sam.prompt_encoder(points=tuple(x[at] for x in points) if points else None,
                                               boxes=case["boxes"][at] if "boxes" in case else None, masks=mask)
            parts.append(sam.mask_decoder.predict_masks(
                image_embeddings=embedding, image_pe=sam.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense))
        out |= {f"{kind}.{name}": value.clone() for name, value in case.items()}
        out[f"{kind}.logits"] = torch.cat([masks for masks, _ in parts])
        out[f"{kind}.iou"] = torch.cat([iou for _, iou in parts])
    return out


def compare(check, pixels, size, folder):
    segment_anything = automatic_masks.import_segment_anything()
    sam = random_sam(segment_anything, size)
    automatic_masks.see_points(sam)
    automatic_masks.make_sure(sam, segment_anything, pixels, steps=40, rate=1e-3, half=False, batch=2)
    torch.save(sam.state_dict(), folder / "sam.pth")
    with torch.no_grad():
        predictor = segment_anything.SamPredictor(sam)
        start = time.time()
        predictor.set_image(pixels)
        print(f"{size}: the reference's encoder {time.time() - start:.1f} s", flush=True)
        out = answers(sam, predictor.features)
    tile = torch.from_numpy(pixels).permute(2, 0, 1).float().contiguous()
    save_file(out | {"image": tile}, folder / "reference.safetensors")
    del sam, predictor
    gc.collect()
    subprocess.run([check, folder], check=True)


def main():
    check, image, sizes = sys.argv[1], sys.argv[2], sys.argv[3:]
    torch.set_num_threads(2)
    pixels = middle_of(image)
    for size in sizes:
        with tempfile.TemporaryDirectory() as root:
            compare(check, pixels, size, pathlib.Path(root))


if __name__ == "__main__":
    main()
