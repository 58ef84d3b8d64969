#!/bin/sh
# One page of shell: the contacts for a file of candidates, by openssl s_client.
#
#   rank.sh HOST:PORT TLS-FOLDER CANDIDATES.ndjson ['"limit":100,"budget":50']
#
# TLS-FOLDER holds ca.pem, client.pem and client.key, as rouse-server init makes them (home/tls). The last word are members of
# the request, as JSON. Rows go to standard output, and only when the answer is whole; the totals to standard error.
# Exit codes: 0 done, 2 usage, 3 an error of the server, 4 no connection.
set -eu
fail() { code=$1; shift; echo "rank.sh: $*" >&2; exit "$code"; }
[ $# -ge 3 ] || fail 2 'usage: rank.sh HOST:PORT TLS-FOLDER CANDIDATES.ndjson [MEMBERS]'
address=$1 tls=$2 candidates=$3 members=${4:+,$4}
[ -r "$candidates" ] || fail 2 "$candidates cannot be read; check the path"
for file in ca.pem client.pem client.key; do
  [ -r "$tls/$file" ] || fail 2 "$tls/$file cannot be read; give the folder that rouse-server init made"
done
# A line {"op":"end"} within the file would end the stream and make requests of what follows it.
! grep -Eq '"op"|\\u00' "$candidates" || fail 2 "$candidates has a member named op, or escapes that may spell one; take it out"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap '' PIPE
mkfifo "$work/in"

# The input stays open until the answer is there: s_client would leave when its input ends. -quiet keeps it from taking
# lines that begin with Q or R for commands; -verify_return_error and -verify_hostname make it look at the certificate.
host=${address%:*}
case $host in *[!0-9.]*) name="-verify_hostname $host" ;; *) name="-verify_ip $host" ;; esac
# shellcheck disable=SC2086
openssl s_client -quiet -connect "$address" -alpn rouse/1 -verify_return_error $name \
  -CAfile "$tls/ca.pem" -cert "$tls/client.pem" -key "$tls/client.key" <"$work/in" >"$work/out" 2>"$work/log" &
client=$!
{
  printf '{"op":"rank","id":1,"stream":true%s}\n' "$members"
  cat "$candidates"
  printf '\n{"op":"end"}\n'
  # The answer's last line begins with the id and ok. Wait for it, or for the end of the connection.
  while kill -0 "$client" 2>/dev/null && ! tail -n 1 "$work/out" | grep -q '^{"id":1,"ok":'; do sleep 0.1; done
} >"$work/in" 2>/dev/null || true
kill "$client" 2>/dev/null || true
wait "$client" 2>/dev/null || true

last=$(grep '^{\("id":1,\)\{0,1\}"ok":' "$work/out" | head -n 1)
case $last in
  '{"id":1,"ok":true'*) ;;
  '') fail 4 "no answer from $address: $(grep -im1 'error\|refused\|alert' "$work/log" || echo the connection ended); check host, port and certificates" ;;
  *) fail 3 "the server refuses: $last" ;;
esac
grep -v '^{"id":1,"ok":\|^{"event":' "$work/out" || true
printf '%s\n' "$last" >&2
