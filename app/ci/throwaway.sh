#!/usr/bin/env bash
# A stack to throw away: a new database, two replicas of an image, and the simulator against them.
#
#   throwaway.sh start IMAGE      build the database, migrate, start; returns when both replicas are healthy
#   throwaway.sh simulate IMAGE   traffic; the report as one JSON line; exit code as the simulator's
#   throwaway.sh remove           all of it, whatever there is
#
# STACK (default minitwit-ci) names everything. BASE: another base image for the database. SECONDS_OF_TRAFFIC,
# LIMIT: 20 and 0.3.
set -euo pipefail

stack=${STACK:-minitwit-ci}
app=$(cd "$(dirname "$0")/.." && pwd)
settings=(
    --env "SECRET_KEY_FILE=/run/secrets/secret_key"
    --env "DATABASE_PASSWORD_FILE=/run/secrets/db_password"
    --env "DATABASE_URL=postgresql+psycopg2://minitwit@db/minitwit"
)

# run NAME [docker options] IMAGE [command]
run() {
    local name=$1
    shift
    docker run --health-interval 1s --name "$stack-$name" --network "$stack" --volume "$stack-secrets:/run/secrets:ro" "$@"
}

healthy() {
    for _ in $(seq 120); do
        if [[ $(docker inspect --format '{{.State.Health.Status}}' "$stack-$1") == healthy ]]; then return 0; fi
        sleep 0.5
    done
    docker logs "$stack-$1" >&2
    echo "$stack-$1 did not become healthy within a minute" >&2
    return 1
}

start() {
    local base=()
    if [[ -n ${BASE:-} ]]; then base=(--build-arg "BASE=$BASE"); fi
    docker build --quiet --tag "$stack-db" "${base[@]}" "$app/db" >/dev/null
    docker network create "$stack" >/dev/null
    docker volume create "$stack-secrets" >/dev/null
    # Secrets of one stack's life, made where they are used and never shown.
    docker run --rm --user 0 --entrypoint sh --volume "$stack-secrets:/s" "$stack-db" -c '
        for name in postgres_password db_password secret_key; do
            head -c 24 /dev/urandom | od -An -tx1 | tr -d " \n" > /s/$name
        done
        chmod 755 /s && chmod 644 /s/*'
    run db --detach --network-alias db "$stack-db" >/dev/null
    healthy db
    run migrate --rm "${settings[@]}" "$1" python -m minitwit.migrate >&2
    for replica in web-1 web-2; do
        run "$replica" --detach --network-alias web "${settings[@]}" "$1" >/dev/null
    done
    healthy web-1
    healthy web-2
}

simulate() {
    run simulator --rm "$1" python -m simulator --url http://web:8000 --json \
        --seconds "${SECONDS_OF_TRAFFIC:-20}" --rate 40 --threads 8 --limit "${LIMIT:-0.3}"
}

remove() {
    docker ps --all --quiet --filter "network=$stack" | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    docker network rm "$stack" >/dev/null 2>&1 || true
    docker volume rm "$stack-secrets" >/dev/null 2>&1 || true
}

case ${1:-} in
    start) start "$2" ;;
    simulate) simulate "$2" ;;
    remove) remove ;;
    *)
        echo "usage: throwaway.sh start IMAGE | simulate IMAGE | remove" >&2
        exit 2
        ;;
esac
