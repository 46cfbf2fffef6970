#!/usr/bin/env bash
# Installs the servers that the tests start, from Debian's packages, where they are missing and this user may.
# Starts nothing: what already runs on the machine, on whatever port, is left alone.
set -euo pipefail

missing=()
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing+=(rabbitmq-server)
command -v promtool > /dev/null || missing+=(prometheus)
[ -x /usr/sbin/mosquitto ] || missing+=(mosquitto)
command -v mosquitto_sub > /dev/null || missing+=(mosquitto-clients)
command -v chromium > /dev/null || missing+=(chromium)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  for package in "${missing[@]}"; do
    echo "$package is missing and cannot be installed by this user: its tests are skipped (apt-get install $package)"
  done
  exit 0
fi

# Without this, installing a server on a machine with an init system would start it on its standard port.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi

log=$(mktemp)
echo "installing ${missing[*]} for the tests"
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  "${missing[@]}"; } > "$log" 2>&1; then
  tail -n 20 "$log"
  rm -f "$log"
  echo "installing ${missing[*]} failed; its tests are skipped, or fail in CI"
  [ "${CI:-}" != "true" ]
fi
rm -f "$log"
