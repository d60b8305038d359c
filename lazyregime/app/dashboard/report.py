"""The report on all runs, made when it is asked for: the result tables and figures of the dashboard."""

import html
import tempfile
import threading
from pathlib import Path

from lazyregime.errors import LazyRegimeError

PLAIN = '<!doctype html><meta charset="utf-8"><title>report</title><p style="font: 16px system-ui">{}</p>'


class ReportMaker:
    """One report at a time; it is drawn in a folder of its own, so that nothing is written among the runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._lock = folder, threading.Lock()

    def page(self) -> str:
        """The report as one page; a sentence where there are no runs yet."""
        from lazyregime.reports.build import build_report  # figures take a second to import

        with self._lock, tempfile.TemporaryDirectory() as place:
            try:
                build_report([self.folder], Path(place))
            except LazyRegimeError as error:
                return PLAIN.format(html.escape(str(error)))
            return (Path(place) / "report.html").read_text(encoding="utf-8")
