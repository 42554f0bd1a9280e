"""From a scan to an upright page, its lines, words and drawn boxes."""
