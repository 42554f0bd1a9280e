"""A words network without recurrence: residual convolutions, separable ones over time, CTC.

The LSTMs of the CRNN give way to separable convolutions along the line (Kriman et al.,
"QuartzNet: deep automatic speech recognition with 1D time-channel separable convolutions",
2020), which need a fifth of their weights and run in parallel. The convolutions below them and
the auxiliary head are the CRNN's.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from hwdigitize.training.networks.blocks import MOMENTUM, convolve, residual_block


@dataclass(frozen=True)
class ResnetCtcConfig:
    """What :func:`build_resnet_ctc` needs to know; stored in the model card."""

    kind: str = "resnet-ctc"
    height_px: int = 32
    #: of all crops, those of other widths padded or squeezed; 0 reads any width
    width_px: int = 0
    stem_filters: tuple[int, int] = (16, 32)
    block_filters: tuple[int, int] = (64, 128)
    blocks_per_stage: int = 2
    #: separable convolutions along the line, and how many time steps each sees
    context_layers: int = 6
    context_steps: int = 9
    dropout: float = 0.2

    #: columns of the input for one time step of the output
    stride_px: int = 4

    def build(self, classes: int) -> keras.Model:
        """See :func:`build_resnet_ctc`."""
        return build_resnet_ctc(classes, self)


def build_resnet_ctc(classes: int, config: ResnetCtcConfig) -> keras.Model:
    """Build an untrained words network without recurrence.

    Args and returns: as :func:`hwdigitize.training.networks.crnn.build_crnn`.
    """
    shape = (config.height_px, config.width_px or None, 1)
    image = layers.Input(shape, name="image")
    x = layers.Activation("relu")(convolve(image, config.stem_filters[0], strides=2))
    x = layers.Activation("relu")(convolve(x, config.stem_filters[1]))
    x = layers.MaxPooling2D(2)(x)
    for filters, pool in zip(
        config.block_filters, ((2, 1), (config.height_px // 8, 1)), strict=True
    ):
        for _ in range(config.blocks_per_stage):
            x = residual_block(x, filters)
        x = layers.MaxPooling2D(pool)(x)
    features = layers.Reshape((-1, config.block_filters[1]))(x)
    shortcut = layers.Dense(classes + 1, name="shortcut")(features)
    y = features
    for _ in range(config.context_layers):
        y = _look_around(y, config)
    words = layers.Dense(classes + 1, name="words")(layers.Dropout(config.dropout)(y))
    return keras.Model(image, [words, shortcut], name="resnet_ctc")


def _look_around(x: keras.KerasTensor, config: ResnetCtcConfig) -> keras.KerasTensor:
    """A separable convolution along the line beside a shortcut."""
    y = layers.SeparableConv1D(
        config.block_filters[1], config.context_steps, padding="same", use_bias=False
    )(layers.Dropout(config.dropout)(x))
    y = layers.BatchNormalization(momentum=MOMENTUM)(y)
    return layers.Activation("relu")(layers.Add()([x, y]))
