#!/bin/sh
# Prepares an empty volume once, then becomes Postgres. Any other command (pg_dump ...) is simply run.
#
# POSTGRES_PASSWORD_FILE  the superuser's password   (default /run/secrets/postgres_password)
# APP_PASSWORD_FILE       the application's password (default /run/secrets/db_password)
# MONITOR_PASSWORD_FILE   the password of the role `monitor`, which may read statistics and no rows
#                         (default /run/secrets/monitor_password; not there: no such role is made)
# APP_DATABASE, APP_ROLE  both default to minitwit
set -eu

[ "${1:-}" = postgres ] || exec "$@"

superuser_file=${POSTGRES_PASSWORD_FILE:-/run/secrets/postgres_password}
app_file=${APP_PASSWORD_FILE:-/run/secrets/db_password}
monitor_file=${MONITOR_PASSWORD_FILE:-/run/secrets/monitor_password}
database=${APP_DATABASE:-minitwit}
role=${APP_ROLE:-minitwit}
fresh=$PGDATA/.initdb
prepared=$PGDATA/.prepared
monitored=$PGDATA/.monitored

say() { echo "entrypoint: $*" >&2; }
fail() { say "$*"; exit 1; }

make_cluster() {
    # A kill in the middle leaves .initdb behind and no PG_VERSION beside it: then start over.
    if [ ! -d "$fresh" ] && [ -n "$(ls -A "$PGDATA" | grep -v '^lost+found$' || true)" ]; then
        fail "$PGDATA holds files but no PG_VERSION: not a new volume, not a database; refusing to touch it"
    fi
    say "preparing a new database cluster"
    find "$PGDATA" -mindepth 1 -delete
    initdb --pgdata="$fresh" --username=postgres --pwfile="$superuser_file" --encoding=UTF8 --locale=C.UTF-8 \
        --data-checksums --auth-local=peer --auth-host=scram-sha-256 >/dev/null
    printf '%s\n' 'host all all all scram-sha-256' 'host replication postgres all scram-sha-256' >> "$fresh/pg_hba.conf"
    find "$fresh" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$fresh/PG_VERSION" "$PGDATA/PG_VERSION"
    rmdir "$fresh"
}

# Nobody but this script reaches the server meanwhile: it listens on its socket only.
begin() { pg_ctl --silent --wait --options="-c listen_addresses=''" start >&2; }
end() { pg_ctl --silent --wait --mode=fast stop >&2; }

# Nothing is pasted into SQL: psql quotes its variables, and \gexec runs only what is missing.
ask() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres "$@" postgres; }

make_application_database() {
    APP_PASSWORD=$(cat "$app_file") ask --set=role="$role" --set=database="$database" <<'SQL'
\getenv password APP_PASSWORD
SET password_encryption = 'scram-sha-256';
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SQL
    touch "$prepared"
}

make_monitor() {
    MONITOR_PASSWORD=$(cat "$monitor_file") ask <<'SQL'
\getenv password MONITOR_PASSWORD
SET password_encryption = 'scram-sha-256';
SELECT 'CREATE ROLE monitor LOGIN CONNECTION LIMIT 5' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \gexec
ALTER ROLE monitor PASSWORD :'password';
GRANT pg_monitor TO monitor;
SQL
    touch "$monitored"
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -r "$superuser_file" ] || fail "cannot read the superuser's password: $superuser_file (POSTGRES_PASSWORD_FILE)"
    make_cluster
    rm -f "$prepared" "$monitored"
fi
if [ ! -e "$prepared" ]; then
    [ -r "$app_file" ] || fail "cannot read the application's password: $app_file (APP_PASSWORD_FILE)"
fi
if [ -r "$monitor_file" ] && [ ! -e "$monitored" ]; then wants_monitor=yes; else wants_monitor=; fi
if [ ! -e "$prepared" ] || [ "$wants_monitor" ]; then
    begin
    [ -e "$prepared" ] || make_application_database
    [ ! "$wants_monitor" ] || make_monitor
    end
fi

shift
exec postgres \
    -c listen_addresses='*' \
    -c max_connections="${MAX_CONNECTIONS:-200}" \
    -c shared_buffers="${SHARED_BUFFERS:-64MB}" \
    -c log_min_duration_statement=500 \
    -c log_line_prefix='%m [%p] %q%u@%d %a ' \
    "$@"
