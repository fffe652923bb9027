#!/usr/bin/env bash
# Builds what AWS Lambda runs: a zip with the program `bootstrap`, for the runtime provided.al2023.
#
#   lambda/build.sh [x86_64|arm64]
#
# Default: x86_64. It writes target/lambda/statefun-lambda-ARCH.zip (target is $CARGO_TARGET_DIR where that is set), the
# same bytes for the same sources and tools, and prints its path, size, SHA-256, and the glibc that the program needs.
# That is at most 2.34, which is what provided.al2023 has; with more there is no zip.
#
# Needs Rust, with rustup where the target is to be added, Python with venv, and objdump (Debian: binutils). The first time it
# fetches cargo-lambda and Zig from PyPI, which link for either architecture.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    echo "build.sh: $*" >&2
    exit 1
}

arch=${1:-x86_64}
case $arch in
    -h | --help)
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "lambda/build.sh"
        exit 0
        ;;
    x86_64) target=x86_64-unknown-linux-gnu ;;
    arm64) target=aarch64-unknown-linux-gnu ;;
    *) die "unknown architecture $arch: expected x86_64 or arm64" ;;
esac
[ $# -le 1 ] || die "one architecture at a time, not also $2"
for tool in cargo rustc python3 objdump; do
    command -v "$tool" >/dev/null || die "needs $tool"
done

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
if [ ! -e "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    command -v rustup >/dev/null || die "this Rust has no target $target, and there is no rustup to add it"
    rustup target add "$target"
fi
tools=$(lambda/tools)

# Panics are unwound, as the functions' are caught: the optimizations of cargo-lambda's own would abort. The path of this
# machine's crates would be in the program, and the time at which mimalloc was compiled: another build would make another.
# The workspace's own paths are relative; were they in the flags, each clone would compile all crates anew.
export CARGO_ENCODED_RUSTFLAGS=--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo
export CFLAGS='-Wno-builtin-macro-redefined -D__DATE__="1980-01-01" -D__TIME__="00:00:00"'
PATH=$tools/bin:$PATH cargo lambda build --quiet --locked --disable-optimizations --profile lambda --target "$target" \
    -p statefun-lambda-bootstrap --bin bootstrap

program=$CARGO_TARGET_DIR/lambda/bootstrap/bootstrap
glibc=$(objdump -T "$program" | sed -n 's/.*(GLIBC_\([0-9.]*\)).*/\1/p' | sort -uV | tail -n 1)
[ "$(printf '%s\n2.34\n' "$glibc" | sort -V | tail -n 1)" = 2.34 ] ||
    die "the program needs glibc $glibc, and provided.al2023 has 2.34"

zip=$CARGO_TARGET_DIR/lambda/statefun-lambda-$arch.zip
python3 - "$program" "$zip" <<'PYTHON'
import sys
import zipfile

program, archive = sys.argv[1:]
# The same time and rights whenever and wherever it is made.
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.create_system = 3
entry.external_attr = 0o100755 << 16
entry.compress_type = zipfile.ZIP_DEFLATED
with open(program, "rb") as file, zipfile.ZipFile(archive, "w", compresslevel=9) as out:
    out.writestr(entry, file.read())
PYTHON
echo "$zip: $(stat -c %s "$zip") bytes, unpacked $(stat -c %s "$program"), glibc $glibc"
(cd "${zip%/*}" && sha256sum "${zip##*/}")
