# The first stage installs; the second has the result, and nothing left to install.
# docs/install/image.md tells how to build it for several architectures.

# For a build that can be repeated, name a digest: --build-arg PYTHON=python:3.13-slim@sha256:...
ARG PYTHON=docker.io/library/python:3.13-slim

FROM ${PYTHON} AS build
COPY requirements/run.txt /build/
# Without pip in it. Wheels only, each held by its hash.
RUN python -m venv --without-pip /app
RUN python -m pip --python /app/bin/python install --quiet --no-cache-dir --no-compile \
    --root-user-action ignore --require-hashes --only-binary :all: --requirement /build/run.txt
# More than half of it is never imported, and what is not there needs no watching. Of Kubernetes' client
# only transport and kubeconfigs are used: not its models and calls (58 MB), not the twin of all of them
# for asyncio (69 MB) with the packages that only the twin needs (13 MB). Pygments (10 MB) would colour
# source code, which nothing here prints. tests/image runs every command without them.
RUN python -m pip --python /app/bin/python uninstall --quiet --yes --root-user-action ignore \
    aiohappyeyeballs aiohttp aiohttp-retry aiosignal attrs frozenlist multidict propcache yarl pygments && \
    cd /app/lib/python3.*/site-packages/kubernetes && rm -r aio client/api && \
    find client/models -type f ! -name '__init__.*' -delete
# Nobody can write byte code later, so it is written now, into a folder of its own, and not checked again.
# That of Python's own library too: this base has none, and a start took 0.8 s and 2 MiB more without.
ENV PYTHONPYCACHEPREFIX=/app/cache
RUN python -m compileall -q --invalidation-mode unchecked-hash -x '/(ensurepip|idlelib|lib2to3|test|tkinter|turtledemo)/' \
    /app/lib "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY certs /app/src/certs
COPY webhook /app/src/webhook
RUN python -m compileall -q --invalidation-mode unchecked-hash /app/src

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="source-ip-webhook" \
    org.opencontainers.image.description="Gives applications in an Istio mesh their clients' addresses back" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY LICENSE /app/
COPY --from=build /app /app
# Modules come from here and never from the current folder; nothing is written beside them.
ENV PATH=/app/bin:$PATH PYTHONPATH=/app/src PYTHONPYCACHEPREFIX=/app/cache PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# One heap instead of one for each thread, of which there are few, and none that waits for another's: 1 MiB.
ENV MALLOC_ARENA_MAX=1
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["python", "-m", "webhook"]
