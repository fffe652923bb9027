# What the tests in Bash share; it is sourced, never run.

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# The comment at the top of the script that sources this.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# need COMMAND...: $packages names those of Debian, for who has to install some
need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "needs $tool${packages:+ (Debian: $packages)}"
    done
}

# is WHAT EXPECTED ACTUAL
is() {
    [ "$2" = "$3" ] || die "$1: expected \"$2\", got \"$3\""
    echo "$1: $3"
}

# within SECONDS WHAT COMMAND...: until the command succeeds
within() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || die "waited in vain: $what"
        sleep 0.1
    done
}

# venv NAME VERSION PROGRAM [PACKAGE]: prints the folder of a Python tool's programs; PACKAGE where it is not its NAME
venv() {
    local folder=${XDG_CACHE_HOME:-$HOME/.cache}/statefun-server/$1-$2
    if [ ! -x "$folder/bin/$3" ]; then
        # A first run may have been cut short.
        rm -rf "$folder"
        python3 -m venv "$folder" && "$folder/bin/pip" install --quiet "${4:-$1}==$2" >&2
    fi
    echo "$folder/bin"
}

awscli() { venv awscli 1.46.3 aws; }
checkov() { venv checkov 3.3.30 checkov; }
moto() { venv moto 5.2.5 moto_server 'moto[server]'; }

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports COUNT: as many ports on which nothing listens, below those that the system hands out by itself
free_ports() {
    local port
    local -A found=()
    while [ "${#found[@]}" -lt "$1" ]; do
        port=$((20000 + RANDOM % 12000))
        listens "$port" || found[$port]=
    done
    printf '%s\n' "${!found[@]}"
}
