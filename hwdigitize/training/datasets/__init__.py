"""Readers of data sets, one module a format; :func:`open_dataset` tells which it is."""

from hwdigitize.training.datasets.dataset import Dataset, join_datasets, open_dataset
from hwdigitize.training.datasets.pictures import DamagedSampleError
from hwdigitize.training.datasets.sample import Broken, Sample

__all__ = [
    "Broken",
    "DamagedSampleError",
    "Dataset",
    "Sample",
    "join_datasets",
    "open_dataset",
]
