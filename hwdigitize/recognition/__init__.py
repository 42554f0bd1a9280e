"""From crops to readings: words, characters, writers."""
