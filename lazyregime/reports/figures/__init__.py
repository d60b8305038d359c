"""The report's figures, one file each: runs in, a figure out, or None where there is nothing to draw."""
