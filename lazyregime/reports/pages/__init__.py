"""Tables and figures as text: for a terminal, Markdown, HTML, LaTeX and CSV."""
