"""A command says what it fetches, and to which folder: one that is misspelt is not made in silence."""

import logging

from lazyregime.app.compose.fetched import fetching_is_told
from lazyregime.fit import main as fit

MINE = """
import logging

import torch


def digits():
    logging.getLogger("lazyregime.data").info("digits is in /somewhere")
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    return (x[:30], x[:30, 0]), (x[30:], x[30:, 0])
"""


def test_a_command_says_what_the_data_tell(tmp_path, runs_dir, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        fit(["data=own", "data._target_=mine.digits", "machine=rf", "width=4"])
    except SystemExit as end:
        assert not end.code
    assert "digits is in /somewhere\n" in capsys.readouterr().out


def test_afterwards_the_logger_is_as_it_was():
    logger, told = logging.getLogger("lazyregime.data"), []
    before = (logger.level, list(logger.handlers))
    with fetching_is_told(told.append):
        logger.info("fetching MNIST")
    logger.info("in silence")
    assert told == ["fetching MNIST"]
    assert (logger.level, logger.handlers) == before
