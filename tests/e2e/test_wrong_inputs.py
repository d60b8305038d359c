"""A hundred wrong inputs: each is one sentence that says what to do, nothing is written, and none is a traceback."""

import pytest

from lazyregime.fit import main as fit
from lazyregime.flow import main as flow
from lazyregime.report import main as report
from lazyregime.sweeps import main as sweeps
from lazyregime.train import main as train

DOORS = {"train": train, "fit": fit, "flow": flow, "report": report, "sweeps": sweeps}
SMALL = (
    "data=sphere", "data.n_train=40", "data.n_test=20", "loss=mse", "width=8", "arch.depth=1", "trainer.max_epochs=1",
    "ntk.anchors_per_class=5",
)  # fmt: skip
QUIET = ("tracking=csv", "progress=none")

# What is typed behind SMALL, and a part of the answer.
TRAIN = [
    # the probe
    ("ntk.at.epochs=[7]", "give epochs from 1 to trainer.max_epochs=1"),
    ("ntk.at.epochs=[-1]", "give epochs from 1"),
    ("ntk.at.epochs=[0]", "at initialization the probe looks anyway"),
    ("ntk.at.epochs=[1.5]", "give a whole number"),
    ("ntk.at.steps=[0]", "give steps from 1"),
    ("ntk.at.per_decade=0", "must be at least 1"),
    ("ntk.at.loss_fractions=[2.0]", "between 0 and 1"),
    ("ntk.at.loss_fractions=[-.5]", "between 0 and 1"),
    ("ntk.n_test=0", "at least 1"),
    ("ntk.n_test=-5", "at least 1"),
    ("ntk.anchors_per_class=0", "at least 1"),
    ("ntk.anchors_per_class=1", "one point has no direction"),
    ("ntk.ridge=-1", "at least 0, and finite"),
    ("ntk.ridge=nan", "at least 0, and finite"),
    ("ntk.protocol=foo", "the valid ones are adh, poster"),
    ("ntk.null=1", "0 (no null) or at least 2"),
    ("ntk.null=-2", "0 (no null) or at least 2"),
    ("ntk.memory_budget=-1", "at least 1"),
    ("ntk.block_rows=0", "at least 1"),
    # what contradicts
    ("regime=lazy regime.linearized=false", "contradicts this regime"),
    ("regime=feature regime.linearized=true", "contradicts this regime"),
    ("regime=regular alpha=3", "use regime=scaled"),
    ("regime=regular laziness=3", "use regime=scaled"),
    ("regime=scaled alpha=3 laziness=2", "give one of them"),
    ("hydra.run.dir=/x", "below runs_dir=FOLDER"),
    ("hydra.sweep.dir=/x", "below runs_dir=FOLDER"),
    ("++hydra.run.dir=/x", "below runs_dir=FOLDER"),
    ("hydra.job.chdir=true", "leave it out"),
    # alpha
    ("regime=scaled", "needs an alpha"),
    ("regime=scaled alpha=0", "positive and finite"),
    ("regime=scaled alpha=-1", "positive and finite"),
    ("regime=scaled alpha=nan", "positive and finite"),
    ("regime=scaled alpha=inf", "positive and finite"),
    ("regime=scaled laziness=0", "positive and finite"),
    ("regime=lazy trainer.precision=bf16", "use trainer.precision=float32"),
    # sizes
    ("width=0", "at least 1"),
    ("width=-3", "at least 1"),
    ("width=1.5", "give a whole number"),
    ("width=abc", "give a whole number"),
    ("width=", "give a whole number"),
    ("width=null", "must be a whole number"),
    ("width=200000 arch.depth=3", "this machine has"),
    ("arch.depth=0", "at least 1"),
    ("arch.depth=-1", "at least 1"),
    ("arch.activation=foo", "choose one of relu"),
    ("data.n_train=0", "a whole number from 1"),
    ("data.n_train=-1", "a whole number from 1"),
    ("data.n_test=0", "a whole number from 1"),
    # data and networks that do not fit
    ("arch=cnn", "needs data.in_channels"),
    ("arch=vit", "needs data.in_channels"),
    ("arch=transformer", "needs data.num_tokens"),
    ("arch=mlp data=modular_addition loss=cross_entropy", "needs data.in_features"),
    ("arch=cnn data=mnist_parity", "have shape (10,)"),
    ("arch.in_features=7", "leave arch.in_features out"),
    ("arch.n_outputs=7", "leave arch.n_outputs out"),
    ("data.n_outputs=3", "follows from data=sphere"),
    ("data=mnist loss=cross_entropy data.image_size=14", "follows from data=mnist"),
    ("data=mnist_parity data.in_features=7", "as many of the one as of the other"),
    # steps
    ("lr=0", "positive and finite"),
    ("lr=-1", "positive and finite"),
    ("lr=nan", "positive and finite"),
    ("lr=1e400", "positive and finite"),
    ("optimizer.foo=3", "the valid ones are beta1"),
    ("optimizer.weight_decay=-1", "null is none"),
    ("optimizer=sgd optimizer.momentum=2", "[0, 1)"),
    ("optimizer=sgd optimizer.momentum=-1", "[0, 1)"),
    ("optimizer.beta1=2", "[0, 1)"),
    # seeds
    ("seed=-1", "from 0 to 2^63 - 1"),
    ("seed=1.5", "give a whole number"),
    ("seed=null", "cannot be null"),
    ("seed=99999999999999999999999", "from 0 to 2^63 - 1"),
    ("batch_seed=-1", "from 0 to 2^63 - 1"),
    # the trainer
    ("trainer.max_epochs=0", "at least 1"),
    ("trainer.max_epochs=null", "cannot be null"),
    ("trainer.batch_size=0", "at least 1"),
    ("trainer.batch_size=1.5", "give a whole number"),
    ("trainer.schedule=foo", "the valid ones are constant"),
    ("trainer.schedule=plateau", "needs trainer.monitor"),
    ("trainer.monitor=foo", "the valid ones are"),
    ("trainer.monitor=validation_accuracy", "data.n_validation=5000"),
    ("trainer.patience=3", "needs trainer.monitor"),
    ("trainer.patience=0 trainer.monitor=train_loss", "at least 1"),
    ("trainer.diverged_above=1", "it must be more than 1"),
    ("trainer.diverged_above=-3", "it must be more than 1"),
    ("trainer.select=best", "needs trainer.monitor"),
    ("trainer.select=foo", "the valid ones are best, last"),
    ("trainer.precision=float16", "did you mean 'float64'?"),
    ("trainer.accelerator=foo", "the valid ones are auto, cpu"),
    ("trainer.devices=0", "at least 1"),
    ("trainer.devices=-1", "at least 1"),
    ("trainer.num_nodes=0", "at least 1"),
    ("trainer.num_nodes=2", "hydra/launcher=slurm"),
    ("trainer.strategy=foo", "the valid ones are auto, ddp"),
    ("trainer.strategy=ddp", "for several processes"),
    ("trainer.limit_batches=0", "at least 1"),
    ("trainer.limit_batches=0.5", "give a whole number"),
    ("num_threads=0", "at least 1"),
    ("num_threads=99999", "at most 1024"),
    # names
    ("data=foo", "the valid ones are cifar10"),
    ("arch=foo", "the valid ones are balanced"),
    ("optimizer=foo", "the valid ones are adam"),
    ("loss=foo", "the valid ones are cross_entropy"),
    ("loss=cross_entropy", "use loss=mse"),
    ("tracking=foo", "the valid ones are csv"),
    ("parameterization=foo", "the valid ones are mean_field"),
    ("experiment=foo", "the valid ones are adh19"),
    ("debug=foo", "the valid ones are fdr"),
    ("logger=wandb", "is tracking"),
    ("group=", "cannot be the name of a folder"),
    ("group=../x", "cannot be the name of a folder"),
    ("name=", "cannot be the name of a folder"),
    ("name=../../x", "cannot be the name of a folder"),
    ("tags=foo", "give tags=[foo]"),
    ("rerun=maybe", "not true or false"),
    ("progress=foo", "the valid ones are auto"),
    ("foo=3", "There is no key 'foo'"),
    ("+foo=3", "There is no key 'foo'"),
    ("++foo=3", "There is no key 'foo'"),
    ("hydra.foo=1", "There is no key"),
    ("memory_budget=-1", "did you mean ntk.memory_budget?"),
    # what cannot be read
    ("width", "look like key=value"),
    ("=8", "has no key"),
    ("+=8", "has no key"),
    ("width==8", "look like key=value"),
    ("width=[8", "look like key=value"),
    ("width=${foo}", "refers to 'foo'"),
    ("width=${oc.env:NO_SUCH_VARIABLE}", "environment variable NO_SUCH_VARIABLE"),
    ("width=8,16", "sweep over them with -m"),
    ("-m width=", "give a whole number"),
    ("-m width=range(0)", "a sweep over no values"),
    ("-m arch=glob(zz*)", "a sweep over no values"),
    ("~width", "cannot be without width"),
    ("~progress", "cannot be without progress"),
    ("-m ~width seed=0,1", "cannot be without width"),
    ("@x=1", "must be a string or a list"),
    ("runs_dir='~nosuchuser/x'", "no home of that name"),
    ("--cfg job data=nope", "the valid ones are"),
    ("--help width=x", "give a whole number"),
]
FIT = [
    ("machine=foo", "the valid ones are cntk"),
    ("machine=rf machine.foo=3", "the valid ones are activation, name, num_features"),
    ("machine=krr_ntk machine.ridge=-1", "There is no key 'ridge' in machine"),
    ("machine=rf width=0", "at least 1"),
    ("machine=krr_ntk lr=3", "There is no key 'lr'"),
    ("machine=krr_ntk seed=-1", "from 0 to 2^63 - 1"),
    ("machine=krr_ntk ridges=[]", "one or more finite numbers"),
    ("machine=krr_ntk ridges=[-1]", "one or more finite numbers"),
    ("machine=krr_ntk coding=foo", "choose one_hot or 0.9/-0.1"),
    ("machine=krr_ntk tolerance=2", "between 0 and 1"),
    ("machine=krr_ntk data.noise_std=-1", "a finite number >= 0"),
    ("machine=empirical_ntk machine.run=no/such/run", "is no run folder"),
]
OTHERS = [
    ("flow target=foo", "the valid ones are"),
    ("flow init=foo", "the valid ones are"),
    ("flow width=8", "There is no key 'width'"),
    ("flow widths=[0]", "give widths that increase"),
    ("flow widths=[]", "give"),
    ("flow in_features=0", "at least 1"),
    ("flow end_time=-1", "give 0 < first < end"),
    ("flow activation=foo", "choose one of"),
    ("flow integrator=euler integrator.step=0", "positive"),
    ("report no/such/folder", "no/such/folder"),
    ("report --ledger nowhere/ledger.md", "holds no measurements"),
    ("report . --compare", "--compare"),
    ("sweeps status no/such/folder", "no/such/folder"),
    ("sweeps verify no/such/folder", "no/such/folder"),
    ("sweeps resubmit no/such/folder", "no/such/folder"),
]
CASES = [
    *((f"train {typed}", answer) for typed, answer in TRAIN),
    *((f"fit data=sphere {typed}", answer) for typed, answer in FIT),
    *OTHERS,
]


@pytest.mark.parametrize(("line", "answer"), CASES, ids=[line for line, _ in CASES])
def test_a_wrong_input_is_a_sentence_and_writes_nothing(line, answer, runs_dir, tmp_path, monkeypatch, capsys):
    door, *typed = line.split(" ")
    monkeypatch.chdir(tmp_path)
    arguments = [*(SMALL if door == "train" else ()), *(QUIET if door in ("train", "fit", "flow") else ()), *typed]
    try:
        code = DOORS[door](arguments)
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr()
    assert code == 2, told
    assert answer in told.err and told.err.startswith(("Error: ", "usage: ")), told
    assert told.err.count("\n") == 1 or told.err.startswith("usage: "), told.err
    assert not runs_dir.exists() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("train optimizer=gradient_flow optimizer.max_steps=2", "trainer.max_epochs=1 has no effect"),
        ("train ntk=none ntk.n_test=5", "ntk.anchors_per_class=5 and ntk.n_test=5 have no effect"),
        ("train ntk.n_test=50", "more than the 20 test points"),
        ("train ntk.anchors_per_class=50", "more than the 40 training points"),
        ("fit data=sphere data.n_train=20 machine=krr_ntk width=3", "width=3 has no effect"),
    ],
)
def test_what_has_no_effect_is_told(line, note, runs_dir, capsys):
    door, *typed = line.split(" ")
    try:
        code = DOORS[door]([*(SMALL if door == "train" else ()), *QUIET, *typed])
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr()
    assert code in (0, None), told
    assert told.err.count(note) + told.out.count(note) == 1, told
