"""The configurations of a sweep, composed once where jobs differ in values only, are those of the jobs one by one."""

import pytest

from lazyregime.app.api import COMMANDS
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.resources import conf_dir

CHOICES = [f"{path.parent.name}={path.stem}" for path in sorted(conf_dir().glob("*/*.yaml"))]
VALUES = ["width=12", "seed=3", "name=x", "tags=[a,b]", "data_seed=${seed}"]


def composed(one):
    try:
        return one()
    except ConfigError as error:
        return str(error)


@pytest.mark.parametrize("command", COMMANDS)
def test_jobs_together_are_the_jobs_one_by_one(command):
    source = COMMANDS[command].source
    groups = set(source.compose_job([]))
    choices = [choice for choice in CHOICES if choice.split("=")[0] in groups]
    taken = 0
    for number, choice in enumerate(choices):
        job = [choice, VALUES[number % len(VALUES)]]
        one = composed(lambda job=job: source.compose_job(job))
        assert composed(lambda job=job: next(iter(source.compose_jobs([job])))) == one, job
        taken += isinstance(one, dict)
    assert taken > 0.5 * len(choices)


def test_values_of_one_job_do_not_reach_the_next():
    source = COMMANDS["train"].source
    jobs = [["width=3", "debug=fdr"], ["debug=fdr"], ["seed=1"], ["debug=fdr", "seed=1", "trainer.max_epochs=2"], []]
    assert list(source.compose_jobs(jobs)) == [source.compose_job(job) for job in jobs]
