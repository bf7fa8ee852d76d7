# The service as an image that starts offline, as a non-root user, on a read-only root:
#
#   docker build --tag xcopa .
#   docker run --read-only --tmpfs /tmp --publish 127.0.0.1:8000:8000 xcopa
#
# and the same with CUDA, several gigabytes larger:
#
#   docker build --build-arg DEVICE=cuda --tag xcopa:cuda .
#   docker run --gpus all --read-only --tmpfs /tmp --publish 127.0.0.1:8000:8000 xcopa:cuda
#
# Build arguments:
#   DEVICE           cpu or cuda: which build of torch, and where the models compute
#   PYTHON_IMAGE     a tag can be pushed again; to fix its content, ask for its digest with
#                    `docker buildx imagetools inspect python:3.12.13-slim-bookworm` and give
#                    `python:3.12.13-slim-bookworm@sha256:...`
#   TORCH_INDEX_URL  where torch comes from; empty for the default index. If it is not given: for
#                    cpu torch's own index of CPU builds, for cuda the default index, whose wheel
#                    has CUDA. An image is the same wherever it is built, so nothing else stands in
#                    for an index that cannot be reached: the build stops and names this argument
# All versions are those of constraints.txt, which `make lock` writes from uv.lock.
# A private package index is given to pip as a build secret, so that no credentials stay behind:
#   docker build --secret id=pip.conf,src=pip.conf .
# and so are certificates that it must be checked with: `cert = /etc/pip.cert` in pip.conf, and
#   docker build --secret id=pip.conf,src=pip.conf --secret id=pip.cert,src=ca.pem .
# podman and buildah need `--format docker`: the OCI's own format has no health check.
ARG PYTHON_IMAGE=python:3.12.13-slim-bookworm
ARG DEVICE=cpu


# The requirements alone, so that the next stage is built again when they change and not when
# some other line of pyproject.toml does.
FROM ${PYTHON_IMAGE} AS requirements
WORKDIR /build
COPY pyproject.toml ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
        > requirements.txt \
    && grep '^torch[^a-z]' requirements.txt > torch.txt


FROM ${PYTHON_IMAGE} AS dependencies
ARG DEVICE
ARG TORCH_INDEX_URL
ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY constraints.txt ./
COPY --from=requirements /build/torch.txt /build/requirements.txt ./
# torch alone comes from its own index (--no-deps); all else, its dependencies too, comes from
# the default one, so that no project can be answered for by two indexes.
# What is removed (0.25 GB) is for those who compile against torch or test it and its libraries.
# torch itself starts torch_shm_manager.
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=pip.cert,target=/etc/pip.cert \
    case "$DEVICE" in \
        cpu) index="${TORCH_INDEX_URL-https://download.pytorch.org/whl/cpu}" ;; \
        cuda) index="${TORCH_INDEX_URL-}" ;; \
        *) echo "--build-arg DEVICE=$DEVICE is neither cpu nor cuda" >&2; exit 1 ;; \
    esac \
    && python -m venv /opt/venv \
    && { pip install --no-deps ${index:+--index-url "$index"} \
            --constraint constraints.txt --requirement torch.txt \
        || { echo "torch could not be installed; --build-arg TORCH_INDEX_URL= names its index" >&2; exit 1; }; } \
    && pip install --constraint constraints.txt --requirement requirements.txt \
    && cd /opt/venv/lib/python3*/site-packages \
    && rm -rf torch/include torch/test \
    && find torch/bin -mindepth 1 ! -name torch_shm_manager -delete \
    && find networkx numpy sympy -type d -name tests -prune -exec rm -r {} +


# Only the files that make the base, so that it is fetched again when they change and not at
# every change of the source.
FROM dependencies AS base
COPY app/__init__.py app/errors.py app/process.py app/
COPY app/weights/__init__.py app/weights/embedded.py app/weights/e5_container.py app/weights/files.py app/weights/
# safetensors writes files that only their owner can read; the service runs as somebody else.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=pip.cert,target=/etc/pip.cert \
    python -c 'from pathlib import Path; from app.weights.embedded import ensure_base; ensure_base(Path("/opt/xcopa/cache"))' \
    && chmod -R a+rX /opt/xcopa/cache


# In a folder of its own and not in the environment: a change of the source then replaces a
# layer of megabytes, not the one that holds torch.
FROM dependencies AS application
COPY LICENSE NOTICE README.md pyproject.toml ./
COPY app app/
COPY models models/
COPY planning planning/
COPY xcopa xcopa/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=pip.cert,target=/etc/pip.cert \
    pip install --no-deps --target /opt/xcopa/site .


FROM ${PYTHON_IMAGE} AS runtime
# Python's images come without the standard library's bytecode, and at run time it could not be
# kept: every start would compile it again.
RUN groupadd --gid 10001 xcopa \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin xcopa \
    && python -m compileall -q "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"

COPY --from=dependencies /opt/venv /opt/venv
COPY --from=base /opt/xcopa/cache /opt/xcopa/cache
COPY --from=application /opt/xcopa/site /opt/xcopa/site

# `cuda` does not start without a GPU; XCOPA_DEVICE=auto then computes on the processor.
ARG DEVICE
# A model named by its hub id is fetched to HF_HOME; mount a volume there to keep it.
ENV PATH=/opt/xcopa/site/bin:/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/xcopa/site \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/tmp/huggingface \
    HF_HUB_DISABLE_TELEMETRY=1 \
    XCOPA_CACHE_DIR=/opt/xcopa/cache \
    XCOPA_DEVICE=${DEVICE} \
    XCOPA_HOST=0.0.0.0
WORKDIR /opt/xcopa
# By number: Kubernetes' runAsNonRoot cannot tell who a name is.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM

# http.client, because urllib would ask the proxy that the environment may name. The process is
# alive long before its models are loaded; whether it is ready is /readyz's to say. In Kubernetes
# a Service that is named xcopa puts XCOPA_PORT=tcp://... into the environment: no port.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "app.health", "/livez"]

CMD ["xcopa", "serve"]

# Last, since the revision differs at every build.
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="xcopa-service" \
      org.opencontainers.image.description="Multilingual causal reasoning with XLM-R: two models side by side behind one HTTP service" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
