# syntax=docker/dockerfile:1
# One file, two images: `gateway` (the last stage, the default) and `loadtests` (the lab).

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/gateway && python -m venv /opt/loadtests
COPY locks/ locks/
RUN /opt/gateway/bin/pip install --no-cache-dir --require-hashes -r locks/gateway.lock \
 && /opt/loadtests/bin/pip install --no-cache-dir --require-hashes -r locks/loadtests.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway/ gateway/
COPY loadtests/ loadtests/
# The build tools come from the project's own ranges; what runs comes from the locks.
RUN /opt/gateway/bin/pip install --no-cache-dir --no-deps . \
 && /opt/loadtests/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim-bookworm AS base
# A number, so that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin gateway \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/enrollment-gateway
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/enrollment-gateway

FROM base AS loadtests
COPY --from=build /opt/loadtests /opt/loadtests
ENV PATH=/opt/loadtests/bin:$PATH
ENTRYPOINT ["python", "-m", "loadtests"]

FROM base AS gateway
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH
VOLUME /var/lib/enrollment-gateway
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["enrollment-gateway", "healthcheck"]
ENTRYPOINT ["enrollment-gateway"]
CMD ["serve"]
