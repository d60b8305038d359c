"""The report as a LaTeX document: each table in booktabs, each figure as its PDF, to be taken over into a paper."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lazyregime.reports.pages.document import Document, Picture
from lazyregime.reports.pages.table import Line, Span, Table
from lazyregime.reports.reading.cleaning import clean_text

PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{amsmath, amssymb, booktabs, graphicx, longtable}
\usepackage[a4paper, landscape, margin=2cm]{geometry}
\begin{document}
"""
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    "-": "-", "–": "--", "—": "---", "…": r"\dots{}", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "√": r"$\surd$",
    "∞": r"$\infty$", "→": r"$\to$", "‖": r"$\Vert$", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$",
    "⟨": r"$\langle$", "⟩": r"$\rangle$", "∇": r"$\nabla$", "−": "$-$",
    "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\epsilon$", "η": r"$\eta$",
    "κ": r"$\kappa$", "λ": r"$\lambda$", "μ": r"$\mu$", "σ": r"$\sigma$", "τ": r"$\tau$", "θ": r"$\theta$",
    "Θ": r"$\Theta$", "Λ": r"$\Lambda$", "Σ": r"$\Sigma$",
    **{raised: f"$^{{{plain}}}$" for raised, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)},
    **{lowered: f"$_{{{plain}}}$" for lowered, plain in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)},
}  # fmt: skip
SAFE_PATH = re.compile(r"[A-Za-z0-9./+-][A-Za-z0-9._/+-]*")
LONGEST = 120  # rows of a table in a paper; all of them are in the CSV


def latex_page(document: Document, folder: Path) -> str:
    """The whole document, which stands in `folder`; folded tables are left to the CSV files."""
    parts = [
        PREAMBLE,
        f"\\section*{{{escape(document.title)}}}\n{escape(document.lead)}\n",
        *(latex(table) for table in document.tables if not table.folded),
        *(_figure(picture, folder) for picture in document.pictures),
        "\\end{document}\n",
    ]
    return "\n".join(parts)


def latex(table: Table) -> str:
    """One table, over several pages if it has to be."""
    sides = "".join("r" if side == "right" else "l" for _, side in table.columns)
    heading = " & ".join(escape(text) for text, _ in table.columns)
    rows = [row for line in table.lines[:LONGEST] for row in _rows(line, len(table.columns))]
    more = len(table.lines) - LONGEST
    if more > 0:
        rows += _rows(Span(f"{more} more lines are in the CSV file", heading=False), len(table.columns))
    below = " ".join(filter(None, [table.lead, *table.notes]))
    return "\n".join(
        [
            f"\\subsection*{{{escape(table.title)}}}",
            f"\\begin{{longtable}}{{@{{}}{sides}@{{}}}}",
            f"\\toprule\n{heading} \\\\\n\\midrule\n\\endhead",
            *rows,
            "\\bottomrule",
            f"\\end{{longtable}}\n\\noindent{{\\small {escape(below)}}}\n",
        ]
    )


def escape(text: str) -> str:
    """Text that LaTeX prints as it is; a character that its fonts lack becomes a question mark."""
    return "".join(SPECIAL.get(c, c if c.isascii() or c in "éèüöäßøåçñ" else "?") for c in clean_text(text))


def _rows(line: Line, count: int) -> Iterator[str]:
    if not isinstance(line, Span):
        yield " & ".join(escape(cell.text) for cell in line) + r" \\"
    elif line.heading:
        yield f"\\addlinespace\n\\multicolumn{{{count}}}{{@{{}}l}}{{\\textbf{{{escape(line.text)}}}}} \\\\"
    else:
        width = "0.9\\linewidth"
        yield f"\\multicolumn{{{count}}}{{@{{\\quad}}p{{{width}}}}}{{\\small {escape(line.text)}}} \\\\"


def _figure(picture: Picture, folder: Path) -> str:
    """As PDF where there is one beside the PNG."""
    pdf = picture.path.with_suffix(".pdf")
    where = Path(os.path.relpath(pdf if pdf.is_file() else picture.path, folder)).as_posix()
    if not SAFE_PATH.fullmatch(where):  # the name of a folder is no place for commands
        return ""
    return (
        f"\\begin{{figure}}[p]\n\\centering\n\\includegraphics[width=0.9\\linewidth]{{{where}}}\n"
        f"{{\\small {escape(picture.caption)}}}\n\\end{{figure}}\n"
    )
