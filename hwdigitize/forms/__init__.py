"""Forms: from the boxes of a page to values."""
