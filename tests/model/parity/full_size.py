# SPDX-License-Identifier: Apache-2.0
"""Compares the published sizes with their references on random weights:
    python full_size.py CHECK vit_b|vit_l|vit_h|mobile …
CHECK is the program that full_size_check.cpp builds to. Each size is written into a folder of its own below TMPDIR as
transformers (MobileSAM: this script) writes it, run by the reference, read and run by plat, and, for a ViT, written by
plat and read by transformers again. vit_h takes about 8 GB of memory and as much of disk."""
import gc
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import SamConfig, SamImageProcessor, SamModel, logging

import make_fixtures
import reference



def vit(hidden_size, layers, heads):
    """Four layers, evenly spaced, attend to the whole image."""
    return dict(hidden_size=hidden_size, num_hidden_layers=layers, num_attention_heads=heads,
                global_attn_indexes=[layers // 4 * i - 1 for i in (1, 2, 3, 4)])


SIZES = {"vit_b": vit(768, 12, 12), "vit_l": vit(1024, 24, 16), "vit_h": vit(1280, 32, 16)}
TINY = dict(embed_dims=[64, 128, 160, 320], depths=[2, 2, 6, 2], num_heads=[2, 4, 5, 10], window_sizes=[7, 7, 14, 7],
            mlp_ratio=4.0, mbconv_expand_ratio=4.0, local_conv_size=3)
CLASSES = dict(prompt_tokens=4, fuse_dims=[96, 64, 32], fuse_convs=[2, 2, 1], subpixel=2)
SIDE = 1024


def pixels():
    return torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(11))


def save(folder, tensors):
    tensors = {k: v.contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, folder / "reference.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def write_vit(folder, size):
    model = reference.randomise(SamModel(SamConfig(vision_config=SIZES[size])), 12)
    model._tie_weights()
    model.save_pretrained(folder)
    SamImageProcessor().save_pretrained(folder)
    # The part that transformers does not have goes into the same files.
    stem = [24, 48, 96]
    classes = reference.randomise(reference.ClassDecoder(1, 256, stem, stem=True, **CLASSES), 13)
    weights = load_file(folder / "model.safetensors")
    weights |= {"class_decoder." + k: v for k, v in classes.state_dict().items() if "num_batches" not in k}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["plat"] = dict(classes=[dict(name="building")], tile_size=SIDE, class_decoder=CLASSES | dict(stem_dims=stem))
    (folder / "config.json").write_text(json.dumps(config))
    x = pixels()
    start = time.time()
    embedding = model.vision_encoder(x).last_hidden_state
    print(f"{size}: transformers' encoder {time.time() - start:.1f} s")
    out = {"pixels": x, "expected.embedding": embedding} | make_fixtures.prompt_answers(model, embedding, SIDE)
    out |= make_fixtures.class_answers(model, classes, embedding, classes.features(x))
    save(folder, {k: v.float() if v.dtype == torch.half else v for k, v in out.items()})


@torch.no_grad()
def write_mobile(folder):
    modeling = reference.import_mobile_sam()
    encoder = modeling.TinyViT(img_size=SIDE, in_chans=3, num_classes=1000, **TINY)
    prompt_encoder = modeling.PromptEncoder(embed_dim=256, image_embedding_size=(64, 64), input_image_size=(SIDE, SIDE),
                                            mask_in_chans=16)
    transformer = modeling.TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8)
    decoder = modeling.MaskDecoder(num_multimask_outputs=3, transformer_dim=256, transformer=transformer,
                                   iou_head_depth=3, iou_head_hidden_dim=256)
    model = nn.Module()
    model.image_encoder, model.prompt_encoder, model.mask_decoder = encoder, prompt_encoder, decoder
    reference.randomise(model, 14)
    weights = reference.meta_to_transformers(model.state_dict())
    weights = {k: v.contiguous().clone() for k, v in weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(dict(
        model_type="sam_tinyvit", vision_config=TINY | dict(image_size=SIDE, output_channels=256, strides=[2, 2, 1]),
        prompt_encoder_config={}, mask_decoder_config=dict(layer_norm_eps=1e-5))))
    SamImageProcessor().save_pretrained(folder)
    x = pixels()
    start = time.time()
    embedding = encoder(x)
    print(f"mobile: MobileSAM's encoder {time.time() - start:.1f} s")
    out = {"pixels": x, "expected.embedding": embedding}
    # MobileSAM knows no label for a point to be ignored.
    for i, case in enumerate(reference.prompt_cases(SIDE, 1, 7, ignored=0)):
        masks, iou = [], []
        for part in make_fixtures.one_by_one(case):
            points = (part["points"][0], part["labels"][0]) if "points" in part else None
            boxes = part["boxes"][0] if "boxes" in part else None
            sparse, dense = prompt_encoder(points=points, boxes=boxes, masks=part.get("masks"))
            m, s = decoder.predict_masks(image_embeddings=embedding, image_pe=prompt_encoder.get_dense_pe(),
                                         sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense)
            masks.append(m), iou.append(s)
        out |= {f"prompt{i}.{k}": v for k, v in case.items()}
        out |= {f"prompt{i}.expected.logits": torch.cat(masks)[None], f"prompt{i}.expected.iou": torch.cat(iou)[None]}
    save(folder, out)


def check_again_in_transformers(original, copy):
    """transformers reads what plat wrote: every tensor that it knows, and no complaint but about our own."""
    model, info = SamModel.from_pretrained(copy, output_loading_info=True)
    ours = [k for k in info["unexpected_keys"] if not k.startswith("class_decoder.")]
    assert not info["missing_keys"] and not info["mismatched_keys"] and not ours, info
    with safe_open(original / "model.safetensors", "pt") as file:
        for name, value in model.state_dict().items():
            if name != "prompt_encoder.shared_embedding.positional_embedding":
                assert torch.equal(value, file.get_tensor(name)), name
    count = len(model.state_dict())
    print(f"{original.name}: SamModel.from_pretrained reads what plat wrote, all {count} tensors the same")


def main():
    check, sizes = sys.argv[1], sys.argv[2:]
    torch.set_num_threads(2)
    logging.set_verbosity_error()  # it lists the keys that are meant to be ignored
    with tempfile.TemporaryDirectory() as root:
        for size in sizes:
            folder, copy = pathlib.Path(root) / size, pathlib.Path(root) / (size + "_copy")
            folder.mkdir(), copy.mkdir()
            write_mobile(folder) if size == "mobile" else write_vit(folder, size)
            gc.collect()
            subprocess.run([check, folder, copy], check=True)
            if size != "mobile":
                check_again_in_transformers(folder, copy)
            for file in [*folder.iterdir(), *copy.iterdir()]:
                file.unlink()


if __name__ == "__main__":
    main()
