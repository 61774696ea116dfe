# One image for every process of speedlead; the command says which: migrate, gateway, worker, sandbox.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/speedlead
WORKDIR /src
COPY requirements.lock ./
# the exact files that the lock names; hatchling and editables are in it, so nothing is fetched later
RUN /opt/speedlead/bin/pip install -qq --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md deploy/production_only.py ./
COPY speedlead speedlead
COPY workflows workflows
COPY activities activities
COPY workers workers
RUN /opt/speedlead/bin/pip install -qq --no-deps --no-build-isolation . \
    # servers for one machine and tools for development are not for production
    && /opt/speedlead/bin/python production_only.py > unneeded.txt \
    && /opt/speedlead/bin/pip uninstall -qq -y -r unneeded.txt \
    && /opt/speedlead/bin/python -m compileall -q /opt/speedlead/lib

FROM python:3.13-slim-bookworm
# zone rules come from the pinned tzdata package, never from the image
ENV PYTHONTZPATH="" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/speedlead/bin:$PATH \
    SPEEDLEAD_DATA_DIR=/var/lib/speedlead
RUN groupadd --gid 10001 speedlead \
    && useradd --uid 10001 --gid speedlead --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin speedlead \
    && install -d -o speedlead -g speedlead -m 0700 /var/lib/speedlead
COPY --from=build /opt/speedlead /opt/speedlead
USER 10001:10001
WORKDIR /var/lib/speedlead
VOLUME /var/lib/speedlead
STOPSIGNAL SIGTERM
ENTRYPOINT ["speedlead"]
CMD ["worker"]
