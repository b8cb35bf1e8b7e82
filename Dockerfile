# The bot as an image: runs as a user of its own; the engine socket's group is given to the service, not baked in.
# BASE is any Debian bookworm with Python 3.11 and CA certificates.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
RUN useradd --system --uid 10001 --home-dir /var/lib/opsbot --create-home opsbot \
 && python3 -m venv /opt/venv
COPY requirements/run.txt /opt/requirements.txt
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /opt/requirements.txt
COPY opsbot /opt/opsbot/opsbot
COPY playbooks /opt/opsbot/playbooks
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    OPSBOT_CONFIG=/etc/opsbot/opsbot.yml \
    PYTHONPATH=/opt/opsbot PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ARG VERSION=dev
ARG REVISION=unknown
# The newest change of the bot's own record that this version understands: `upgrade` compares it with the one in use.
LABEL opsbot.schema=3
LABEL org.opencontainers.image.title=opsbot \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}
USER opsbot
WORKDIR /var/lib/opsbot
VOLUME /var/lib/opsbot
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "opsbot.cli.healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "opsbot"]
CMD ["serve"]
