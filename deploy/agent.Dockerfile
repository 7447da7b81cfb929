# A machine: the agent, and the worker that it starts. Ubuntu 24.04 has the C++ runtime that libtorch needs.
FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y --no-install-recommends dotnet-sdk-10.0 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN dotnet publish services/NodeAgent/Agent/Agent.csproj -c Release -o /app/agent --nologo \
 && dotnet publish services/NodeAgent/Worker/Worker.csproj -c Release -o /app/worker --nologo

FROM ubuntu:24.04
RUN apt-get update && apt-get install -y --no-install-recommends aspnetcore-runtime-10.0 && rm -rf /var/lib/apt/lists/* && useradd --create-home app
ENV TRAINMOVER_WORKER=/app/worker/TrainMover.Worker.dll
COPY --chmod=755 deploy/healthy /usr/local/bin/healthy
RUN mkdir -p /run/trainmover /jobs && chown app /run/trainmover /jobs
COPY --from=build /app /app
USER app
# Peers connect to the worker at the container's own address.
ENTRYPOINT ["/bin/sh", "-c", "exec dotnet /app/agent/TrainMover.Agent.dll --host \"$(hostname -i)\" \"$@\"", "agent"]
