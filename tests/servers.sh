#!/usr/bin/env bash
# Installs the real programs that the tests and the lab use, where this is Debian or Ubuntu and we are root.
# Elsewhere it only says what is missing: the tests that need it are skipped by name.
set -euo pipefail

declare -A package=(
  [prometheus]=prometheus
  [prometheus-alertmanager]=prometheus-alertmanager
  [chromium]=chromium
  [dovecot]=dovecot-imapd
)
missing=()
# Servers are not on everybody's path.
export PATH="$PATH:/usr/sbin:/sbin"
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not installed here: ${missing[*]} (needs root on Debian or Ubuntu); what needs them is skipped." >&2
  exit 0
fi

echo "Installing from Debian's packages: ${missing[*]} ..."
# The packages would start their own servers; ours are private ones on free ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "Could not install ${missing[*]}; what needs them is skipped (in CI that is a failure)." >&2
fi
rm -f "$log"
