"""Softmax classification of writers on a choice of backbones, ImageNet's among them.

VGG16 (Simonyan and Zisserman, 2015), ResNet50 (He et al., 2016) and MobileNet (Howard et al.,
2017) come from ``keras.applications``; ``own`` is the convolutions of the metric network.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from hwdigitize.errors import ModelError, UsageError
from hwdigitize.training.networks.writers import WritersNetConfig, pooled_features

IMAGENET = "https://storage.googleapis.com/tensorflow/keras-applications/"
FILES = {
    "vgg16": "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "resnet50": "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "mobilenet": "mobilenet/mobilenet_1_0_224_tf_no_top.h5",
}
#: mean colour of ImageNet, blue first, which VGG16 and ResNet50 expect to be taken off
MEAN_BLUE_GREEN_RED = (103.939, 116.779, 123.68)
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class SoftmaxNetConfig:
    """What :func:`build_softmax` needs to know; stored in the model card.

    ``weights`` is nothing for random ones, ``imagenet``, or a file as Keras publishes them
    (without the classification layers).
    """

    kind: str = "softmax"
    backbone: str = "own"
    weights: str = ""
    height_px: int = 64
    width_px: int = 256
    dimensions: int = 128
    dropout: float = 0.2

    def build(self) -> keras.Model:
        """See :func:`build_softmax`."""
        return build_softmax(self)

    def add_head(self, network: keras.Model, writers: int) -> keras.Model:
        """The network with a logit a training writer."""
        features = network.get_layer("features").output
        logits = layers.Dense(writers, name="writers")(features)
        return keras.Model(network.input, logits, name="writers_training")


def build_softmax(config: SoftmaxNetConfig) -> keras.Model:
    """Build the embedding part of a softmax network; random but for the backbone's weights.

    Returns:
        A model from strips (batch, height_px, width_px, 1), float32, paper 0 and ink 1, to unit
        vectors (batch, dimensions): the direction of what the softmax sees.

    Raises:
        UsageError: no such backbone, or weights for one that has none.
        ModelError: the weights cannot be had.
    """
    strip = layers.Input((config.height_px, config.width_px, 1), name="strip")
    if config.backbone == "own":
        if config.weights:
            raise UsageError("[network] weights are for vgg16, resnet50 and mobilenet only")
        own = WritersNetConfig(height_px=config.height_px, width_px=config.width_px)
        x = pooled_features(strip, own)
    else:
        x = layers.GlobalAveragePooling2D()(_pretrained(strip, config))
    # Not rectified: features that are all nothing would have no direction.
    x = layers.Dense(config.dimensions, name="features")(layers.Dropout(config.dropout)(x))
    return keras.Model(strip, layers.UnitNormalization(name="embedding")(x), name="writers")


def _pretrained(strip: keras.KerasTensor, config: SoftmaxNetConfig) -> keras.KerasTensor:
    """The last features of one of Keras' own networks."""
    builders = {
        "vgg16": keras.applications.VGG16,
        "resnet50": keras.applications.ResNet50,
        "mobilenet": keras.applications.MobileNet,
    }
    if config.backbone not in builders:
        known = ", ".join(["own", *builders])
        raise UsageError(f"unknown [network] backbone {config.backbone!r}; known are {known}")
    body = builders[config.backbone](
        include_top=False, weights=None, input_shape=(config.height_px, config.width_px, 3)
    )
    if config.weights:
        _load(body, config)
    return body(_coloured(strip, config.backbone))


def _load(body: keras.Model, config: SoftmaxNetConfig) -> None:
    path = Path(config.weights)
    if config.weights == "imagenet":
        path = fetch_imagenet(config.backbone)
    try:
        body.load_weights(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} holds no weights for {config.backbone}: {error}") from error


def fetch_imagenet(backbone: str, source: str = IMAGENET) -> Path:
    """ImageNet weights from Keras' cache or from the net.

    Raises:
        ModelError: they are not there and cannot be had.
    """
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    path = home / "models" / Path(FILES[backbone]).name
    if path.is_file():
        return path
    url = source + FILES[backbone]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer,
            tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part,
        ):
            shutil.copyfileobj(answer, part)
        Path(part.name).replace(path)
    except OSError as error:
        raise ModelError(
            f"cannot get ImageNet weights of {backbone} ({error}); fetch {url} on another "
            f"machine and name the file: [network] weights = 'FILE', or leave weights empty"
        ) from error
    return path


def _coloured(strip: keras.KerasTensor, backbone: str) -> keras.KerasTensor:
    """Three channels, dark ink on white paper, scaled as the backbone was trained."""
    x = layers.Concatenate()([strip, strip, strip])
    if backbone == "mobilenet":
        return layers.Rescaling(-2.0, offset=1.0)(x)
    return layers.Rescaling(-255.0, offset=[255.0 - mean for mean in MEAN_BLUE_GREEN_RED])(x)
