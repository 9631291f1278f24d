# syntax=docker/dockerfile:1
# The proxy in an image: built with its libraries in one stage, run without the tools in another.
ARG NODE_IMAGE=node:26.10.0-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Install scripts would only fetch the Node that the npm scripts are pinned to; the image is that Node.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY build ./build
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="flag-edge-proxy" org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production CONFIG_PATH=/app/config.json
# Memory, at no cost in CPU (docs/performance.md): a small young generation, and large buffers that go back to
# the system when they are freed.
ENV NODE_OPTIONS=--max-semi-space-size=4 MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /app
COPY package.json LICENSE ./
COPY examples ./examples
COPY --from=build /build/dist ./dist
# The one folder that is written: mount a volume there to start without the upstream (docs/decisions/0017).
ENV STORAGE__PATH=/data
RUN install -d -m 0700 -o 65532 -g 65532 /data
VOLUME /data
# A number, so that Kubernetes can tell that it is not root. Nothing else is written: the root may be read-only.
USER 65532:65532
EXPOSE 8000
# Liveness, not readiness: a container is not restarted because the upstream is away (docs/decisions/0008).
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "dist/main.js", "health", "--liveness"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
