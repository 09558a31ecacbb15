# The image of Task Runner: API and worker in one program; MODE chooses (docs/reference/settings.md).
#   docker build -t task-runner --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .

FROM maven:3.9-eclipse-temurin-25 AS build
ARG REVISION=unknown
WORKDIR /src
COPY pom.xml ./
COPY src ./src
# Dependencies are fetched once, and kept between builds.
RUN --mount=type=cache,target=/root/.m2/repository \
    mvn -q -B -Dmaven.test.skip=true -Dgit.commit.id="${REVISION}" package org.cyclonedx:cyclonedx-maven-plugin:makeBom
# Netty would extract its native libraries into /tmp, which cannot be executed from where it is mounted noexec.
RUN mkdir target/native && cd target/native && arch=$(uname -m | sed 's/aarch64/aarch_64/') \
    && for lib in ../lib/netty-transport-native-epoll-*-linux-"$arch".jar ../lib/netty-tcnative-boringssl-static-*-linux-"$arch".jar; \
      do jar --extract --file "$lib" META-INF/native; done \
    && mv META-INF/native/*.so . && rm -r META-INF

FROM eclipse-temurin:25-jre
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Task Runner" \
      org.opencontainers.image.description="A self-hosted HTTP task queue and scheduler on Redis" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /opt/task-runner
COPY task-runner LICENSE ./
COPY --from=build /src/target/task-runner.jar ./
COPY --from=build /src/target/lib ./lib
COPY --from=build /src/target/native ./native
# What is in it, for scanners: CycloneDX.
COPY --from=build /src/target/task-runner.cdx.json ./
# Written once by this very JVM, so that each start is twice as fast (docs/decisions/0013). It belongs to root: what runs here
# can change nothing of itself, and needs no folder to write to but /tmp.
RUN ./task-runner train
USER 10001:10001
EXPOSE 8080 8082
# With a certificate the port speaks TLS only, which bash does not: that plaintext is disconnected is the sign of life.
HEALTHCHECK --interval=10s --timeout=3s --start-period=90s \
  CMD ["bash", "-c", "exec 3<>\"/dev/tcp/127.0.0.1/${PORT:-$([ \"${MODE:-}\" = worker ] && echo 8082 || echo 8080)}\" && printf 'GET /health/live HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && if [ -n \"${TLS_CERT_FILE:-}\" ]; then cat <&3 >/dev/null 2>&1; true; else head -n 1 <&3 | grep -q ' 200'; fi"]
ENTRYPOINT ["/opt/task-runner/task-runner"]
CMD ["serve"]
