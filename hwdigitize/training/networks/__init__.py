"""The networks, in plain Keras 3: one file each, built from one small configuration."""
