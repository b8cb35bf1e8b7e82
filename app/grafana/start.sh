#!/bin/bash
# Starts Grafana and, beside it, makes the account that may look and change nothing: files cannot provision accounts.
# VIEWER is its name (default viewer); its password and the administrator's come as secrets.
set -u

api=${GRAFANA_API:-http://127.0.0.1:3000}
viewer=${VIEWER:-viewer}
admin_file=${GF_SECURITY_ADMIN_PASSWORD__FILE:-/run/secrets/grafana_admin}
viewer_file=${VIEWER_PASSWORD_FILE:-/run/secrets/grafana_viewer}

# The password goes to curl by its standard input: a command line is read by everybody on the host.
as_admin() { printf 'user = "admin:%s"\n' "$(cat "$admin_file")" | curl --silent --max-time 5 --config - "$@"; }

make_viewer() {
    until curl --silent --fail --max-time 2 "$api/api/health" >/dev/null; do sleep 1; done
    answer=$(printf '{"login":"%s","name":"%s","password":"%s","OrgId":1}' "$viewer" "$viewer" "$(cat "$viewer_file")" |
        curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' --request POST \
            --header 'Content-Type: application/json' --data-binary @- \
            --config <(printf 'user = "admin:%s"\n' "$(cat "$admin_file")") "$api/api/admin/users")
    case $answer in
        200) echo "start.sh: made the account $viewer" ;;
        412) echo "start.sh: the account $viewer is there" ;;   # it exists already
        *) echo "start.sh: the account $viewer could not be made: Grafana answered $answer" >&2; return 1 ;;
    esac
    # New accounts are viewers (GF_USERS_AUTO_ASSIGN_ORG_ROLE); one that was given more loses it again.
    ident=$(as_admin "$api/api/users/lookup?loginOrEmail=$viewer" | grep -o '"id":[0-9]*' | head -n 1 | cut -d: -f2)
    as_admin --output /dev/null --request PATCH --header 'Content-Type: application/json' \
        --data '{"role":"Viewer"}' "$api/api/org/users/$ident"
}

if [ "${1:-}" = viewer ]; then make_viewer; exit; fi
make_viewer &
exec /run.sh "$@"
