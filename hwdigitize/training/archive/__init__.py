"""A synthetic archive: invented forms, filled by real and drawn hands, scanned badly."""
