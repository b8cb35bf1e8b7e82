#!/usr/bin/env bash
# Ask the bot, as the actor CI, to do what a person would say in chat.
#
#   ask-bot.sh wait COMMAND      until its run has ended; exit code 0 only if it succeeded
#   ask-bot.sh propose COMMAND   until the bot has taken it; people approve it in chat
#
# What is so already needs no run: that is said, with exit code 0. A refusal is said in the bot's own sentence, with 1.
# OPSBOT_URL: where the bot listens. OPSBOT_CI_TOKEN: the token that opsbot.yml scopes to CI.
# POST /ci with {"command": …, "source": …} answers 202 {"run": …, "text": …}, or 200 {"text": …} where no run is needed;
# GET /ci/RUN answers {"status": …, "text": …}; whatever is refused has a "text" too.
set -euo pipefail

: "${OPSBOT_URL:?set the address of the bot}" "${OPSBOT_CI_TOKEN:?set the token of CI}"
mode=${1:-}
command=${2:-}
if [[ ($mode != wait && $mode != propose) || -z $command ]]; then
    echo "usage: ask-bot.sh wait|propose COMMAND" >&2
    exit 2
fi
# What is sent twice with the same source is done once. "Re-run failed jobs" is another attempt, and so it is done again.
source=
if [[ -n ${GITHUB_RUN_ID:-} ]]; then
    source=${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}/actions/runs/$GITHUB_RUN_ID/attempts/${GITHUB_RUN_ATTEMPT:-1}
fi

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# The bot's words go to the file $answer: to a pipe, curl would write those of every try one after the other.
# The token comes by a file descriptor: arguments are for everybody on the machine to see.
call() {
    curl --silent --show-error --fail-with-body --max-time 30 --retry 5 --retry-connrefused --output "$answer" \
        --header @<(printf 'Authorization: Bearer %s' "$OPSBOT_CI_TOKEN") --header 'Content-Type: application/json' "$@"
}
# A field of the answer; nothing where it has none, or is of somebody else's form.
field() {
    python3 -c '
import json, sys
try:
    print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))
except (AttributeError, ValueError):
    pass' "$answer" "$1"
}
refused() {
    local text
    text=$(field text)
    echo "$1: ${text:-no answer that can be understood}" >&2
    exit 1
}

body=$(python3 -c 'import json, sys; print(json.dumps({"command": sys.argv[1], "source": sys.argv[2]}))' "$command" "$source")
call --data "$body" "$OPSBOT_URL/ci" || refused "$command"
run=$(field run)
text=$(field text)
if [[ -z $run && -z $text ]]; then refused "$command"; fi
echo "$command: ${run:+run $run. }$text"
if [[ $mode == propose || -z $run ]]; then exit 0; fi

for _ in $(seq "${ATTEMPTS:-300}"); do
    call "$OPSBOT_URL/ci/$run" || refused "run $run"
    status=$(field status)
    case $status in
        succeeded) echo "run $run succeeded"; exit 0 ;;
        failed | undone | cancelled | rejected | expired)
            echo "run $run: $status. $(field text)" >&2
            exit 1
            ;;
    esac
    sleep "${PAUSE:-2}"
done
echo "run $run has not ended; look into the chat" >&2
exit 1
