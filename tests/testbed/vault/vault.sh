#!/usr/bin/env bash
# What an operator, or a reboot, does to the testbed's vault:  vault.sh seal | unseal [SHARES] | status
# shellcheck source=tests/testbed/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tests/testbed/vault/service.sh
. "$TESTBED/vault/service.sh"
case ${1:-} in
  seal) seal ;;
  unseal) unseal "${2:-3}" ;;
  status) bao status -format=json ;;   # its exit code: 0 unsealed, 2 sealed, 1 error
  *) die "usage: vault.sh seal | unseal [SHARES] | status" ;;
esac
