# The command line, with the text that jobs train on unless told otherwise.
FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y --no-install-recommends dotnet-sdk-10.0 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN dotnet publish tools/Cli/Cli.csproj -c Release -o /app --nologo \
 && mkdir /text && find . -name bin -prune -o -name obj -prune -o \( -name '*.cs' -o -name '*.md' \) -print0 | tar -c --null -T - | tar -x -C /text

FROM ubuntu:24.04
RUN apt-get update && apt-get install -y --no-install-recommends aspnetcore-runtime-10.0 && rm -rf /var/lib/apt/lists/* && useradd --create-home app
ENV TRAINMOVER_ROOT=/text TRAINMOVER_HOME=/jobs
RUN mkdir -p /jobs && chown app /jobs
COPY --from=build /text /text
COPY --from=build /app /app
USER app
ENTRYPOINT ["dotnet", "/app/TrainMover.Cli.dll"]
