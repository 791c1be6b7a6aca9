# The command pinfleet, and with it the test cluster "pinfleet dev", in an image with
# nothing else. docs/containers.md says how to use it.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOWORK=off
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags='-s -w' -o /image/pinfleet ./cmd/pinfleet
# An upload that may be sent again is kept in /tmp.
RUN mkdir -m 1777 /image/tmp && mkdir -m 0700 /image/config && chown 65532:65532 /image/config

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /image/ /
USER 65532:65532
ENV XDG_CONFIG_HOME=/config
EXPOSE 9094 9194 9294
ENTRYPOINT ["/pinfleet"]
