"""The characters network: a small residual network for isolated glyphs.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2016), cut down to
glyphs of 32 by 32 pixels; ``blocks`` of zero per stage leave a plain convolutional network.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from hwdigitize.training.networks.blocks import convolve, residual_block


@dataclass(frozen=True)
class CharactersNetConfig:
    """What :func:`build_characters` needs to know; stored in the model card."""

    kind: str = "resnet"
    side_px: int = 32
    stem_filters: int = 24
    stage_filters: tuple[int, ...] = (24, 48, 96)
    #: residual blocks of each stage, after the convolution that halves the image
    blocks: tuple[int, ...] = (1, 1, 1)
    dropout: float = 0.3

    def build(self, classes: int) -> keras.Model:
        """See :func:`build_characters`."""
        return build_characters(classes, self)


def build_characters(classes: int, config: CharactersNetConfig) -> keras.Model:
    """Build an untrained characters network.

    Args:
        classes: every answer the network may give, reject and empty included.
        config: the sizes.

    Returns:
        A model from glyphs (batch, side_px, side_px, 1), float32, paper 0 and ink 1, to logits
        (batch, classes).
    """
    glyph = layers.Input((config.side_px, config.side_px, 1), name="glyph")
    x = layers.Activation("relu")(convolve(glyph, config.stem_filters))
    for filters, blocks in zip(config.stage_filters, config.blocks, strict=True):
        x = layers.Activation("relu")(convolve(x, filters, strides=2))
        for _ in range(blocks):
            x = residual_block(x, filters)
    x = layers.Dropout(config.dropout)(layers.Flatten()(layers.AveragePooling2D(2)(x)))
    return keras.Model(glyph, layers.Dense(classes, name="characters")(x), name="characters")
