"""Layers that the networks share.

The residual block is that of He, Zhang, Ren and Sun, "Deep residual learning for image
recognition" (2016).
"""

from __future__ import annotations

import keras
from keras import layers

#: a short memory, since runs here are of thousands of batches, not of millions
MOMENTUM = 0.95


def convolve(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    """A convolution of 3 by 3 and a batch normalisation."""
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=MOMENTUM)(x)


def residual_block(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Two convolutions beside a shortcut, projected where the filters change."""
    shortcut = x
    if x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, use_bias=False)(x)
        shortcut = layers.BatchNormalization(momentum=MOMENTUM)(shortcut)
    y = layers.Activation("relu")(convolve(x, filters))
    return layers.Activation("relu")(layers.Add()([convolve(y, filters), shortcut]))
