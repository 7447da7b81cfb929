# Detector, Planner or Executor: --build-arg SERVICE=Planner
FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y --no-install-recommends dotnet-sdk-10.0 && rm -rf /var/lib/apt/lists/*
ARG SERVICE
WORKDIR /source
COPY . .
RUN dotnet publish services/${SERVICE}/${SERVICE}.csproj -c Release -o /app --nologo

FROM ubuntu:24.04
RUN apt-get update && apt-get install -y --no-install-recommends aspnetcore-runtime-10.0 && rm -rf /var/lib/apt/lists/* && useradd --create-home app
ARG SERVICE
ENV PROGRAM=/app/TrainMover.${SERVICE}.dll
COPY --chmod=755 deploy/healthy /usr/local/bin/healthy
RUN mkdir -p /run/trainmover /anchors && chown app /run/trainmover /anchors
COPY --from=build /app /app
USER app
ENTRYPOINT ["/bin/sh", "-c", "exec dotnet \"$PROGRAM\""]
