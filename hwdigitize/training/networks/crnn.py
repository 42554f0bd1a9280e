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


@dataclass(frozen=True)
class CrnnConfig:
    """What :func:`build_crnn` needs to know; stored in the model card."""

    height_px: int = 32
    stem_filters: tuple[int, int] = (16, 32)
    block_filters: tuple[int, int] = (64, 128)
    blocks_per_stage: int = 2
    lstm_units: int = 128
    lstm_layers: int = 2
    dropout: float = 0.2

    #: columns of the input for one time step of the output
    stride_px: int = 4


def _convolve(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.95)(x)


def _residual_block(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    shortcut = x
    if x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, use_bias=False)(x)
        shortcut = layers.BatchNormalization(momentum=0.95)(shortcut)
    y = layers.Activation("relu")(_convolve(x, filters))
    return layers.Activation("relu")(layers.Add()([_convolve(y, filters), shortcut]))


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
    image = layers.Input((config.height_px, None, 1), name="image")
    x = layers.Activation("relu")(_convolve(image, config.stem_filters[0], strides=2))
    x = layers.Activation("relu")(_convolve(x, config.stem_filters[1]))
    x = layers.MaxPooling2D(2)(x)
    for _ in range(config.blocks_per_stage):
        x = _residual_block(x, config.block_filters[0])
    x = layers.MaxPooling2D((2, 1))(x)
    for _ in range(config.blocks_per_stage):
        x = _residual_block(x, config.block_filters[1])
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
