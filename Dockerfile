# lazyregime in a container, on a CPU or a GPU:
#
#     docker build -t lazyregime .                                  # torch as pip has it, for CUDA
#     docker build -t lazyregime:cpu --build-arg TORCH=requirements.lock .
#     docker run --rm -v "$PWD:/work" lazyregime train debug=fdr
#     docker run --rm --gpus all -v "$PWD:/work" lazyregime train trainer=gpu
#
# With the lock file every version is the one that CI ran with (torch's CPU build where pip offers one); without it, the
# newest that pyproject.toml allows. The driver of the GPU is the host's; torch's wheels bring CUDA's libraries.
FROM python:3.11-slim

ARG TORCH=""
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 WANDB_MODE=offline
WORKDIR /src
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY lazyregime lazyregime
COPY hydra_plugins hydra_plugins
COPY conf conf
RUN if [ -n "$TORCH" ]; then pip install -r "$TORCH"; fi && pip install '.[slurm,tensorboard]'
WORKDIR /work
ENTRYPOINT ["lazyregime"]
