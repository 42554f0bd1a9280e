"""Drawn data: words and lines from fonts, pen strokes and glyphs, on papers, as scanned."""
