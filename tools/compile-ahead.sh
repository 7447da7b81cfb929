#!/usr/bin/env bash
# Compiles the assemblies of the built programs to machine code (ReadyToRun): a program that compiles while it runs takes the cores
# that training needs, and most of all while it starts. Usage: compile-ahead.sh ROOT; without the compiler's package nothing happens.
set -euo pipefail
shopt -s nullglob

root=$1
store="$root/.trainmover/ahead"
version=$(sed -n 's:.*<Crossgen2Version>\(.*\)</Crossgen2Version>.*:\1:p' "$root/Directory.Packages.props")
compiler="${NUGET_PACKAGES:-$HOME/.nuget/packages}/microsoft.netcore.app.crossgen2.linux-x64/$version/tools/crossgen2"
[ -f "$compiler" ] || exit 0
chmod u+x "$compiler"
mkdir -p "$store"

framework() { dotnet --list-runtimes | sed -n "s:^$1 \([^ ]*\) \[\(.*\)\]\$:\2/\1:p" | sort -V | tail -1; }
runtime=$(framework Microsoft.NETCore.App)
web=$(framework Microsoft.AspNetCore.App)

# Generic code of the framework over types of ours (every asynchronous method is one) belongs to no single assembly: it is compiled into the one that uses it, and checked against the framework when loaded.
generics=(--opt-cross-module:'*' --non-local-generics-module:'*')

# The image of one assembly, made once whatever number of programs uses it. What is compiled already stays as it is.
compile() {
    local source=$1 image=$2 folder=$3
    [ -e "$image" ] && return
    "$compiler" "$source" -o "$image.new" -r "$folder/*.dll" -r "$runtime/*.dll" -r "$web/*.dll" --targetos linux --targetarch x64 -O "${generics[@]}" >"$image.log" 2>&1 || { cat "$image.log" >&2; exit 1; }
    rm "$image.log"
    mv "$image.new" "$image"
}

for configuration in "$root"/{services,tools}/{*,*/*}/bin/Release/net10.0/TrainMover.*.runtimeconfig.json; do
    folder=$(dirname "$configuration")
    program=$(basename "$configuration" .runtimeconfig.json)
    for assembly in "$folder"/*.dll; do
        source=$(readlink -f "$assembly")
        name=$(basename "$assembly" .dll)
        [[ $source == "$store"/* || $(cat "$folder/$name.ahead" 2>/dev/null) == "$(stat -c '%Y %s' "$source")" ]] && continue
        image="$store/$name-$(stat -c '%Y-%s' "$source" | tr -d ' ').dll"
        compile "$source" "$image" "$folder"
        if [ "$name" = "$program" ]; then
            # The host looks for a program's configuration beside the real file.
            cp --remove-destination "$image" "$assembly"
            stat -c '%Y %s' "$assembly" >"$folder/$name.ahead"
        else
            ln -sf "$image" "$assembly"
        fi
    done
done
