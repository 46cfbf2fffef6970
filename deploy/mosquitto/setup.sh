#!/bin/sh
# Makes the file of logins for Mosquitto's dynamic security plugin, with the gateway's own login in it. Run it once,
# before Mosquitto's first start, where Mosquitto is installed:
#   setup.sh /var/lib/mosquitto/dynamic-security.json
# The password is taken from RTM_PASSWORD, or made and printed. The login is `imgw`, or RTM_USERNAME.
# A file that is there already is left as it is.
set -eu

file=${1:?usage: setup.sh FILE}
username=${RTM_USERNAME:-imgw}
password=${RTM_PASSWORD:-}
port=${RTM_SETUP_PORT:-18839} # on loopback, for a second or two

say() { echo "setup.sh: $*" >&2; }

[ ! -e "$file" ] || { say "$file is there already; nothing is changed"; exit 0; }
case $username in '' | *[!A-Za-z0-9._-]*) say "a user name is made of A-Z a-z 0-9 . _ -"; exit 2 ;; esac
if [ -z "$password" ]; then
  password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  echo "the password of $username: $password"
fi
case $password in *[!A-Za-z0-9._~+=/-]*) say "a password is made of A-Z a-z 0-9 . _ ~ + = / -"; exit 2 ;; esac

PATH=$PATH:/usr/sbin:/usr/local/sbin
plugin=${RTM_DYNAMIC_SECURITY:-}
for found in /usr/lib/mosquitto_dynamic_security.so /usr/lib/*/mosquitto_dynamic_security.so \
  /usr/local/lib/mosquitto_dynamic_security.so; do
  [ -n "$plugin" ] || [ ! -e "$found" ] || plugin=$found
done
[ -n "$plugin" ] || { say "mosquitto_dynamic_security.so is not found; say where it is by RTM_DYNAMIC_SECURITY"; exit 2; }

# A Mosquitto of our own, which nobody else reaches, so that the plugin itself writes its file.
umask 077
work=$(mktemp -d)
broker=
end() {
  [ -z "$broker" ] || kill "$broker" 2> /dev/null || true
  rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM
once=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
mosquitto_ctrl dynsec init "$work/logins.json" setup "$once" > /dev/null
cat > "$work/mosquitto.conf" <<END
user $(id -un)
listener $port 127.0.0.1
allow_anonymous false
plugin $plugin
plugin_opt_config_file $work/logins.json
END
mosquitto -c "$work/mosquitto.conf" > "$work/log" 2>&1 &
broker=$!

# Commands go by standard input and options by a file: what is on a command line, everybody can see.
mkdir "$work/.config"
printf '%s\n' "-h 127.0.0.1" "-p $port" "-u setup" "-P $once" > "$work/.config/mosquitto_pub"
may() { printf '{"acltype":"%s","topic":"%s","allow":true}' "$1" "$2"; }
commands() {
  printf '{"commands":['
  printf '{"command":"createRole","rolename":"imgw-gateway","acls":['
  # 2.0.11 looks at a shared subscription as it is written, with $share and the group.
  may subscribePattern '$share/imgw/imgw/v1/#'; printf ','
  for right in publishClientSend publishClientReceive subscribePattern; do
    may $right 'imgw/v1/#'; printf ','
    may $right '$CONTROL/dynamic-security/#'; printf ','
  done
  may unsubscribePattern '#'
  printf ']},'
  printf '{"command":"createClient","username":"%s","password":"%s","roles":[{"rolename":"imgw-gateway"}]},' \
    "$username" "$password"
  # The login that this script used; the gateway's own can do all that it could.
  printf '{"command":"deleteClient","username":"setup"}'
  printf ']}'
}
tries=0
until commands | HOME=$work XDG_CONFIG_HOME=$work/.config mosquitto_pub -q 0 -s \
  -t '$CONTROL/dynamic-security/v1' 2> "$work/pub"; do
  tries=$((tries + 1))
  if [ $tries -gt 50 ] || ! kill -0 "$broker" 2> /dev/null; then
    say "it did not work:"
    cat "$work/log" "$work/pub" >&2
    exit 1
  fi
  sleep 0.1
done
tries=0
until grep -q '"imgw-gateway"' "$work/logins.json" && ! grep -q '"setup"' "$work/logins.json"; do
  tries=$((tries + 1))
  [ $tries -le 50 ] || { say "the plugin did not take it:"; cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
kill "$broker"
wait "$broker" 2> /dev/null || true
broker=

cp "$work/logins.json" "$file.new"
# Mosquitto gives up being root.
[ "$(id -u)" -ne 0 ] || ! id mosquitto > /dev/null 2>&1 || chown mosquitto "$file.new"
mv "$file.new" "$file"
say "$file is made; the gateway's login is $username"
