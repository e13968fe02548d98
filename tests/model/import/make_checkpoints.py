# SPDX-License-Identifier: Apache-2.0
"""Writes meta.pth, training.pth, mobile.pt, efficient_net.pth and what an import must make of them: names, shapes and checksums of every
tensor. The networks are small, made by Meta's and MobileSAM's own packages, with random weights.
Run: python make_checkpoints.py [FOLDER]
Needs torch, transformers, segment-anything, mobilesam-mirror and efficientnet-lite-pytorch."""
import collections
import importlib.util
import json
import pathlib
import sys
import types
import zlib

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "parity"))
import reference

HERE = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
SIDE = 48


def import_segment_anything():
    """Meta's modules without torchvision, which only its predictor needs."""
    if "segment_anything" not in sys.modules:
        package = types.ModuleType("segment_anything")
        found = importlib.util.find_spec("segment_anything")
        package.__path__ = list(found.submodule_search_locations)
        sys.modules["segment_anything"] = package
    import segment_anything.modeling
    return segment_anything.modeling


def heads(modeling, channels, side, patch, mlp_dim, iou_dim, mask_channels, masks, depth=2):
    tokens = side // patch
    prompt_encoder = modeling.PromptEncoder(embed_dim=channels, image_embedding_size=(tokens, tokens),
                                            input_image_size=(side, side), mask_in_chans=mask_channels)
    decoder = modeling.MaskDecoder(
        num_multimask_outputs=masks, transformer_dim=channels, iou_head_depth=3, iou_head_hidden_dim=iou_dim,
        transformer=modeling.TwoWayTransformer(depth=depth, embedding_dim=channels, mlp_dim=mlp_dim, num_heads=8))
    return prompt_encoder, decoder


def meta_sam():
    modeling = import_segment_anything()
    encoder = modeling.ImageEncoderViT(
        img_size=SIDE, patch_size=8, embed_dim=8, depth=2, num_heads=2, mlp_ratio=1.5, out_chans=16, qkv_bias=True,
        norm_layer=lambda n: nn.LayerNorm(n, eps=1e-6), use_rel_pos=True, window_size=4, global_attn_indexes=(1,))
    prompt_encoder, decoder = heads(modeling, 16, SIDE, 8, 24, 12, 8, 1, depth=1)
    return reference.randomise(modeling.Sam(image_encoder=encoder, prompt_encoder=prompt_encoder, mask_decoder=decoder), 21)


def mobile_sam():
    modeling = reference.import_mobile_sam()
    encoder = modeling.TinyViT(img_size=1024, in_chans=3, num_classes=2, embed_dims=[4, 6, 8, 6], depths=[1, 1, 1, 1],
                               num_heads=[1, 2, 4, 3], window_sizes=[3, 3, 2, 3], mlp_ratio=2.0, mbconv_expand_ratio=2.0)
    channels = 16
    source = modeling.tiny_vit_sam
    encoder.neck = nn.Sequential(nn.Conv2d(6, channels, 1, bias=False), source.LayerNorm2d(channels),
                                 nn.Conv2d(channels, channels, 3, padding=1, bias=False), source.LayerNorm2d(channels))
    prompt_encoder, decoder = heads(modeling, channels, 1024, 16, 24, 12, 8, 1, depth=1)
    return reference.randomise(modeling.Sam(image_encoder=encoder, prompt_encoder=prompt_encoder, mask_decoder=decoder), 22)


def by_transformers(sam):
    """A Meta SAM's tensors under transformers' names. That they are right is seen by running them: transformers'
    SamModel must give the same embedding and the same masks."""
    from transformers import SamConfig, SamModel
    state = {}
    for name, value in reference.meta_to_transformers(sam.state_dict()).items():
        if name.startswith("vision_encoder."):
            for old, new in (("patch_embed.proj.", "patch_embed.projection."), ("blocks.", "layers."), (".norm", ".layer_norm"),
                             ("neck.0", "neck.conv1"), ("neck.1", "neck.layer_norm1"), ("neck.2", "neck.conv2"),
                             ("neck.3", "neck.layer_norm2")):
                name = name.replace(old, new)
        state[name] = value
    model = SamModel(SamConfig(
        vision_config=dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=8,
                           window_size=4, global_attn_indexes=[1], mlp_dim=12, output_channels=16, num_pos_feats=8),
        prompt_encoder_config=dict(hidden_size=16, image_size=SIDE, patch_size=8, mask_input_channels=8),
        mask_decoder_config=dict(hidden_size=16, mlp_dim=24, num_hidden_layers=1, num_attention_heads=8, iou_head_hidden_dim=12, num_multimask_outputs=1,
                                 layer_norm_eps=1e-5)))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert missing == ["prompt_encoder.shared_embedding.positional_embedding"] and not unexpected, (missing, unexpected)
    model.prompt_encoder.shared_embedding = model.shared_image_embedding
    model.eval()
    image = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(23))
    box = torch.tensor([[8.0, 10.0, 30.0, 40.0]])
    with torch.no_grad():
        embedding = sam.image_encoder(image)
        sparse, dense = sam.prompt_encoder(points=None, boxes=box, masks=None)
        masks, iou = sam.mask_decoder.predict_masks(embedding, sam.prompt_encoder.get_dense_pe(), sparse, dense)
        result = model(pixel_values=image, input_boxes=box[None], multimask_output=True)
    assert torch.allclose(model.vision_encoder(image).last_hidden_state, embedding, atol=1e-5)
    assert torch.allclose(result.pred_masks[0], masks[:, 1:], atol=1e-4)
    assert torch.allclose(result.iou_scores[0], iou[:, 1:], atol=1e-5)
    return state


def expect(name, state):
    rows = {k: [list(v.shape), zlib.crc32(v.contiguous().numpy().tobytes())] for k, v in sorted(state.items())
            if "num_batches_tracked" not in k}
    text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items())
    (HERE / name).write_text("{\n" + text + "\n}\n")


def training_checkpoint(state):
    """What a training program writes: the network below "model" and behind a prefix, as parameters and in odd layouts."""
    model = collections.OrderedDict()
    whole = torch.cat([v.flatten() for k, v in state.items() if k.endswith(".bias")])
    at = 0
    for name, value in state.items():
        if name.endswith(".bias"):  # views of one storage
            value = whole[at:at + value.numel()].view(value.shape)
            at += value.numel()
        elif name.endswith("lin1.weight"):  # columns first
            value = value.t().contiguous().t()
        elif name.endswith("pos_embed"):
            value = value.double()
        elif name.endswith("lin2.weight"):
            value = nn.Parameter(value)
        model["module." + name] = value
    small = {"state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    return {"epoch": 3, "best": -0.5, "done": False, "note": None, "optimizer": small, "model": model}


def main():
    sam = meta_sam()
    state = sam.state_dict()
    torch.save(state, HERE / "meta.pth")
    expect("meta.json", by_transformers(sam))
    torch.save(training_checkpoint(state), HERE / "training.pth")
    state = {k: v.half() if v.is_floating_point() else v for k, v in mobile_sam().state_dict().items()}
    torch.save(state, HERE / "mobile.pt")
    expect("mobile.json", reference.meta_to_transformers(state))
    stages = [(1, 3, 1, 1, 32, 4), (2, 3, 2, 2, 4, 6), (1, 5, 2, 2, 6, 8), (1, 3, 2, 3, 8, 10), (2, 5, 1, 2, 10, 12),
              (1, 5, 2, 2, 12, 14), (1, 3, 1, 2, 14, 16)]
    encoder = reference.randomise(reference.EfficientNet(64, 8, stages), 23)
    # As torch before 1.6 wrote it, which the published ones are.
    torch.save(encoder.net.state_dict(), HERE / "efficient_net.pth", _use_new_zipfile_serialization=False)
    expect("efficient_net.json", {k: v for k, v in encoder.state().items() if ".neck." not in k})
    for file in sorted(HERE.iterdir()):
        print(file.name, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
