"""Training, evaluation and export of the networks; needs the extra ``train``."""
