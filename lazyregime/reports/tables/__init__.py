"""Runs as rows: means over seeds, and what is said of the settings that rows share."""
