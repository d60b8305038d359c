"""Run folders read into tables, figures and a page."""

from lazyregime.reports.load import load_runs

__all__ = ["load_runs"]
