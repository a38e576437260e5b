#!/usr/bin/env bash
# Checks all of deploy/ without a container engine and without a cluster: check.sh [dockerfile|compose|chart|settings|alerts|image]...
# Without arguments it runs every part. It needs go, python3 with pip, npm, promtool and the project's node_modules; what else it
# uses is built once into .cache/tools (two minutes; DEPLOY_TOOLS names another folder). Ends with non-zero at the first mistake.
set -Eeuo pipefail
trap 'echo "deploy/check.sh: FAILED at line $LINENO: $BASH_COMMAND" >&2' ERR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=${DEPLOY_TOOLS:-$root/.cache/tools}
work=${DEPLOY_WORK:-$root/.cache/deploy}
chart=$root/deploy/helm/tallygate
helm_version=v3.22.0
kubeconform_version=v0.8.0
schemas_version=1.37.0
operator_version=v0.85.0
# The oldest that Chart.yaml allows, and the newest that there are schemas for.
kubernetes_versions=(1.30.0 1.37.0)
export GOFLAGS="-buildvcs=false" GOWORK=off

fail() { echo "deploy/check.sh: FAILED: $*" >&2; exit 1; }
part() { echo "== $*"; }

for tool in go python3 npm; do
  command -v "$tool" >/dev/null || fail "expected $tool on the PATH"
done
node=$root/node_modules/.bin/node
[ -x "$node" ] || fail "expected node_modules, run npm ci first"
mkdir -p "$tools" "$work"

# installed NAME VERSION: whether the tool is there in that version; says so in a file, since not every tool knows its own.
installed() { [ -x "$tools/$1" ] && [ "$(cat "$tools/$1.version" 2>/dev/null)" = "$2" ]; }

install_helm() {
  installed helm "$helm_version" && return
  part "building helm $helm_version"
  local newest=${kubernetes_versions[-1]} flags="-s -w" package
  for package in chartutil lint/rules; do
    flags+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$(cut -d. -f2 <<<"$newest")"
  done
  GOBIN=$tools go install -ldflags "$flags" "helm.sh/helm/v3/cmd/helm@$helm_version"
  echo "$helm_version" >"$tools/helm.version"
}

install_kubeconform() {
  installed kubeconform "$kubeconform_version" && return
  part "building kubeconform $kubeconform_version"
  GOBIN=$tools go install "github.com/yannh/kubeconform/cmd/kubeconform@$kubeconform_version"
  echo "$kubeconform_version" >"$tools/kubeconform.version"
}

build_checker() {
  local sources
  sources=$(cat "$root"/deploy/check/{*.go,go.mod,go.sum} | sha256sum | cut -c1-16)
  installed deploycheck "$sources" && return
  (cd "$root/deploy/check" && go vet . && go build -o "$tools/deploycheck" .)
  echo "$sources" >"$tools/deploycheck.version"
}

make_schemas() {
  local mark="$schemas_version $operator_version ${kubernetes_versions[*]} $tools servicemonitors prometheusrules"
  [ "$(cat "$tools/schemas/mark" 2>/dev/null)" = "$mark" ] && return
  part "schemas of Kubernetes ${kubernetes_versions[*]} and of the Prometheus operator"
  rm -rf "$tools/schemas" && mkdir -p "$tools/schemas/wheel"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$tools/schemas/wheel" "kubernetes-validate==$schemas_version"
  local operator
  operator=$(go mod download -json "github.com/prometheus-operator/prometheus-operator@$operator_version" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
  python3 "$root/deploy/check/kube-schemas.py" "$tools/schemas" "$tools/schemas/wheel" \
    "$operator/jsonnet/prometheus-operator"/{servicemonitors,prometheusrules}-crd.json -- "${kubernetes_versions[@]}"
  rm -rf "$tools/schemas/wheel"
  echo "$mark" >"$tools/schemas/mark"
}

check_dockerfile() {
  part "Dockerfile: BuildKit's parser and linter"
  build_checker
  "$tools/deploycheck" dockerfile "$root/deploy/Dockerfile" || fail "deploy/Dockerfile"
}

compose_loaded=false
check_compose() {
  compose_loaded=true
  part "compose.yaml: schema and references, with the example's secrets; refused without them"
  build_checker
  # shellcheck source=/dev/null
  (set -a && . "$root/deploy/compose.env.example" && "$tools/deploycheck" compose "$root/deploy/compose.yaml") >"$work/compose.json" || fail "deploy/compose.yaml"
  if env -i PATH="$PATH" "$tools/deploycheck" compose "$root/deploy/compose.yaml" >/dev/null 2>"$work/compose.refused"; then
    fail "deploy/compose.yaml starts without secrets"
  fi
  local name
  for name in $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$root/deploy/compose.env.example"); do
    grep -q "required variable $name is missing" "$work/compose.refused" || fail "deploy/compose.yaml: expected $name to be required"
  done
}

chart_rendered=false
render_chart() {
  chart_rendered=true
  install_helm
  rm -rf "$work/chart" "$work/notes" && mkdir -p "$work/chart"
  # helm shows notes only where a cluster answers: a copy of the chart renders them as a manifest.
  cp -r "$chart" "$work/notes" && mv "$work/notes/templates/NOTES.txt" "$work/notes/NOTES.txt"
  printf 'kind: Notes\napiVersion: v1\ntext: |\n  {{- tpl (.Files.Get "NOTES.txt") . | nindent 2 }}\n' >"$work/notes/templates/notes.yaml"
  local values version name
  for values in "$chart"/ci/*.yaml; do
    name=$(basename "$values" -values.yaml)
    for version in "${kubernetes_versions[@]}"; do
      "$tools/helm" template release "$chart" --namespace analytics --kube-version "$version" -f "$values" >"$work/chart/$name-$version.yaml" || fail "helm template with $values"
    done
    "$tools/helm" template release "$work/notes" --namespace analytics -f "$values" --show-only templates/notes.yaml >"$work/chart/$name.notes" || fail "NOTES.txt with $values"
  done
}

check_chart() {
  part "chart: helm lint, helm template, kubeconform -strict"
  install_helm
  install_kubeconform
  make_schemas
  "$tools/helm" lint --quiet --strict "$chart" >"$work/lint" 2>&1 || fail "helm lint, without values: $(cat "$work/lint")"
  local values version
  for values in "$chart"/ci/*.yaml; do
    "$tools/helm" lint --quiet --strict "$chart" -f "$values" >"$work/lint" 2>&1 || fail "helm lint with $values: $(cat "$work/lint")"
  done
  render_chart
  for version in "${kubernetes_versions[@]}"; do
    "$tools/kubeconform" -strict -summary -schema-location "$tools/schemas/$version/{{.ResourceKind}}{{.KindSuffix}}.json" "$work/chart"/*-"$version".yaml || fail "kubeconform against Kubernetes $version"
  done
  part "chart: values that it must refuse"
  local expected base
  for values in "$root"/deploy/check/refused/*.yaml; do
    expected=$(sed -n '1s/^# expected: //p' "$values")
    [ -n "$expected" ] || fail "$values: expected a first line '# expected: SENTENCE'"
    base=(-f "$chart/ci/minimal-values.yaml")
    [[ $values == */bare-* ]] && base=() # that lack something, rather than have something wrong
    if "$tools/helm" template release "$chart" "${base[@]}" -f "$values" >"$work/refused" 2>&1; then
      fail "$values: expected the chart to refuse it with: $expected"
    fi
    grep -qF -- "$expected" "$work/refused" || fail "$values: expected: $expected; got: $(cat "$work/refused")"
  done
}

check_settings() {
  part "settings: what compose, chart and image set is what src/config.ts reads"
  $compose_loaded || check_compose
  $chart_rendered || render_chart
  "$node" "$root/deploy/check/settings.ts" "$work" || fail "settings"
}

check_alerts() {
  part "alerts: promtool's parser, when they fire and when not, metrics that are there, the same in the chart"
  $chart_rendered || render_chart
  "$node" "$root/deploy/check/alerts.ts" "$work" || fail "alerts"
  if ! command -v promtool >/dev/null; then
    [ "${CI:-}" != true ] || fail "alerts: expected promtool on the PATH"
    echo "SKIPPED: the alert rules are not tested without promtool" >&2
    return
  fi
  promtool check rules --lint-fatal "$chart/alerts.yaml" || fail "promtool check rules"
  promtool test rules "$root/deploy/check/alerts.test.yaml" || fail "promtool test rules"
}

check_image() {
  part "image: both targets' stages executed, the roles started in them as PID 1, read-only root, uid 1000"
  build_checker
  if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
    [ "${CI:-}" != true ] || fail "image: expected root and mount namespaces"
    echo "SKIPPED: the image check needs root and mount namespaces" >&2
    return
  fi
  unshare --mount --propagation private "$tools/deploycheck" image "$root/deploy/Dockerfile" "$root" "$work/image" || fail "image"
}

[ $# -gt 0 ] || set -- dockerfile compose chart settings alerts image
for name in "$@"; do
  case $name in
    dockerfile | compose | chart | settings | alerts | image) "check_$name" ;;
    *) fail "expected dockerfile, compose, chart, settings, alerts or image, got $name" ;;
  esac
done
echo "deploy/check.sh: all fine ($*)"
