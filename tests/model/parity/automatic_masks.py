# SPDX-License-Identifier: Apache-2.0
"""Compares the masks that plat finds on its own with those of segment-anything's SamAutomaticMaskGenerator, on random
weights of which the decoder is trained for a moment, so that masks are as sure and as varied as a trained network's. Needs torch, safetensors, Pillow, OpenCV and
segment-anything (not torchvision).
    python automatic_masks.py fixture           writes automatic_masks.safetensors, a small network, beside this file
    python automatic_masks.py CHECK vit_b ...   builds vit_b at full size below TMPDIR and runs CHECK, the program that
                                                automatic_masks_check.cpp builds to, on what the generator made of it
An image named after vit_b takes the place of the drawn one."""
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time
import types

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

import reference


def import_segment_anything():
    """segment-anything without torchvision, of which it uses these few functions."""
    def nms(boxes, scores, iou_threshold):
        order = scores.sort(stable=True, descending=True).indices
        area, kept = box_area(boxes), []
        for i in order.tolist():
            k = torch.tensor(kept, dtype=torch.long)
            size = (torch.minimum(boxes[k, 2:], boxes[i, 2:]) - torch.maximum(boxes[k, :2], boxes[i, :2])).clamp(min=0)
            common = size.prod(1)
            if not (common / (area[k] + area[i] - common) > iou_threshold).any():
                kept.append(i)
        return torch.tensor(kept, dtype=torch.long)

    def batched_nms(boxes, scores, idxs, iou_threshold):
        return nms(boxes + (idxs * (boxes.max() + 1 if len(boxes) else 0))[:, None], scores, iou_threshold)

    def box_area(boxes):
        return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])

    def stub(name, **contents):
        module = types.ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module

    stub("torchvision"), stub("torchvision.ops"), stub("torchvision.transforms")
    stub("torchvision.ops.boxes", batched_nms=batched_nms, box_area=box_area)
    stub("torchvision.transforms.functional", to_pil_image=Image.fromarray,
         resize=lambda image, size: image.resize(size[::-1], Image.BILINEAR))
    import segment_anything
    return segment_anything


def small_sam(modeling):
    channels, size, patch = 24, 256, 16
    encoder = dict(img_size=size, patch_size=patch, embed_dim=8, depth=1, num_heads=2, mlp_ratio=2, qkv_bias=True,
                   norm_layer=lambda n: torch.nn.LayerNorm(n, eps=1e-6), out_chans=channels, use_rel_pos=True,
                   window_size=0, global_attn_indexes=[0])
    side = size // patch
    sam = modeling.Sam(
        image_encoder=modeling.ImageEncoderViT(**encoder),
        prompt_encoder=modeling.PromptEncoder(channels, (side, side), (size, size), 4),
        mask_decoder=modeling.MaskDecoder(
            transformer_dim=channels, num_multimask_outputs=3, iou_head_depth=3, iou_head_hidden_dim=16,
            transformer=modeling.TwoWayTransformer(depth=1, embedding_dim=channels, num_heads=2, mlp_dim=32)))
    config = dict(
        model_type="sam",
        vision_config=dict(image_size=size, patch_size=patch, hidden_size=8, num_hidden_layers=1,
                           num_attention_heads=2, mlp_dim=16, output_channels=channels, window_size=0,
                           global_attn_indexes=[0]),
        prompt_encoder_config=dict(hidden_size=channels, image_size=size, patch_size=patch, mask_input_channels=4),
        mask_decoder_config=dict(hidden_size=channels, mlp_dim=32, num_attention_heads=2, num_hidden_layers=1,
                                 iou_head_hidden_dim=16, layer_norm_eps=1e-5))
    return sam, config


def to_transformers(state):
    result = {}
    pairs = [("vision_encoder.blocks.", "vision_encoder.layers."), (".norm1.", ".layer_norm1."),
             (".norm2.", ".layer_norm2."), ("patch_embed.proj.", "patch_embed.projection."),
             ("neck.0.", "neck.conv1."), ("neck.1.", "neck.layer_norm1."), ("neck.2.", "neck.conv2."),
             ("neck.3.", "neck.layer_norm2.")]
    for name, value in reference.meta_to_transformers(state).items():
        if name.startswith("vision_encoder."):
            for old, new in pairs:
                name = name.replace(old, new)
        if not name.startswith("pixel_"):
            result[name] = value.contiguous().clone()
    return result


@torch.no_grad()
def see_points(sam):
    """Lets the image's tokens attend to the tokens of prompts by their distance, which a random network takes thousands of
    steps to learn: queries and keys become the sines and cosines of the same frequencies, a few for each head, whose
    products peak where the places agree; what else the tokens hold is made small beside them."""
    decoder, encoder = sam.mask_decoder, sam.prompt_encoder
    norm = sam.image_encoder.neck[3]
    for value in (norm.weight, norm.bias):
        value *= 0.2
    for embedding in [*encoder.point_embeddings, encoder.no_mask_embed]:
        embedding.weight *= 0.1
    for layer in decoder.transformer.layers:
        attention = layer.cross_attn_image_to_token
        width, channels = attention.q_proj.weight.shape
        chosen = torch.zeros(width, channels)
        for row in range(width):
            head, part = divmod(row, width // attention.num_heads)
            frequency = (head * width // attention.num_heads + part) // 2
            chosen[row, frequency + (channels // 2 if part % 2 else 0)] = 1.5
        for projection in (attention.q_proj, attention.k_proj):
            projection.weight.copy_(chosen)
            projection.bias.zero_()


def make_sure(sam, segment_anything, image, steps, rate, half, batch=12):
    """Trains a decoder for a moment to answer a point with discs of three sizes round it: masks as compact and edges as
    steep as a trained network's. Then spreads the estimates round the generator's threshold."""
    decoder, encoder, side = sam.mask_decoder, sam.prompt_encoder, sam.image_encoder.img_size
    with torch.no_grad():
        predictor = segment_anything.SamPredictor(sam)
        predictor.set_image(image)
    generator = torch.Generator().manual_seed(5)
    pixel = torch.arange(side // 4) * 4 + 1.5
    radii = side * torch.tensor([0.13, 0.09, 0.13, 0.2])

    def decoded(points):
        sparse, dense = encoder((points[:, None], torch.ones(len(points), 1)), None, None)
        return decoder.predict_masks(predictor.features, encoder.get_dense_pe(), sparse, dense)

    def discs(points):
        square = (pixel - points[:, :1]).square()[:, None, :] + (pixel - points[:, 1:]).square()[:, :, None]
        return (square[:, None] < radii.square()[:, None, None]).float()

    optimizer = torch.optim.AdamW(decoder.parameters(), lr=rate)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 20, 2 * (1 - step / steps))
        points = torch.rand(batch, 2, generator=generator) * side
        logits, iou = decoded(points)
        wanted = discs(points)
        common = (logits.sigmoid() * wanted).sum((2, 3))
        dice = 1 - (2 * common + 1) / (logits.sigmoid().sum((2, 3)) + wanted.sum((2, 3)) + 1)
        hard = (logits > 0).float()
        true = (hard * wanted).sum((2, 3)) / torch.maximum(hard, wanted).sum((2, 3)).clamp(min=1)
        # Discs are small: unweighted, none at all would be nearly right.
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, pos_weight=torch.tensor(8.0))
        loss = entropy + dice.mean() + (iou - true).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step}: dice {dice.mean():.3f}, IoU {true.mean(0).tolist()}", flush=True)
    with torch.no_grad():
        for mlp in decoder.output_hypernetworks_mlps:
            mlp.layers[-1].weight *= 8
            mlp.layers[-1].bias *= 8
        head = decoder.iou_prediction_head.layers[-1]
        points = torch.rand(64, 2, generator=generator) * side
        head.weight *= 0.05 / decoded(points)[1].std(0)[:, None]
        head.bias += 0.88 - decoded(points)[1].mean(0)
        if half:
            for value in [*sam.parameters(), *sam.prompt_encoder.buffers()]:
                value.copy_(value.half().float())


def drawn(width, height):
    """Blocks of colour with circles on them, every value a small whole number of integers."""
    c, r = np.meshgrid(np.arange(width), np.arange(height))
    bands = [((c // 5) * 73 + (r // 4) * 151 + 57 * band) % 256 for band in range(3)]
    inside = (c - width // 3) ** 2 + (r - height // 2) ** 2 < (min(width, height) // 4) ** 2
    return np.stack([np.where(inside, 200 - 60 * band, value) for band, value in enumerate(bands)], -1).astype(np.uint8)


NAMES = ["points_per_side", "pred_iou_thresh", "stability_score_thresh", "stability_score_offset", "box_nms_thresh",
         "crop_n_layers", "crop_nms_thresh", "crop_overlap_ratio", "crop_n_points_downscale_factor",
         "min_mask_region_area"]
DEFAULTS = dict(points_per_side=32, pred_iou_thresh=0.88, stability_score_thresh=0.95, stability_score_offset=1.0,
                box_nms_thresh=0.7, crop_n_layers=0, crop_nms_thresh=0.7, crop_overlap_ratio=512 / 1500,
                crop_n_points_downscale_factor=1, min_mask_region_area=0)


def packed(lengths):
    """Whole numbers as text: each less the one two before it, signs alternating (0, -1, 1, -2, ...), five bits a character
    from '0' on, the lowest first, 32 more where others follow."""
    text = []
    for value, before in zip(lengths, [0, 0, *lengths]):
        value = 2 * (value - before) if value >= before else 2 * (before - value) - 1
        while value >= 32:
            text.append(chr(48 + 32 + value % 32))
            value //= 32
        text.append(chr(48 + value))
    return "".join(text)


def peak_megabytes():
    """Of this process alone: getrusage counts what the parent held before it became this program."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def answers(generator_class, sam, image, **options):
    """The options and the masks as text: of each mask estimate, stability, its point, and the packed lengths of its runs
    along the rows, the first one outside."""
    options = DEFAULTS | options
    generator = generator_class(sam, **options)
    start = time.time()
    generator.predictor.set_image(image)
    encoding = time.time() - start
    start = time.time()
    masks = generator.generate(image)
    seconds = time.time() - start
    print(f"{len(masks)} masks, areas {sorted(m['area'] for m in masks)[::max(1, len(masks) // 8)]}, "
          f"{seconds - encoding * (1 if options['crop_n_layers'] == 0 else 0):.1f} s after {encoding:.1f} s of encoding, "
          f"peak {peak_megabytes():.0f} MB", flush=True)
    lines = [" ".join(repr(options[name]) for name in NAMES), str(len(masks))]
    for mask in masks:
        flat = mask["segmentation"].reshape(-1)
        edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
        runs = [0] * bool(flat[0]) + runs
        x, y = mask["point_coords"][0]
        values = [round(mask["predicted_iou"], 6), round(mask["stability_score"], 6), x, y, packed(runs)]
        lines.append(" ".join(map(str, values)))
    return "\n".join(lines)


def image_tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1).half().contiguous()


def fixture():
    segment_anything = import_segment_anything()
    torch.set_num_threads(1)
    torch.manual_seed(20)
    sam, config = small_sam(segment_anything.modeling)
    sam.eval()
    reference.randomise(sam.image_encoder, 21, exact_half=True)
    torch.nn.init.normal_(sam.image_encoder.pos_embed, std=0.5, generator=torch.Generator().manual_seed(22))
    # Each pixel of the small image stands for 8 x 8.
    small = drawn(32, 28)
    image = small.repeat(8, 0).repeat(8, 1)
    make_sure(sam, segment_anything, image, steps=1500, rate=4e-3, half=True)
    generator = segment_anything.SamAutomaticMaskGenerator
    cases = {
        "plain": answers(generator, sam, image, points_per_side=7),
        "loose": answers(generator, sam, image, points_per_side=4, pred_iou_thresh=0.8, stability_score_thresh=0.8,
                         stability_score_offset=2.0, box_nms_thresh=0.4),
        "crops": answers(generator, sam, image, points_per_side=4, crop_n_layers=1, crop_n_points_downscale_factor=2,
                         min_mask_region_area=60),
    }
    tensors = {k: v.half() for k, v in to_transformers(sam.state_dict()).items()}
    tensors["image"] = image_tensor(small)
    path = pathlib.Path(__file__).parent / "automatic_masks.safetensors"
    save_file(tensors, path, metadata=cases | {"config.json": json.dumps(config), "zoom": "8"})
    print(path, path.stat().st_size, "bytes")


def full_size(check, size, image):
    segment_anything = import_segment_anything()
    torch.set_num_threads(2)
    torch.manual_seed(12)
    sam = segment_anything.sam_model_registry[size]().eval()
    pixels = np.array(Image.open(image).convert("RGB")) if image else drawn(256, 256).repeat(4, 0).repeat(4, 1)
    see_points(sam)
    make_sure(sam, segment_anything, pixels, steps=150, rate=1e-3, half=False, batch=2)
    with tempfile.TemporaryDirectory() as root:
        folder = pathlib.Path(root)
        torch.save(sam.state_dict(), folder / "trained.pt")
        np.save(folder / "pixels.npy", pixels)
        # In a process of its own, whose memory has not seen the training.
        subprocess.run([sys.executable, __file__, "generate", size, folder], check=True)
        cases = {"defaults": (folder / "defaults.txt").read_text()}
        config = dict(model_type="sam", vision_config={}, prompt_encoder_config={},
                      mask_decoder_config=dict(layer_norm_eps=1e-5))
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "preprocessor_config.json").write_text("{}")
        save_file(to_transformers(sam.state_dict()), folder / "model.safetensors", metadata={"format": "pt"})
        save_file({"image": image_tensor(pixels)}, folder / "reference.safetensors", metadata=cases | {"zoom": "1"})
        del sam
        subprocess.run([check, folder], check=True)


def generate(size, folder):
    segment_anything = import_segment_anything()
    torch.set_num_threads(2)
    sam = segment_anything.sam_model_registry[size](folder / "trained.pt").eval()
    text = answers(segment_anything.SamAutomaticMaskGenerator, sam, np.load(folder / "pixels.npy"))
    (folder / "defaults.txt").write_text(text)


if __name__ == "__main__":
    if sys.argv[1:] == ["fixture"]:
        fixture()
    elif sys.argv[1] == "generate":
        generate(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        full_size(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
