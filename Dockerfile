# syntax=docker/dockerfile:1
# One file, two images: `gateway` (the last stage, the default) and `loadtests` (the lab).
# No step needs root: nothing is installed into the system, and the user is a number.

FROM python:3.11.14-slim-bookworm AS build-gateway
WORKDIR /build
# gateway, or tracing: the same, and the packages that traces need.
ARG LOCK=gateway
COPY locks/ locks/
RUN python -m venv /opt/gateway \
 && /opt/gateway/bin/pip install --no-cache-dir --require-hashes -r "locks/$LOCK.lock"
COPY pyproject.toml README.md LICENSE ./
COPY gateway/ gateway/
# The build tools come from the project's own ranges; what runs comes from the lock.
RUN /opt/gateway/bin/pip install --no-cache-dir --no-deps . \
 && install -d -m 0700 state

FROM python:3.11.14-slim-bookworm AS build-loadtests
WORKDIR /build
COPY locks/loadtests.lock locks/
RUN python -m venv /opt/loadtests \
 && /opt/loadtests/bin/pip install --no-cache-dir --require-hashes -r locks/loadtests.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway/ gateway/
COPY loadtests/ loadtests/
RUN /opt/loadtests/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11.14-slim-bookworm AS loadtests
COPY --from=build-loadtests /opt/loadtests /opt/loadtests
ENV PATH=/opt/loadtests/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "loadtests"]

FROM python:3.11.14-slim-bookworm AS gateway
COPY --from=build-gateway /opt/gateway /opt/gateway
COPY --from=build-gateway --chown=10001:10001 /build/state /var/lib/enrollment-gateway
ENV PATH=/opt/gateway/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/enrollment-gateway
VOLUME /var/lib/enrollment-gateway
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["enrollment-gateway", "healthcheck"]
ENTRYPOINT ["enrollment-gateway"]
CMD ["serve"]
