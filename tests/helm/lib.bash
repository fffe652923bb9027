# What the scripts next to this file share; it is sourced, never run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/statefun-server
# The control plane and the schemas: they lie beside the project where it is tested.
kubernetes_tools=${KUBERNETES_TOOLS:-$root/../shared/tools/kube}
kubernetes=1.36.0
# shellcheck disable=SC2034 # by those who source it
chart=$root/k8s

# shellcheck source=tests/lib.bash
. "$root/tests/lib.bash"

# Helm, kubeconform and the schemas of the API, each once per version.
fetch_tools() {
    need go python3 jq
    local helm_folder=$cache/helm-3.22.0 conform=$cache/kubeconform-0.8.0 validate=$cache/kubernetes-validate-1.36.0
    [ -x "$helm_folder/helm" ] || GOBIN=$helm_folder go install helm.sh/helm/v3/cmd/helm@v3.22.0
    [ -x "$conform/kubeconform" ] || GOBIN=$conform go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
    PATH=$helm_folder:$conform:$PATH
    python=$validate/bin/python
    schemas=$validate/schemas
    if [ ! -d "$schemas" ]; then
        [ -f "$kubernetes_tools/schemas.py" ] || die "no $kubernetes_tools/schemas.py: KUBERNETES_TOOLS says where its folder is"
        python3 -m venv "$validate" && "$validate/bin/pip" install --quiet kubernetes-validate==1.36.0
        "$python" "$kubernetes_tools/schemas.py" "$kubernetes" "$schemas.part" && mv "$schemas.part" "$schemas"
    fi
}

# etcd of Debian 12 is older than what the API server wants: with it, watches break and pods take half a minute to get
# ready. Its module has replacements, so it is built as what another module depends on.
fetch_etcd() {
    local folder=$cache/etcd-3.7.3 build
    if [ ! -x "$folder/etcd" ]; then
        build=$(mktemp -d)
        (cd "$build" && go mod init etcd && go get go.etcd.io/etcd/server/v3@v3.7.3 &&
            go build -o "$folder/etcd" go.etcd.io/etcd/server/v3) >"$build.log" 2>&1 ||
            { tail -n 20 "$build.log" >&2; die "etcd is not built"; }
        rm -rf "$build" "$build.log"
    fi
    PATH=$folder:$PATH
}

# YAML documents on standard input as an array of JSON.
as_json() { "$python" -c 'import json, sys, yaml; json.dump([d for d in yaml.safe_load_all(sys.stdin) if d], sys.stdout)'; }

# expect WHAT FILTER [ARGUMENT...] <JSON: the filter of jq has to be true
expect() {
    local what=$1 filter=$2 json
    shift 2
    json=$(cat)
    jq -e "$@" "$filter" <<<"$json" >/dev/null || die "not so: $what ($filter)"
}
