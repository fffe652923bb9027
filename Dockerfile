# The images of this project.
#
#   docker build --tag statefun-rs/server .                          the functions; the last stage, so the default
#   docker build --tag statefun-rs/tools --target tools .            the command line, with Kafka and Kinesis
#   docker build --tag statefun-rs/statefun --target statefun .      the stock cluster with this project's module.yaml
#   docker buildx build --platform linux/amd64,linux/arm64 .         for both architectures, without emulation
#   docker build --build-arg PROFILE=release .                       the functions, compiled sooner and somewhat slower
#
# The first two hold one static program and the certificates of public authorities: no shell, no libc, nothing to patch
# but the program. They run as user 65532, need no writable file system and no capability.

# It compiles for the architecture that is asked for, on that of the machine that builds.
FROM --platform=$BUILDPLATFORM rust:1.95.0-slim-bookworm AS rust
# zig is the C compiler and the linker for either architecture with musl. librdkafka is made by make, and its configure
# wants a C++ compiler, though it compiles C alone.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make python3-pip \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --break-system-packages --no-cache-dir cargo-zigbuild==0.24.0 ziglang==0.15.2 \
    && rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl
ENV XDG_CACHE_HOME=/var/cache/zig
WORKDIR /build
COPY . .

# What is compiled stays in a cache of the builder, so that a change here does not compile the dependencies again.
# The sources become newer than all that is in it: cargo goes by times, and would take what another clone has compiled for
# ours where that happened after ours was checked out.
FROM rust AS build-tools
ARG TARGETARCH
RUN --mount=type=cache,id=statefun-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=statefun-zig,target=/var/cache/zig,sharing=locked \
    --mount=type=cache,id=statefun-target-$TARGETARCH,target=/build/target,sharing=locked \
    case $TARGETARCH in amd64) cpu=x86_64 ;; arm64) cpu=aarch64 ;; *) echo "no build for $TARGETARCH" >&2; exit 1 ;; esac \
    && find . -path ./target -prune -o -type f -exec touch {} + \
    && cargo zigbuild --locked --release --target "$cpu-unknown-linux-musl" \
        --package statefun-cli --features kafka,kinesis,simulate \
    && install -D "target/$cpu-unknown-linux-musl/release/statefun" /out/statefun

FROM rust AS build-server
ARG TARGETARCH
# One of Cargo.toml's.
ARG PROFILE=dist
RUN --mount=type=cache,id=statefun-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=statefun-zig,target=/var/cache/zig,sharing=locked \
    --mount=type=cache,id=statefun-target-$TARGETARCH,target=/build/target,sharing=locked \
    case $TARGETARCH in amd64) cpu=x86_64 ;; arm64) cpu=aarch64 ;; *) echo "no build for $TARGETARCH" >&2; exit 1 ;; esac \
    && find . -path ./target -prune -o -type f -exec touch {} + \
    && cargo zigbuild --locked --profile "$PROFILE" --target "$cpu-unknown-linux-musl" --package statefun-server \
    && install -D "target/$cpu-unknown-linux-musl/$PROFILE/statefun-server" /out/statefun-server

# It brings the plug-in for s3:// with it, s3-fs-presto, which is the one for checkpoints.
FROM apache/flink-statefun:3.3.0 AS statefun
ARG REVISION=unknown
LABEL org.opencontainers.image.title="StateFun cluster" \
    org.opencontainers.image.description="Apache Flink Stateful Functions 3.3.0 with the module of statefun-server" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="$REVISION"
COPY module.yaml /opt/statefun/modules/functions/module.yaml
RUN ls /opt/flink/plugins/s3-fs-presto/flink-s3-fs-presto-*.jar
USER 9999:9999

FROM scratch AS tools
ARG REVISION=unknown
LABEL org.opencontainers.image.title="statefun-cli" \
    org.opencontainers.image.description="The command line of stateful functions for Apache Flink" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="$REVISION"
COPY --from=rust /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build-tools /out/statefun /
USER 65532:65532
ENTRYPOINT ["/statefun"]

FROM scratch AS server
ARG REVISION=unknown
LABEL org.opencontainers.image.title="statefun-server" \
    org.opencontainers.image.description="Stateful functions for Apache Flink, in Rust" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="$REVISION"
COPY --from=rust /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build-server /out/statefun-server /
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/statefun-server", "health"]
ENTRYPOINT ["/statefun-server"]
CMD ["serve"]
