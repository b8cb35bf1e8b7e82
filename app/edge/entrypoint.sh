#!/bin/sh
# Writes nginx.conf from its template and becomes nginx.
#
# UPSTREAM  the network name that requests go to. Default web-$live, where $live is the colour that the flag
#           file chooses (blue/green); a plain name such as web for a service that is updated in place.
# RESOLVER  the name server; default is the one Docker gives every container.
set -eu

upstream=${UPSTREAM:-'web-$live'}
resolver=${RESOLVER:-127.0.0.11}
case "$upstream$resolver" in
    *[!A-Za-z0-9_.:\$-]*) echo "entrypoint: UPSTREAM or RESOLVER holds a character that no name has" >&2; exit 2 ;;
esac
sed -e "s/@UPSTREAM@/$upstream/" -e "s/@RESOLVER@/$resolver/" \
    /etc/nginx/nginx.conf.template > /etc/nginx/nginx.conf
exec "$@"
