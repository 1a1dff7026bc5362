# docker build -t ox . && docker compose up

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/deps.sh scripts/
RUN scripts/deps.sh compile
COPY . .
RUN make -j"$(nproc)" all && make install DIR=/opt/ox

FROM debian:bookworm-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates libwebsockets17 \
      libwebsockets-evlib-uv libuv1 libhiredis0.14 libpq5 libjansson4 libcurl4 libhttp-parser2.9 libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --no-create-home --shell /usr/sbin/nologin --uid 10001 ox
COPY --from=build /opt/ox /opt/ox
ENV PATH=/opt/ox:$PATH HOST=0.0.0.0 PORT=3000
USER ox
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s CMD ["/opt/ox/ready.sh"]
# SIGTERM drains; give it longer than DRAIN_TIMEOUT_MS.
STOPSIGNAL SIGTERM
ENTRYPOINT ["oxd"]
CMD ["serve"]
