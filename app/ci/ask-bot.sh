#!/usr/bin/env bash
# Ask the bot, as the actor CI, to do what a person would say in chat.
#
#   ask-bot.sh wait COMMAND      until its run has ended; exit code 0 only if it succeeded
#   ask-bot.sh propose COMMAND   until the bot has taken it; people approve it in chat
#
# OPSBOT_URL: where the bot listens. OPSBOT_CI_TOKEN: the token that opsbot.yml scopes to CI.
# POST /ci with {"command": …, "source": …} answers 202 {"run": …, "text": …}; GET /ci/RUN answers {"status": …, "text": …}.
set -euo pipefail

: "${OPSBOT_URL:?set the address of the bot}" "${OPSBOT_CI_TOKEN:?set the token of CI}"
mode=${1:-}
command=${2:-}
if [[ ($mode != wait && $mode != propose) || -z $command ]]; then
    echo "usage: ask-bot.sh wait|propose COMMAND" >&2
    exit 2
fi
source=${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}/actions/runs/${GITHUB_RUN_ID:-}

# The token comes by a file descriptor: arguments are for everybody on the machine to see.
call() {
    curl --silent --show-error --fail-with-body --max-time 30 --retry 5 --retry-connrefused \
        --header @<(printf 'Authorization: Bearer %s' "$OPSBOT_CI_TOKEN") --header 'Content-Type: application/json' "$@"
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$1"; }

body=$(python3 -c 'import json, sys; print(json.dumps({"command": sys.argv[1], "source": sys.argv[2]}))' "$command" "$source")
answer=$(call --data "$body" "$OPSBOT_URL/ci")
run=$(field run <<< "$answer")
echo "$command: run $run. $(field text <<< "$answer")"
if [[ $mode == propose ]]; then exit 0; fi

for _ in $(seq "${ATTEMPTS:-300}"); do
    answer=$(call "$OPSBOT_URL/ci/$run")
    status=$(field status <<< "$answer")
    case $status in
        succeeded) echo "run $run succeeded"; exit 0 ;;
        failed | undone | cancelled | rejected | expired)
            echo "run $run: $status. $(field text <<< "$answer")" >&2
            exit 1
            ;;
    esac
    sleep "${PAUSE:-2}"
done
echo "run $run has not ended; look into the chat" >&2
exit 1
