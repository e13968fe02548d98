# SPDX-License-Identifier: Apache-2.0
"""The networks that plat's are compared with: transformers' SamModel, MobileSAM's TinyViT, EfficientNet-Lite and, for
the class maps, which no published model has, a PyTorch module of our own. Needs torch, transformers, safetensors,
mobilesam-mirror and efficientnet-lite-pytorch."""
import importlib.util
import math
import pathlib
import sys
import types

import torch
import torch.nn.functional as F
from torch import nn


def import_mobile_sam():
    """MobileSAM's modules without timm and torchvision, of which they use three small functions."""
    if "mobile_sam.modeling" in sys.modules:
        return sys.modules["mobile_sam.modeling"]

    class DropPath(nn.Module):
        def __init__(self, drop_prob=None):
            super().__init__()

        def forward(self, x):
            return x

    def stub(name, **contents):
        module = types.ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module
        return module

    stub("timm"), stub("timm.models")
    stub("timm.models.layers", DropPath=DropPath, to_2tuple=lambda x: (x, x), trunc_normal_=nn.init.trunc_normal_)
    stub("timm.models.registry", register_model=lambda f: f)
    folder = pathlib.Path(importlib.util.find_spec("mobile_sam").submodule_search_locations[0])
    package = stub("mobile_sam")
    package.__path__ = [str(folder)]
    import mobile_sam.modeling
    return sys.modules["mobile_sam.modeling"]


class TinyVit(nn.Module):
    """MobileSAM's TinyViT with its early features, for any size of image and of neck. `size` is the image's side."""

    def __init__(self, size, channels, **config):
        super().__init__()
        modeling = import_mobile_sam()
        source = modeling.tiny_vit_sam
        net = modeling.TinyViT(img_size=size, num_classes=0, **config)
        # MobileSAM keeps the resolution before the last stage, which it knows by its number of channels alone.
        net.layers[2].downsample.conv2.c.stride = (1, 1)
        last = config["embed_dims"][-1]
        net.neck = nn.Sequential(nn.Conv2d(last, channels, 1, bias=False), source.LayerNorm2d(channels),
                                 nn.Conv2d(channels, channels, 3, padding=1, bias=False), source.LayerNorm2d(channels))
        del net.norm_head
        self.net = net
        self.size = size

    def forward(self, pixels):
        def image(tokens, stride):
            n = self.size // stride
            return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, n, n)

        stem = self.net.patch_embed.seq
        stride2 = stem[1](stem[0](pixels))
        x = stem[2](stride2)
        layers = self.net.layers
        for block in layers[0].blocks:
            x = block(x)
        stride4 = x.clone()
        x = layers[0].downsample(x)
        for block in layers[1].blocks:
            x = block(x)
        stride8 = image(x, 8)
        x = layers[3](layers[2](layers[1].downsample(x)))
        return self.net.neck(image(x, 16)), (stride2, stride4, stride8)


class EfficientNet(nn.Module):
    """efficientnet-lite-pytorch's network without its head, its stages with the strides' features, and plat's neck. `size` is
    the image's side; `stages` one (depth, kernel, stride, ratio, in, out) a stage, the first with 32 channels in."""

    def __init__(self, size, channels, stages):
        super().__init__()
        from efficientnet_lite_pytorch import model, utils
        blocks = [utils.BlockArgs(num_repeat=n, kernel_size=k, stride=[s], expand_ratio=e, input_filters=i,
                                  output_filters=o, se_ratio=None, id_skip=True) for n, k, s, e, i, o in stages]
        self.net = model.EfficientNet(blocks, utils.GlobalParams(
            width_coefficient=None, depth_coefficient=None, image_size=size, dropout_rate=0, num_classes=2,
            batch_norm_momentum=0.99, batch_norm_epsilon=1e-3, drop_connect_rate=0, depth_divisor=8, min_depth=None,
            relu_fn="relu6", fix_head_stem=False, local_pooling=False, use_se=False))
        self.neck = nn.Module()
        self.neck.project16 = nn.Conv2d(stages[4][5], channels, 1, bias=False)
        self.neck.project32 = nn.Conv2d(stages[6][5], channels, 1, bias=False)
        self.neck.norm1, self.neck.norm2 = LayerNorm2d(channels), LayerNorm2d(channels)
        self.neck.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        ends = [sum(stage[0] for stage in stages[:i + 1]) - 1 for i in range(7)]
        self.taps = [ends[i] for i in (0, 1, 2, 4, 6)]

    def forward(self, pixels):
        x = self.net._swish(self.net._bn0(self.net._conv_stem(pixels)))
        found = []
        for i, block in enumerate(self.net._blocks):
            x = block(x)
            if i in self.taps:
                found.append(x)
        coarse = F.interpolate(self.neck.project32(found[4]), scale_factor=2, mode="bilinear", align_corners=False)
        joined = F.relu(self.neck.norm1(self.neck.project16(found[3]) + coarse))
        return self.neck.norm2(self.neck.conv(joined)), tuple(found[:3])

    def state(self):
        """Its tensors under plat's names."""
        state = {}
        for name, value in self.state_dict().items():
            if name.startswith(("net._fc", "net._conv_head", "net._bn1.")):
                continue
            name = name.replace("net._conv_stem.", "stem.c.").replace("net._bn0.", "stem.bn.")
            for old, new in [("net._blocks.", "blocks."), ("_expand_conv.", "expand.c."), ("_bn0.", "expand.bn."),
                             ("_depthwise_conv.", "depthwise.c."), ("_bn1.", "depthwise.bn."),
                             ("_project_conv.", "project.c."), ("_bn2.", "project.bn.")]:
                name = name.replace(old, new)
            state["vision_encoder." + name] = value
        return state


class LayerNorm2d(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, 1e-6)
        return x.permute(0, 3, 1, 2)


class ConvNorm(nn.Sequential):
    def __init__(self, a, b, kernel, stride=1):
        super().__init__()
        self.add_module("c", nn.Conv2d(a, b, kernel, stride, kernel // 2, bias=False))
        self.add_module("bn", nn.BatchNorm2d(b))


class Fusion(nn.Module):
    def __init__(self, a, skip, b, convs):
        super().__init__()
        self.proj, self.lateral = nn.Conv2d(a, b, 1), nn.Conv2d(skip, b, 1)
        self.block = nn.Module()
        self.block.convs = nn.ModuleList([ConvNorm(b, b, 3) for _ in range(convs)])

    def forward(self, x, feature):
        x = F.interpolate(self.proj(x), scale_factor=2, mode="bilinear", align_corners=False)
        x = F.relu(x + self.lateral(feature))
        for conv in self.block.convs:
            x = F.relu(conv(x))
        return x


class FeedForward(nn.Module):
    def __init__(self, a, hidden, b):
        super().__init__()
        self.proj_in, self.proj_out = nn.Linear(a, hidden), nn.Linear(hidden, b)
        self.layers = nn.ModuleList([nn.Linear(hidden, hidden)])

    def forward(self, x):
        return self.proj_out(F.relu(self.layers[0](F.relu(self.proj_in(x)))))


class ClassDecoder(nn.Module):
    """`skip`: channels of the features at strides 2, 4, 8; `stem`: whether they come from a branch of its own."""

    def __init__(self, classes, channels, skip, prompt_tokens, fuse_dims, fuse_convs, subpixel, stem):
        super().__init__()
        self.classes, self.subpixel = classes, subpixel
        if stem:
            self.stem = nn.ModuleList([ConvNorm(a, b, 3, 2) for a, b in zip([3] + skip[:-1], skip)])
        self.output_tokens = nn.Embedding(3 * classes, channels)
        self.prompt_tokens = nn.Embedding(prompt_tokens * classes, channels)
        self.fuse8 = Fusion(channels, skip[2], fuse_dims[0], fuse_convs[0])
        self.fuse4 = Fusion(fuse_dims[0], skip[1], fuse_dims[1], fuse_convs[1])
        self.fuse2 = Fusion(fuse_dims[1], skip[0], fuse_dims[2], fuse_convs[2])
        width = fuse_dims[2] * subpixel**2
        self.hypernetworks = nn.ModuleList([FeedForward(channels, channels, width) for _ in range(3)])
        self.bias = nn.Parameter(torch.zeros(3 * classes))
        self.aux = nn.Conv2d(channels, 3 * classes, 1)

    def features(self, pixels):
        out = []
        for conv in self.stem:
            pixels = F.gelu(conv(pixels))
            out.append(pixels)
        return out

    def forward(self, transformer, embedding, positions, features):
        """`embedding` with the dense prompt added; `transformer` is transformers' SamTwoWayTransformer."""
        b, c, h, w = embedding.shape
        tokens = torch.cat([self.output_tokens.weight, self.prompt_tokens.weight]).expand(b, 1, -1, -1)
        tokens, image = transformer(tokens, embedding, positions.expand(b, -1, -1, -1), attention_similarity=None)
        x = image.squeeze(1).transpose(1, 2).reshape(b, c, h, w)
        detail = self.fuse2(self.fuse4(self.fuse8(x, features[2]), features[1]), features[0])
        weights = torch.stack([self.hypernetworks[i % 3](tokens[:, 0, i]) for i in range(3 * self.classes)], 1)
        parts = self.subpixel**2
        maps = weights.reshape(b, 3 * self.classes * parts, -1) @ detail.flatten(2)
        maps = maps.reshape(b, -1, *detail.shape[2:])
        if self.subpixel == 2:
            maps = F.pixel_shuffle(maps, 2)
        maps = maps / math.sqrt(detail.shape[1]) + self.bias[:, None, None]
        if self.subpixel == 1:
            maps = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
        return maps.unflatten(1, (self.classes, 3)), self.aux(x)


@torch.no_grad()
def randomise(module, seed, exact_half=False):
    """Every parameter and buffer, also those that start as zeros or ones; as half-precision numbers where asked for."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in list(module.named_parameters()) + list(module.named_buffers()):
        if not value.dtype.is_floating_point:
            continue
        noise = torch.randn(value.shape, generator=generator)
        if "running_var" in name:
            noise = 0.5 + noise.abs()
        elif name.endswith(("positional_embedding", "_matrix", "token.weight", "tokens.weight")):
            noise = 0.5 * noise
        elif "_embed" in name and value.shape[0] == 1:
            noise = 0.5 * noise
        elif value.ndim == 1:
            noise = (1 if name.endswith("weight") else 0) + 0.2 * noise
        elif "rel_pos" in name or "attention_biases" in name:
            noise = 0.3 * noise
        else:
            transposed = "upscale_conv" in name or "output_upscaling" in name
            noise = noise / math.sqrt(value.shape[0] if transposed else value[0].numel())
        value.copy_(noise.half().float() if exact_half else noise)
    module.eval()  # MobileSAM looks its attention biases up here
    return module


def meta_to_transformers(state):
    """Meta's and MobileSAM's names in transformers' words; the encoder keeps its own."""
    matrix = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
    pairs = [("image_encoder.", "vision_encoder."), (matrix, "shared_image_embedding.positional_embedding"),
             ("point_embeddings", "point_embed"), ("mask_downscaling.0", "mask_embed.conv1"),
             ("mask_downscaling.1", "mask_embed.layer_norm1"), ("mask_downscaling.3", "mask_embed.conv2"),
             ("mask_downscaling.4", "mask_embed.layer_norm2"), ("mask_downscaling.6", "mask_embed.conv3"),
             ("output_upscaling.0", "upscale_conv1"), ("output_upscaling.1", "upscale_layer_norm"),
             ("output_upscaling.3", "upscale_conv2"), ("norm_final_attn", "layer_norm_final_attn")]
    result = {}
    for name, value in state.items():
        for old, new in pairs:
            name = name.replace(old, new)
        if name.startswith("mask_decoder.transformer.layers."):
            name = name.replace(".norm", ".layer_norm")
        if "hypernetworks" in name or "iou_prediction_head" in name:
            last = max(int(k.split(".layers.")[1].split(".")[0]) for k in state
                       if k.startswith(name.split(".layers.")[0] + ".layers."))
            index = int(name.split(".layers.")[1].split(".")[0])
            place = "proj_in" if index == 0 else "proj_out" if index == last else f"layers.{index - 1}"
            name = name.replace(f".layers.{index}.", f".{place}.")
        if not name.startswith(("vision_encoder.norm_head", "vision_encoder.head")):
            result[name] = value
    return result


def prompt_cases(size, batch, seed, patch=16, ignored=-10):
    """Points, boxes, both, points with a mask each, a mask alone: what SAM takes. `size` is the image's side."""
    g = torch.Generator().manual_seed(seed)

    def points(p, n):
        return (torch.rand(batch, p, n, 2, generator=g) * size).round()

    def boxes(p):
        a, b = points(p, 1)[:, :, 0], points(p, 1)[:, :, 0]
        return torch.cat([torch.minimum(a, b), torch.maximum(a, b)], -1)

    def masks(p):
        return torch.randn(batch, p, 4 * size // patch, 4 * size // patch, generator=g).half().float()

    def two(first, second):
        return torch.tensor([first, second]).expand(batch, 1, 2).contiguous()

    labels = torch.tensor([1, 0, -1, 1])
    return [dict(points=points(2, 4), labels=labels.expand(batch, 2, 4).contiguous()),
            dict(points=points(1, 1), labels=torch.ones(batch, 1, 1, dtype=torch.long)),
            dict(boxes=boxes(1)),
            dict(points=points(1, 2), labels=two(1, ignored), boxes=boxes(1)),
            dict(points=points(2, 2), labels=labels[:2].expand(batch, 2, 2).contiguous(), masks=masks(2)),
            dict(masks=masks(1))]
