# Detector, Planner or Executor: --build-arg SERVICE=Planner
FROM mcr.microsoft.com/dotnet/sdk:10.0.100-noble AS build
ARG SERVICE
WORKDIR /source
COPY . .
RUN dotnet publish services/${SERVICE}/${SERVICE}.csproj -c Release -o /app --nologo

FROM mcr.microsoft.com/dotnet/aspnet:10.0.0-noble
ARG SERVICE
ENV PROGRAM=/app/TrainMover.${SERVICE}.dll
COPY --chmod=755 deploy/healthy /usr/local/bin/healthy
RUN mkdir -p /run/trainmover /anchors && chown app /run/trainmover /anchors
COPY --from=build /app /app
USER app
ENTRYPOINT ["/bin/sh", "-c", "exec dotnet \"$PROGRAM\""]
