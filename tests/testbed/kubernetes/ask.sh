#!/usr/bin/env bash
# What other clients of the cluster do, as the administrator: the answer's body. A status below 200 or above 299 is a failure.
#   ask.sh METHOD PATH [MANIFEST]     a PATCH is a server-side apply, or a JSON patch where MANIFEST is a list
#   ACCEPT=TYPE ask.sh GET PATH       the answer in another form, such as a table
# shellcheck source=tests/testbed/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tests/testbed/kubernetes/service.sh
. "$TESTBED/kubernetes/service.sh"
[ $# -ge 2 ] || die "usage: ask.sh METHOD PATH [MANIFEST]"
type=application/json
case $1:${3-} in PATCH:\[*) type=application/json-patch+json ;; PATCH:*) type=application/apply-patch+yaml ;; esac
ask "$2" -X "$1" -H "Content-Type: $type" ${3+--data-binary "$3"} ${ACCEPT:+-H "Accept: $ACCEPT"}
