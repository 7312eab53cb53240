#!/usr/bin/env bash
#   build.sh DIR
# Builds kube-apiserver and kube-controller-manager from Debian's source package `kubernetes`, which holds all of their
# dependencies, and takes etcd out of its binary package. Nothing is installed on the machine, and root is not needed: apt works
# on lists of its own, and the compiler is unpacked beside the source. Once built, only the three programs stay, in DIR.
set -euo pipefail
BIN=$1 WORK=$1.build GO=go-1.19   # what Debian 12 has; 1.20's own builds used 1.15

# the tools know nothing of a version without being told by the linker
stamp() {
  local version=$1 package
  printf -- '-s -w'
  for package in component-base/version client-go/pkg/version; do
    printf -- ' -X k8s.io/kubernetes/vendor/k8s.io/%s.%s' "$package" "gitVersion=v$version" "$package" gitTreeState=clean \
      "$package" "gitMajor=${version%%.*}" "$package" "gitMinor=$(cut -d. -f2 <<<"$version")"
  done
}

build() {
  rm -rf "$WORK"; mkdir -p "$WORK/etc" "$WORK/lists/partial" "$WORK/cache/archives/partial" "$WORK/packages" "$WORK/root"
  download
  local deb dsc version
  for deb in "$WORK"/packages/*.deb; do dpkg-deb -x "$deb" "$WORK/root"; done
  dsc=$(cd "$WORK/packages" && echo kubernetes_*.dsc)
  version=${dsc#kubernetes_}; version=${version%%-*}; version=${version##*really}

  export GOPATH=$WORK/go GOCACHE=$WORK/gocache GOROOT=$WORK/root/usr/lib/$GO GO111MODULE=off GOFLAGS=-tags=providerless CGO_ENABLED=0
  local tree=$GOPATH/src/k8s.io/kubernetes; PATH=$GOROOT/bin:$PATH
  mkdir -p "$tree"
  tar -xf "$WORK"/packages/kubernetes_*.orig.tar.gz -C "$tree" --strip-components=1 --exclude='*_test.go' --exclude='*/testdata'
  cd "$tree"
  # the vendored one knows the maps of Go 1.17 and older: with a newer compiler, decoding JSON panics
  rm -rf vendor/github.com/modern-go/reflect2
  cp -rL "$WORK/root/usr/share/gocode/src/github.com/modern-go/reflect2" vendor/github.com/modern-go/
  go build -p 2 -o "$WORK/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  generate_openapi
  # providerless: without the clouds' own libraries, which are a third of the source
  nice -n 5 go build -p 2 -ldflags "$(stamp "$version")" -o "$WORK/" ./cmd/kube-apiserver ./cmd/kube-controller-manager

  mkdir -p "$BIN"
  mv "$WORK"/kube-apiserver "$WORK"/kube-controller-manager "$WORK/root/usr/bin/etcd" "$BIN/"
  cd "$BIN"; rm -rf "$WORK"
}

# The packages, by the machine's own mirrors and keys, whether those are named for source packages or not.
download() {
  local file base get
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    base=$(basename "$file")
    case $file in
      *.sources) sed 's/^Types:.*/Types: deb deb-src/' "$file" >"$WORK/etc/$base" ;;
      *.list) [ ! -f "$file" ] || sed -n 's/^deb\(-src\)\{0,1\} \(.*\)/deb \2\ndeb-src \2/p' "$file" | sort -u >"$WORK/etc/$base" ;;
    esac
  done
  get=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$WORK/etc" -o "Dir::State::lists=$WORK/lists"
    -o "Dir::Cache=$WORK/cache" -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root)
  cd "$WORK/packages"
  # a list of somebody else's that has no source packages is no fault: what is missing shows at the download
  "${get[@]}" update || true
  "${get[@]}" download etcd-server "golang-${GO#go-}-go" "golang-${GO#go-}-src" golang-github-modern-go-reflect2-dev
  "${get[@]}" source --download-only kubernetes
}

# The one generated file that the source package lacks: the schemas of all kinds, which server-side apply stands on.
generate_openapi() {
  local inputs
  inputs=$(grep -RlF --include='*.go' '+k8s:openapi-gen=' pkg vendor/k8s.io | xargs -n1 dirname | LC_ALL=C sort -u |
    grep -vE '^vendor/k8s.io/(code-generator|sample-|kube-openapi)' | sed 's,^,k8s.io/kubernetes/,' | paste -sd,)
  "$WORK/openapi-gen" --logtostderr -i "$inputs" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$WORK/openapi-violations"
}

build
