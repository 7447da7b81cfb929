# The command line, with the text that jobs train on unless told otherwise.
FROM mcr.microsoft.com/dotnet/sdk:10.0.100-noble AS build
WORKDIR /source
COPY . .
RUN dotnet publish tools/Cli/Cli.csproj -c Release -o /app --nologo \
 && mkdir /text && find . -name bin -prune -o -name obj -prune -o \( -name '*.cs' -o -name '*.md' \) -print0 | tar -c --null -T - | tar -x -C /text

FROM mcr.microsoft.com/dotnet/aspnet:10.0.0-noble
ENV TRAINMOVER_ROOT=/text TRAINMOVER_HOME=/jobs
RUN mkdir -p /jobs && chown app /jobs
COPY --from=build /text /text
COPY --from=build /app /app
USER app
ENTRYPOINT ["dotnet", "/app/TrainMover.Cli.dll"]
