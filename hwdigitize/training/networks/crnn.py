"""The words network: convolutions, a bidirectional LSTM, CTC.

Shi, Bai and Yao, "An end-to-end trainable neural network for image-based sequence
recognition" (2017), with residual blocks (He et al., 2016) in place of the VGG stack, a
maximum over the height, and an auxiliary CTC head on the convolutional features that speeds
up training and is dropped when the network is exported (Retsinas et al., "Best practices for
a handwritten text recognition system", 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from hwdigitize.training.networks.blocks import convolve, residual_block


@dataclass(frozen=True)
class CrnnConfig:
    """What :func:`build_crnn` needs to know; stored in the model card."""

    kind: str = "crnn"
    height_px: int = 32
    #: of all crops, those of other widths padded or squeezed; 0 reads any width
    width_px: int = 0
    stem_filters: tuple[int, int] = (16, 32)
    block_filters: tuple[int, int] = (64, 128)
    blocks_per_stage: int = 2
    lstm_units: int = 128
    lstm_layers: int = 2
    dropout: float = 0.2

    #: columns of the input for one time step of the output
    stride_px: int = 4

    def build(self, classes: int) -> keras.Model:
        """See :func:`build_crnn`."""
        return build_crnn(classes, self)


def build_crnn(classes: int, config: CrnnConfig) -> keras.Model:
    """Build an untrained words network.

    Args:
        classes: characters of the alphabet, without the CTC blank.
        config: the sizes.

    Returns:
        A model from crops (batch, height_px, width, 1), float32, paper 0 and ink 1, to two
        tensors of logits (batch, width / stride_px, classes + 1), blank first: ``words``, the
        reading, and ``shortcut``, the auxiliary head.
    """
    image = layers.Input((config.height_px, config.width_px or None, 1), name="image")
    x = layers.Activation("relu")(convolve(image, config.stem_filters[0], strides=2))
    x = layers.Activation("relu")(convolve(x, config.stem_filters[1]))
    x = layers.MaxPooling2D(2)(x)
    for _ in range(config.blocks_per_stage):
        x = residual_block(x, config.block_filters[0])
    x = layers.MaxPooling2D((2, 1))(x)
    for _ in range(config.blocks_per_stage):
        x = residual_block(x, config.block_filters[1])
    rows = config.height_px // 8
    x = layers.MaxPooling2D((rows, 1))(x)
    features = layers.Reshape((-1, config.block_filters[1]))(x)
    shortcut = layers.Dense(classes + 1, name="shortcut")(features)
    y = layers.Dropout(config.dropout)(features)
    for _ in range(config.lstm_layers):
        lstm = layers.LSTM(config.lstm_units, return_sequences=True)
        y = layers.Dropout(config.dropout)(layers.Bidirectional(lstm)(y))
    words = layers.Dense(classes + 1, name="words")(y)
    return keras.Model(image, [words, shortcut], name="crnn")
