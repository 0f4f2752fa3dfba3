# mechshare, its servers' drivers included; and, as the target `azurite`, Azure Blob Storage's emulator.

FROM python:3.12-slim AS build
WORKDIR /source
COPY LICENSE README.md constraints.txt pyproject.toml ./
COPY src src
RUN python -m venv /opt/mechshare \
 && /opt/mechshare/bin/pip install --no-cache-dir -c constraints.txt '.[postgres,redis,azure,s3,opensearch]' azure-identity

FROM node:24-slim AS azurite
# The version stands in servers/versions.toml, and compose.yaml hands it over.
ARG AZURITE_VERSION
RUN npm install --global --no-audit --no-fund "azurite@${AZURITE_VERSION}"
USER 1000
WORKDIR /home/node
RUN mkdir data
VOLUME /home/node/data
EXPOSE 10000
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:10000/').then(() => process.exit(0), () => process.exit(1))"]
CMD ["azurite-blob", "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "0.0.0.0", "--location", "/home/node/data"]

FROM python:3.12-slim
COPY --from=build /opt/mechshare /opt/mechshare
RUN useradd --create-home --uid 1000 mechshare && install -d -o mechshare /var/lib/mechshare
ENV PATH=/opt/mechshare/bin:$PATH \
    MECHSHARE_DATA=/var/lib/mechshare \
    MECHSHARE_HOST=0.0.0.0
USER 1000
VOLUME /var/lib/mechshare
EXPOSE 8000
HEALTHCHECK --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=3)"]
ENTRYPOINT ["mechshare"]
CMD ["serve"]
