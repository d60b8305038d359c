"""The figure of one run, a file for each kind of run."""
