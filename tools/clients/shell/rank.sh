#!/bin/sh
# One page of shell: the contacts for a file of candidates, by openssl s_client.
#
#   rank.sh HOST:PORT TLS-FOLDER CANDIDATES.ndjson ['"limit":100,"budget":50']
#
# TLS-FOLDER holds ca.pem, client.pem and client.key, as rouse-server init makes them (home/tls). The last word are members of
# the request, as JSON; a number alone is its limit. Rows go to standard output, and only when the answer is whole; the totals
# to standard error.
# Exit codes: 0 done, 2 something of ours is wrong, 3 the server refuses, 4 no connection, or one that broke off. With 4, and
# with 3 where it says so, the same may be sent again.
set -eu
fail() { code=$1; shift; echo "rank.sh: $*" >&2; exit "$code"; }
[ $# -ge 3 ] || fail 2 'usage: rank.sh HOST:PORT TLS-FOLDER CANDIDATES.ndjson [MEMBERS]'
address=$1 tls=$2 candidates=$3 members=${4:+,$4}
case ${4:-} in '' | *[!0-9]*) ;; *) members=,'"limit"':$4 ;; esac
case $address in *?:[0-9]*) ;; *) fail 2 "'$address' is not HOST:PORT, such as 127.0.0.1:7411" ;; esac
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
  # The answer's last line begins with the id and ok, or with ok where the request could not be read. Wait for it, or for the end of the connection.
  while kill -0 "$client" 2>/dev/null && ! tail -n 1 "$work/out" | grep -q '^{\("id":1,\)\{0,1\}"ok":'; do sleep 0.1; done
} >"$work/in" 2>/dev/null || true
kill "$client" 2>/dev/null || true
wait "$client" 2>/dev/null || true

# What openssl says of a failure: the reason alone, not the place in its source.
reason() {
  sed -n 's/.*verify error:num=[0-9]*:\(.*\)/\1/p; s/.*:error:.*:system lib:[^:]*:[0-9]*:\(.*\)/\1/p; t
    s/.*:error:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p' "$work/log" | head -n 1
}
# member NAME: of the error, as the server wrote it. A real program reads JSON with a tool such as jq.
member() { printf '%s\n' "$last" | sed -n "s/.*\"$1\":\"\{0,1\}\(\([^\"\\\\,}]\|\\\\.\|, \)*\).*/\1/p"; }

last=$(sed -n '/^{\("id":1,\)\{0,1\}"ok":/{p;q;}' "$work/out")
case $last in
  '{"id":1,"ok":true'*) ;;
  '') fail 4 "no whole answer from $address: $(reason | grep . || echo the connection ended); check host, port and certificates" ;;
  *)
    code=$(member code)
    case $code in
      overloaded | rate_limited) again="send it again in $(member retry_after_ms) ms" ;;
      shutting_down | idle_timeout) again='send it again' ;;
      deadline_exceeded) again='give it more timeout_ms' ;;
      *) again='the same request has the same answer' ;;
    esac
    fail 3 "the server refuses: $code: $(member message); $again"
    ;;
esac
grep -v '^{"id":1,"ok":\|^{"event":' "$work/out" || true
printf '%s\n' "$last" >&2
