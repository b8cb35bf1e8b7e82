#!/bin/sh
# Writes nginx.conf from its template and becomes nginx.
#
# UPSTREAM  the network name that requests go to. Default web-$live, where $live is the colour that the flag
#           file chooses (blue/green); a plain name such as web for a service that is updated in place.
# RESOLVER  the name server; default is the one Docker gives every container.
# TLS_CERTIFICATE, TLS_KEY  PEM files: then it speaks https on port 443 too.
# GRAFANA  host:port of a Grafana that is served under /grafana/, which is nobody's timeline.
# HTTPS_ONLY  yes: port 80 sends people to https. Port 8081, which nobody publishes, never does: for the bot and probes.
set -eu

fail() { echo "entrypoint: $*" >&2; exit 2; }

upstream=${UPSTREAM:-'web-$live'}
resolver=${RESOLVER:-127.0.0.11}
grafana=${GRAFANA:-}
case "$upstream$resolver$grafana" in
    *[!A-Za-z0-9_.:\$-]*) fail "UPSTREAM, RESOLVER or GRAFANA holds a character that no name has" ;;
esac

mkdir -p /etc/nginx/tls /etc/nginx/beside
rm -f /etc/nginx/tls/listen.conf /etc/nginx/beside/grafana.conf
if [ "$grafana" ]; then
    sed -e "s/@GRAFANA@/$grafana/" /etc/nginx/grafana.conf.template > /etc/nginx/beside/grafana.conf
fi
only=0
if [ "${TLS_CERTIFICATE:-}" ]; then
    for file in "$TLS_CERTIFICATE" "${TLS_KEY:-}"; do
        [ -r "$file" ] || fail "cannot read “$file” (TLS_CERTIFICATE, TLS_KEY)"
        case "$file" in *[!A-Za-z0-9_./-]*) fail "TLS_CERTIFICATE or TLS_KEY holds a character that no path needs" ;; esac
    done
    printf 'listen 443 ssl backlog=1024;\nssl_certificate %s;\nssl_certificate_key %s;\n' \
        "$TLS_CERTIFICATE" "$TLS_KEY" > /etc/nginx/tls/listen.conf
    [ "${HTTPS_ONLY:-no}" != yes ] || only=1
elif [ "${HTTPS_ONLY:-no}" = yes ]; then
    fail "HTTPS_ONLY needs TLS_CERTIFICATE and TLS_KEY"
fi

sed -e "s/@UPSTREAM@/$upstream/" -e "s/@RESOLVER@/$resolver/" -e "s/@HTTPS_ONLY@/$only/" \
    /etc/nginx/nginx.conf.template > /etc/nginx/nginx.conf
exec "$@"
