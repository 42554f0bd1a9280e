"""The writers network: a strip of handwriting to a unit vector that tells hands apart.

Convolutions with residual blocks, pooled over the strip, trained to tell the training writers
apart by angle with a margin (Wang et al., "CosFace: large margin cosine loss for deep face
recognition", 2018). Only the embedding is exported; a page is the mean of its strips.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from hwdigitize.training.networks.blocks import MOMENTUM, convolve, residual_block


@dataclass(frozen=True)
class WritersNetConfig:
    """What :func:`build_writers` needs to know; stored in the model card."""

    kind: str = "embedding"
    height_px: int = 64
    width_px: int = 256
    stem_filters: int = 16
    stage_filters: tuple[int, ...] = (24, 48, 96)
    dimensions: int = 128
    dropout: float = 0.2

    def build(self) -> keras.Model:
        """See :func:`build_writers`."""
        return build_writers(self)

    def add_head(self, network: keras.Model, writers: int) -> keras.Model:
        """See :func:`add_writers_head`."""
        return add_writers_head(network, writers)


def build_writers(config: WritersNetConfig) -> keras.Model:
    """Build an untrained embedding network.

    Returns:
        A model from strips (batch, height_px, width_px, 1), float32, paper 0 and ink 1, to unit
        vectors (batch, dimensions).
    """
    strip = layers.Input((config.height_px, config.width_px, 1), name="strip")
    x = layers.Dropout(config.dropout)(pooled_features(strip, config))
    x = layers.BatchNormalization(momentum=MOMENTUM)(layers.Dense(config.dimensions)(x))
    return keras.Model(strip, layers.UnitNormalization(name="embedding")(x), name="writers")


def pooled_features(strip: keras.KerasTensor, config: WritersNetConfig) -> keras.KerasTensor:
    """Mean and maximum of the last convolutions over the strip."""
    x = layers.Conv2D(config.stem_filters, 5, strides=2, padding="same", use_bias=False)(strip)
    x = layers.Activation("relu")(layers.BatchNormalization(momentum=MOMENTUM)(x))
    for filters in config.stage_filters:
        x = residual_block(layers.Activation("relu")(convolve(x, filters, strides=2)), filters)
    mean, most = layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)
    return layers.Concatenate()([mean, most])


def add_writers_head(network: keras.Model, writers: int) -> keras.Model:
    """The network with its cosines to one learnt direction a training writer.

    Returns:
        A model from strips to cosines (batch, writers).
    """
    directions = layers.Dense(
        writers,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=1.0),
        kernel_constraint=keras.constraints.UnitNorm(axis=0),
        name="cosines",
    )
    return keras.Model(network.input, directions(network.output), name="writers_training")
