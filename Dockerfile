# The images of docker-compose.yml: `server` (no TensorFlow), `trainer-cpu` and `trainer-gpu`.
# Packages come first, from locks with hashes, the source last: after an edit a build takes seconds.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# All images have the same user: the server keeps its key readable for this one alone, and the agents need it.
# Its home is the only place that containers with a read-only root can write to. Volumes take their owner from /data.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp app && \
    install -d -o app -g app /data && install -d -o app -g app -m 0700 /data/server
# Official images hold the standard library without .pyc, and no container could keep one that it made.
RUN python3 -m compileall -qq "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || true
WORKDIR /srv

# Names what was built, whoever built it: packages, source and this file. The sweeps are recorded where they run.
FROM base AS build-id
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY . /build
WORKDIR /build
RUN find . -type f -not -path './sweeps/*' | LC_ALL=C sort | xargs -d '\n' sha256sum | \
    sha256sum | cut -d ' ' -f 1 > /srv/build-id
WORKDIR /srv

FROM build-id AS server-source
COPY charts charts
COPY terms terms
COPY search search
COPY server server
RUN chmod -R a+rX . && python3 -m compileall -q .

FROM build-id AS trainer-source
COPY charts charts
COPY terms terms
COPY search search
COPY app app
COPY sweeps sweeps
RUN chmod -R a+rX . && python3 -m compileall -q .

FROM base AS server
RUN --mount=type=cache,target=/var/cache/pip \
    --mount=type=bind,source=requirements/server.txt,target=/tmp/lock.txt \
    python3 -m venv /opt/venv && pip install --cache-dir /var/cache/pip --require-hashes -r /tmp/lock.txt
COPY --from=server-source /srv /srv
USER 10001:10001
EXPOSE 8080
# Often while it starts, which takes a second and is waited for; rarely afterwards: a check costs 0.1 s of a core.
HEALTHCHECK --start-interval=1s --start-period=30s --interval=10s --timeout=3s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
CMD ["python", "-m", "server", "--host", "0.0.0.0", "--data", "/data/server"]

FROM base AS trainer
RUN apt-get update && apt-get install -y --no-install-recommends dataset-fashion-mnist && \
    rm -rf /var/lib/apt/lists/*
# The prepared copy below: every container maps the same files, and none has to be able to write.
ENV FASHION_MNIST_DIR=/srv/fashion-mnist DATA_DIR=/data

FROM trainer AS trainer-cpu
# Nobody compiles against TensorFlow here: its C++ headers are a sixth of the image.
RUN --mount=type=cache,target=/var/cache/pip \
    --mount=type=bind,source=requirements/trainer-cpu.txt,target=/tmp/lock.txt \
    python3 -m venv /opt/venv && pip install --cache-dir /var/cache/pip --require-hashes -r /tmp/lock.txt && \
    rm -rf /opt/venv/lib/python3*/site-packages/tensorflow/include
RUN --mount=type=bind,source=app,target=/tmp/app --mount=type=bind,source=terms,target=/tmp/terms \
    PYTHONPATH=/tmp FASHION_MNIST_DIR='' DATA_DIR=/srv python -B -c 'from app import data; print(data.prepare())'
COPY --from=trainer-source /srv /srv
ENV TRAINER=cpu
USER 10001:10001
CMD ["python", "-m", "app", "--help"]

FROM trainer AS trainer-gpu
# CUDA and cuDNN come as wheels; the machine needs NVIDIA's driver and container toolkit.
RUN --mount=type=cache,target=/var/cache/pip \
    --mount=type=bind,source=requirements/trainer-gpu.txt,target=/tmp/lock.txt \
    python3 -m venv /opt/venv && pip install --cache-dir /var/cache/pip --require-hashes -r /tmp/lock.txt
RUN --mount=type=bind,source=app,target=/tmp/app --mount=type=bind,source=terms,target=/tmp/terms \
    PYTHONPATH=/tmp FASHION_MNIST_DIR='' DATA_DIR=/srv python -B -c 'from app import data; print(data.prepare())'
COPY --from=trainer-source /srv /srv
ENV TRAINER=gpu
USER 10001:10001
CMD ["python", "-m", "app", "--help"]
